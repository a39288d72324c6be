//! The people of an ISP and of the platform: invited, given roles, shut out; and what operators do to an ISP.

use std::time::Duration;

use futures::future::join;
use netily::auth::staff;
use netily_sdk::auth::{AcceptInvitationRequest, GetInvitationRequest, GetMeRequest, RequestPasswordResetRequest, ResetPasswordRequest, Role};
use netily_sdk::isp::{
    Branding, ChangeStaffRoleRequest, GetPublicProfileRequest, InviteStaffRequest, ListStaffRequest, RemoveStaffRequest, ResendInvitationRequest, StaffMember,
    StaffRole, StaffStatus, UpdateBrandingRequest,
};
use netily_sdk::platform::{
    AuditEvent, CreateIspRequest, IspStatus, ListAuditEventsRequest, ReactivateIspRequest, ResendInvitationRequest as ResendOwnersInvitation, SuspendIspRequest,
};
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error, new_request_id};
use netily_tests::{Access, Guest, World};

const NEW: &str = "maziwa na mandazi";
const NJERI: &str = "njeri@yellow.example";

fn invitation(email: &str, role: StaffRole) -> InviteStaffRequest {
    InviteStaffRequest { email: email.into(), first_name: "Njeri".into(), last_name: "Wanjiru".into(), role: role.into(), request_id: new_request_id() }
}

async fn invite(owner: &Client, email: &str, role: StaffRole) -> StaffMember {
    owner.isp().invite_staff(invitation(email, role)).await.expect("invited").staff.expect("a person")
}

async fn accept(client: &Client, token: &str) -> Result<netily_sdk::auth::User, Error> {
    client.accept_invitation(AcceptInvitationRequest { token: token.into(), new_password: NEW.into(), ..AcceptInvitationRequest::default() }).await
}

async fn remove(owner: &Client, id: &str) -> Result<StaffMember, ErrorReason> {
    let removed = owner.isp().remove_staff(RemoveStaffRequest { id: id.into() }).await;
    removed.map(|answer| answer.staff.expect("a person")).map_err(|error| error.reason)
}

async fn change_role(owner: &Client, id: &str, role: StaffRole) -> Result<StaffMember, ErrorReason> {
    let changed = owner.isp().change_staff_role(ChangeStaffRoleRequest { id: id.into(), role: role.into() }).await;
    changed.map(|answer| answer.staff.expect("a person")).map_err(|error| error.reason)
}

async fn staff_of(owner: &Client) -> Vec<StaffMember> {
    owner.isp().list_staff(ListStaffRequest::default()).await.expect("people").staff
}

async fn my_id(client: &Client) -> String {
    client.auth().get_me(GetMeRequest {}).await.expect("somebody").user.expect("a person").id
}

/// Somebody new at `yellow`, signed in.
async fn joined(world: &World, owner: &Client, email: &str, role: StaffRole) -> Client {
    invite(owner, email, role).await;
    let client = world.client("yellow");
    accept(&client, &world.link_token(email).await).await.expect("accepted");
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_invited_chooses_a_password_and_works() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let ask = InviteStaffRequest { email: "Njeri@Yellow.example".into(), ..invitation(NJERI, StaffRole::Staff) };
    let invited = owner.isp().invite_staff(ask.clone()).await.expect("invited").staff.expect("a person");
    assert_eq!((invited.email.as_str(), invited.status(), invited.role()), (NJERI, StaffStatus::Invited, StaffRole::Staff));
    let again = owner.isp().invite_staff(ask.clone()).await.expect("the same request").staff.expect("a person");
    assert_eq!(again.id, invited.id);
    let other = owner.isp().invite_staff(InviteStaffRequest { first_name: "Other".into(), ..ask }).await.expect_err("other content");
    assert_eq!(other.reason, ErrorReason::RequestIdReused);
    let twice = owner.isp().invite_staff(invitation(NJERI, StaffRole::Owner)).await.expect_err("she is here");
    assert_eq!((twice.reason, twice.field_violations[0].path.as_str()), (ErrorReason::AlreadyExists, "email"));

    let token = world.link_token(NJERI).await;
    assert_eq!(world.mails_to(NJERI).await.len(), 1, "one request, one mail");
    assert_eq!(world.sql().await.count(&format!("tenant.link WHERE position('{token}'::bytea IN token_hash) > 0")).await, 0, "hashed at rest");
    let client = world.client("yellow");
    let shown = client.auth().get_invitation(GetInvitationRequest { token: token.clone() }).await.expect("shown");
    assert_eq!((shown.email.as_str(), shown.isp_name.as_str(), shown.role()), (NJERI, "Yellow WiFi", Role::Staff));
    let weak = AcceptInvitationRequest { token: token.clone(), new_password: "njeri wanjiru".into(), ..AcceptInvitationRequest::default() };
    let refused = client.accept_invitation(weak).await.expect_err("her own name");
    assert_eq!((refused.reason, refused.field_violations[0].path.as_str()), (ErrorReason::InvalidArgument, "new_password"));
    let ask = AcceptInvitationRequest { token: token.clone(), new_password: NEW.into(), first_name: "Nyambura".into(), ..AcceptInvitationRequest::default() };
    let user = client.accept_invitation(ask).await.expect("accepted");
    assert_eq!((user.first_name.as_str(), user.last_name.as_str(), user.role()), ("Nyambura", "Wanjiru", Role::Staff));
    client.isp().list_staff(ListStaffRequest::default()).await.expect("and works");
    assert_eq!(accept(&world.client("yellow"), &token).await.expect_err("used").reason, ErrorReason::LinkInvalid);
    world.client("yellow").sign_in(NJERI, NEW).await.expect("signs in from now on");

    let listed = staff_of(&owner).await;
    assert_eq!(listed.len(), 3);
    assert_eq!((listed[0].id.as_str(), listed[0].status()), (invited.id.as_str(), StaffStatus::Active), "newest first");
    let page = owner.isp().list_staff(ListStaffRequest { page_size: 2, ..ListStaffRequest::default() }).await.expect("a page");
    let rest = owner.isp().list_staff(ListStaffRequest { page_size: 2, page_token: page.next_page_token }).await.expect("the rest");
    assert_eq!((page.staff.len(), rest.staff.len(), rest.next_page_token.is_empty()), (2, 1, true));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_for_a_day_and_at_its_own_isp() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let member = invite(&owner, NJERI, StaffRole::Staff).await;
    let first = world.link_token(NJERI).await;
    assert_eq!(accept(&world.client("blue"), &first).await.expect_err("another ISP's").reason, ErrorReason::LinkInvalid);
    assert_eq!(accept(&world.platform_client(), &first).await.expect_err("nor the platform's").reason, ErrorReason::LinkInvalid);
    for wrong in ["x", &first[1..], &"x".repeat(43)] {
        assert_eq!(accept(&world.client("yellow"), wrong).await.expect_err("never given").reason, ErrorReason::LinkInvalid, "{wrong}");
    }
    let resend = ResendInvitationRequest { id: member.id.clone() };
    owner.isp().resend_invitation(resend.clone()).await.expect("sent again");
    let second = world.link_token(NJERI).await;
    assert_eq!(accept(&world.client("yellow"), &first).await.expect_err("void").reason, ErrorReason::LinkInvalid);
    world.advance(Duration::from_secs(24 * 3_600));
    let late = world.client("yellow").auth().get_invitation(GetInvitationRequest { token: second.clone() }).await;
    assert_eq!(late.expect_err("too old").reason, ErrorReason::LinkInvalid);
    assert_eq!(accept(&world.client("yellow"), &second).await.expect_err("too old").reason, ErrorReason::LinkInvalid);

    // Not even a code sent to the mailbox takes the place of an invitation.
    let client = world.client("yellow");
    client.auth().request_password_reset(RequestPasswordResetRequest { identifier: NJERI.into() }).await.expect("the same answer as ever");
    world.run_due().await;
    assert_eq!(world.mails_to(NJERI).await.len(), 2, "invitations, and no code");
    let ask = ResetPasswordRequest { identifier: NJERI.into(), otp_code: "123456".into(), new_password: NEW.into() };
    assert_eq!(client.auth().reset_password(ask).await.expect_err("refused").reason, ErrorReason::OtpInvalid);

    owner.isp().resend_invitation(resend.clone()).await.expect("sent again");
    let third = world.link_token(NJERI).await;
    let (one, other) = (world.client("yellow"), world.client("yellow"));
    let (one, other) = join(accept(&one, &third), accept(&other, &third)).await;
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1, "two at once use it once");
    assert_eq!(owner.isp().resend_invitation(resend).await.expect_err("accepted").reason, ErrorReason::StateConflict);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_of_one_person_are_limited() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let member = invite(&owner, NJERI, StaffRole::Staff).await;
    let mut sent = 1;
    let refused = loop {
        match owner.isp().resend_invitation(ResendInvitationRequest { id: member.id.clone() }).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(refused.reason == ErrorReason::RateLimited && refused.retry_after.is_some(), "{refused}");
    assert_eq!(sent, 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_is_out_at_once_and_may_be_invited_again() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let client = joined(&world, &owner, NJERI, StaffRole::Staff).await;
    let id = my_id(&client).await;
    let access = client.tokens().expect("tokens");
    assert_eq!(remove(&owner, &id).await.expect("removed").status(), StaffStatus::Disabled);
    remove(&owner, &id).await.expect("doing it again changes nothing");
    client.set_tokens(Some(netily_sdk::auth::Tokens { refresh: "x".into(), ..access }));
    let error = client.auth().get_me(GetMeRequest {}).await.expect_err("her token dies at once");
    assert_eq!(error.reason, ErrorReason::RefreshTokenInvalid);
    assert_eq!(world.client("yellow").sign_in(NJERI, NEW).await.expect_err("nor does she sign in").reason, ErrorReason::WrongCredentials);
    assert_eq!(change_role(&owner, &id, StaffRole::Owner).await.expect_err("nor is she given a role"), ErrorReason::StateConflict);

    let back = invite(&owner, NJERI, StaffRole::Owner).await;
    assert_eq!((back.id.as_str(), back.status(), back.role()), (id.as_str(), StaffStatus::Invited, StaffRole::Owner));
    world.client("yellow").sign_in(NJERI, NEW).await.expect_err("the old password is gone");
    let token = world.link_token(NJERI).await;
    remove(&owner, &id).await.expect("removed once more");
    assert_eq!(accept(&world.client("yellow"), &token).await.expect_err("the invitation went with her").reason, ErrorReason::LinkInvalid);
    let acts = world.sql().await.rows("SELECT act FROM tenant.audit_event WHERE act LIKE '%staff' ORDER BY at, id").await;
    let acts: Vec<_> = acts.iter().filter_map(|row| row["act"].as_str()).collect();
    assert_eq!(acts, ["invite_staff", "remove_staff", "invite_staff", "remove_staff"]);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_holds_at_once_and_an_owner_is_always_left() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let mine = my_id(&owner).await;
    for error in [remove(&owner, &mine).await.expect_err("alone"), change_role(&owner, &mine, StaffRole::Staff).await.expect_err("alone")] {
        assert_eq!(error, ErrorReason::LastOwner);
    }
    // Whoever has only been invited cannot look after an ISP.
    let invited = invite(&owner, "invited@yellow.example", StaffRole::Owner).await;
    assert_eq!(remove(&owner, &mine).await.expect_err("still alone"), ErrorReason::LastOwner);
    remove(&owner, &invited.id).await.expect("who was only invited may go");

    let njeri = joined(&world, &owner, NJERI, StaffRole::Staff).await;
    let id = my_id(&njeri).await;
    let brand = UpdateBrandingRequest::default();
    assert_eq!(njeri.isp().update_branding(brand.clone()).await.expect_err("staff").reason, ErrorReason::PermissionDenied);
    change_role(&owner, &id, StaffRole::Owner).await.expect("made an owner");
    change_role(&owner, &id, StaffRole::Owner).await.expect("doing it again changes nothing");
    assert_eq!(njeri.isp().update_branding(brand.clone()).await.expect_err("an owner, with no look").reason, ErrorReason::InvalidArgument);
    change_role(&njeri, &mine, StaffRole::Staff).await.expect("and takes over");
    assert_eq!(owner.isp().update_branding(brand).await.expect_err("no owner any longer").reason, ErrorReason::PermissionDenied);
    assert_eq!(remove(&njeri, &id).await.expect_err("alone now"), ErrorReason::LastOwner);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_remove_each_other_leave_one() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let yellow = netily::isp::tenant(&world.app.db, "yellow").await.expect("the ISP").id;
    let njeri = joined(&world, &owner, NJERI, StaffRole::Owner).await;
    let (one, other) = (my_id(&owner).await.parse().expect("an id"), my_id(&njeri).await.parse().expect("an id"));
    let enable = "UPDATE tenant.user_account SET disabled_at = NULL, role = 'OWNER' WHERE disabled_at IS NOT NULL OR email = 'njeri@yellow.example'";
    for round in 0..20 {
        // As the use case: at the door one of them may be refused before it comes to a race.
        let outcomes = if round % 2 == 0 {
            join(staff::remove(&world.app, yellow, one, other), staff::remove(&world.app, yellow, other, one)).await
        } else {
            let to_staff = |by, id| staff::change_role(&world.app, yellow, by, id, netily::actor::Role::Staff);
            join(to_staff(one, other), staff::remove(&world.app, yellow, other, one)).await
        };
        let done = [outcomes.0.is_ok(), outcomes.1.is_ok()];
        assert_eq!(done.iter().filter(|ok| **ok).count(), 1, "{round}: {outcomes:?}");
        let mut sql = world.sql().await;
        let left = "tenant.user_account u JOIN public.isp i ON i.id = u.tenant_id WHERE i.slug = 'yellow' AND role = 'OWNER' AND disabled_at IS NULL";
        assert_eq!(sql.count(left).await, 1, "{round}");
        sql.run(enable).await;
        sql.run("UPDATE tenant.user_account SET role = 'OWNER' WHERE email = 'owner@yellow.example'").await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gives_the_isp_its_look() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    let look = Branding {
        display_name: "Yellow Fibre".into(),
        logo_url: "https://yellow.example/logo.svg".into(),
        primary_color: "#FFCC00".into(),
        welcome_title: "Karibu nyumbani".into(),
        welcome_message: "Chagua, lipa, furahia.".into(),
        support_phone: "020 123 4567".into(),
        support_email: "help@yellow.example".into(),
    };
    let stored = owner.isp().update_branding(UpdateBrandingRequest { branding: Some(look.clone()) }).await.expect("written").branding.expect("a look");
    assert_eq!(stored, Branding { primary_color: "#ffcc00".into(), ..look.clone() });
    let profile = world.client("yellow").isp().get_public_profile(GetPublicProfileRequest {}).await.expect("public").profile.expect("a profile");
    assert_eq!((profile.display_name.as_str(), profile.logo_url.as_str()), ("Yellow Fibre", "https://yellow.example/logo.svg"));
    let bad = Branding { logo_url: "javascript:alert(1)".into(), ..look };
    let error = owner.isp().update_branding(UpdateBrandingRequest { branding: Some(bad) }).await.expect_err("no address");
    assert_eq!(error.field_violations[0].path, "branding.logo_url");
    assert_eq!(world.sql().await.count("tenant.audit_event WHERE act = 'update_branding'").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_opens_suspends_and_reactivates_an_isp() {
    let world = World::new().await;
    let operator = world.operator().await;
    let platform = operator.platform();
    let ask = CreateIspRequest {
        slug: "green".into(),
        name: "Green Fibre".into(),
        owner_email: "owner@green.example".into(),
        owner_first_name: "Achieng".into(),
        owner_last_name: "Otieno".into(),
        request_id: new_request_id(),
        ..CreateIspRequest::default()
    };
    platform.create_isp(ask.clone()).await.expect("opened");
    platform.create_isp(ask).await.expect("the same request");
    let first = world.link_token("owner@green.example").await;
    let sent = platform.resend_invitation(ResendOwnersInvitation { isp: "green".into() }).await.expect("sent again");
    assert_eq!(sent.email, "owner@green.example");
    let second = world.link_token("owner@green.example").await;
    assert_eq!(world.mails_to("owner@green.example").await.len(), 2);
    assert_eq!(accept(&world.client("green"), &first).await.expect_err("void").reason, ErrorReason::LinkInvalid);
    assert_eq!(accept(&world.client("green"), &second).await.expect("accepted").role(), Role::Owner);
    let late = platform.resend_invitation(ResendOwnersInvitation { isp: "green".into() }).await;
    assert_eq!(late.expect_err("accepted").reason, ErrorReason::StateConflict);

    let suspend = SuspendIspRequest { isp: "yellow".into(), reason: "Licence has run out".into() };
    let suspended = platform.suspend_isp(suspend.clone()).await.expect("suspended").isp.expect("an ISP");
    assert_eq!((suspended.status(), suspended.suspended_reason.as_str()), (IspStatus::Suspended, "Licence has run out"));
    let again = platform.suspend_isp(SuspendIspRequest { reason: "And more".into(), ..suspend }).await.expect("suspended").isp.expect("an ISP");
    assert_eq!((again.suspended_at, again.suspended_reason.as_str()), (suspended.suspended_at, "And more"));
    world.suspension_is_noticed("yellow").await;
    let open = platform.reactivate_isp(ReactivateIspRequest { isp: suspended.id }).await.expect("open").isp.expect("an ISP");
    assert_eq!((open.status(), open.suspended_at, open.suspended_reason.as_str()), (IspStatus::Active, None, ""));
    netily_tests::eventually("it sells again", async || world.client("yellow").hotspot().purchase(world.ask(&Guest::number(1))).await.ok()).await;
    for unknown in ["nothing", "platform", "isp_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f"] {
        let ask = SuspendIspRequest { isp: unknown.into(), reason: "x".into() };
        assert_eq!(platform.suspend_isp(ask).await.expect_err("unknown").reason, ErrorReason::NotFound, "{unknown}");
    }
    let nameless = platform.suspend_isp(SuspendIspRequest { isp: "yellow".into(), reason: " ".into() }).await.expect_err("no reason");
    assert_eq!(nameless.field_violations[0].path, "reason");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_read_who_did_what_over_all_isps_page_by_page() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.signed_in("blue", Access::Staff).await;
    let operator = world.operator().await;
    let by = my_id(&operator).await;
    let suspend = SuspendIspRequest { isp: "blue".into(), reason: "Licence has run out".into() };
    operator.platform().suspend_isp(suspend).await.expect("suspended");
    invite(&owner, NJERI, StaffRole::Staff).await;

    let list = async |isp: &str, act: &str| {
        let (mut events, mut page_token) = (Vec::<AuditEvent>::new(), String::new());
        loop {
            let ask = ListAuditEventsRequest { isp: isp.into(), act: act.into(), page_size: 2, page_token };
            let page = operator.platform().list_audit_events(ask).await.expect("events");
            assert!(page.events.len() <= 2);
            events.extend(page.events);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return events;
            }
        }
    };
    let acts = |events: &[AuditEvent]| events.iter().map(|event| format!("{} {}", event.isp_slug, event.act)).collect::<Vec<_>>();
    let all = list("", "").await;
    let expected = ["yellow invite_staff", "blue suspend_isp", "platform sign_in", "blue sign_in", "yellow sign_in"];
    assert_eq!(acts(&all)[..5], expected, "newest first");
    let opened = acts(&all).into_iter().filter(|act| act.ends_with(" create_isp")).collect::<Vec<_>>();
    assert_eq!(opened, ["blue create_isp", "yellow create_isp"], "down to the first, each once");
    let suspended = all.iter().find(|event| event.act == "suspend_isp").expect("it is there");
    assert_eq!((suspended.actor.as_str(), suspended.facts.as_str()), (by.as_str(), r#"{"reason":"Licence has run out"}"#));
    let of_yellow = acts(&list("yellow", "").await);
    assert_eq!(of_yellow[..2], ["yellow invite_staff", "yellow sign_in"]);
    assert!(of_yellow.iter().all(|act| act.starts_with("yellow ")) && of_yellow.ends_with(&["yellow create_isp".to_owned()]), "{of_yellow:?}");
    assert_eq!(acts(&list("", "sign_in").await), ["platform sign_in", "blue sign_in", "yellow sign_in"]);
    assert_eq!(acts(&list("platform", "").await), ["platform sign_in"]);
    let unknown = operator.platform().list_audit_events(ListAuditEventsRequest { isp: "nothing".into(), ..ListAuditEventsRequest::default() }).await;
    assert_eq!(unknown.expect_err("unknown").reason, ErrorReason::NotFound);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_what_was_done_cannot_be_changed() {
    let world = World::new().await;
    world.signed_in("yellow", Access::Owner).await;
    let mut served = netily_tests::Sql::connect(&world.urls.app).await;
    for write in ["UPDATE tenant.audit_event SET actor = 'nobody'", "DELETE FROM tenant.audit_event", "TRUNCATE tenant.audit_event"] {
        let refusal = served.attempt(write).await.expect_err(write);
        assert!(refusal.contains("permission denied"), "{write}: {refusal}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_comes_by_invitation() {
    let world = World::new().await;
    let link = staff::invite_operator(&world.app, "ops@netily.example", "Njeri", "Mwangi").await.expect("invited");
    assert!(link.starts_with(&format!("http://admin.localhost:{}/invitation#token=", world.address.port())), "{link}");
    let token = world.link_token("ops@netily.example").await;
    assert!(link.ends_with(&token), "the mail has the same link");
    let by_host = Client::builder(format!("http://admin.localhost:{}", world.address.port())).attempts(1).build().expect("a client");
    assert_eq!(accept(&by_host, &token).await.expect("accepted").role(), Role::Operator);
    by_host.platform().list_isps(netily_sdk::platform::ListIspsRequest::default()).await.expect("and works");
    let again = staff::invite_operator(&world.app, "ops@netily.example", "Njeri", "Mwangi").await.expect_err("she is one");
    assert_eq!(again.reason, ErrorReason::StateConflict);
    world.finish().await;
}
