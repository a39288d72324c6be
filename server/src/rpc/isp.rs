//! IspService: the look of the ISP of this subdomain, and the people who work for it.

mod subscription;

use std::sync::Arc;

use netily_sdk::isp as pb;
use netily_sdk::isp::isp_service_server::IspService;
use tonic::{Request, Response, Status};

use super::answer::{answer, by, lang, timestamp};
use super::fields;
use crate::actor::{Role, Tenant};
use crate::allowance;
use crate::app::App;
use crate::audit::By;
use crate::auth::User;
use crate::auth::staff::{self, NewStaff};
use crate::billing::seen;
use crate::error::{Error, Result};
use crate::isp::{self, Branding, Profile};
use crate::page::PageAsk;
use crate::subscription::Plan;

/// The service.
pub struct Isp {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl IspService for Isp {
    async fn get_public_profile(&self, request: Request<pb::GetPublicProfileRequest>) -> Result<Response<pb::GetPublicProfileResponse>, Status> {
        answer(request, async |caller, _| {
            let tenant = caller.isp()?;
            let profile = isp::profile(&self.app, tenant.id).await?;
            Ok(pb::GetPublicProfileResponse { profile: Some(public_profile(tenant, profile)) })
        })
        .await
    }

    async fn update_branding(&self, request: Request<pb::UpdateBrandingRequest>) -> Result<Response<pb::UpdateBrandingResponse>, Status> {
        answer(request, async |caller, ask| {
            let new = branding(ask.branding)?;
            let look = isp::update_branding(&self.app, caller.isp()?.id, caller.person()?.user, new).await?;
            Ok(pb::UpdateBrandingResponse { branding: Some(shown(look)) })
        })
        .await
    }

    async fn list_staff(&self, request: Request<pb::ListStaffRequest>) -> Result<Response<pb::ListStaffResponse>, Status> {
        answer(request, async |caller, ask| {
            let (people, next_page_token) = staff::list(&self.app, caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?).await?;
            Ok(pb::ListStaffResponse { staff: people.iter().map(member).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

    async fn invite_staff(&self, request: Request<pb::InviteStaffRequest>) -> Result<Response<pb::InviteStaffResponse>, Status> {
        answer(request, async |caller, ask| {
            let new = new_staff(ask, &self.app.config.callback_key)?;
            let invited = staff::invite(&self.app, caller.isp()?.id, By::User(caller.person()?.user), new).await?;
            Ok(pb::InviteStaffResponse { staff: Some(member(&invited)?) })
        })
        .await
    }

    async fn resend_invitation(&self, request: Request<pb::ResendInvitationRequest>) -> Result<Response<pb::ResendInvitationResponse>, Status> {
        answer(request, async |caller, ask| {
            let by = By::User(caller.person()?.user);
            let invited = staff::resend_invitation(&self.app, caller.isp()?.id, by, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ResendInvitationResponse { staff: Some(member(&invited)?) })
        })
        .await
    }

    async fn change_staff_role(&self, request: Request<pb::ChangeStaffRoleRequest>) -> Result<Response<pb::ChangeStaffRoleResponse>, Status> {
        answer(request, async |caller, ask| {
            let (id, role) = (fields::parse("id", &ask.id)?, role("role", ask.role)?);
            let changed = staff::change_role(&self.app, caller.isp()?.id, caller.person()?.user, id, role).await?;
            Ok(pb::ChangeStaffRoleResponse { staff: Some(member(&changed)?) })
        })
        .await
    }

    async fn remove_staff(&self, request: Request<pb::RemoveStaffRequest>) -> Result<Response<pb::RemoveStaffResponse>, Status> {
        answer(request, async |caller, ask| {
            let removed = staff::remove(&self.app, caller.isp()?.id, caller.person()?.user, fields::parse("id", &ask.id)?).await?;
            Ok(pb::RemoveStaffResponse { staff: Some(member(&removed)?) })
        })
        .await
    }

    async fn list_subscription_plans(&self, request: Request<pb::ListSubscriptionPlansRequest>) -> Result<Response<pb::ListSubscriptionPlansResponse>, Status> {
        answer(request, async |_, _| Ok(pb::ListSubscriptionPlansResponse { plans: Plan::ALL.map(subscription::plan).into() })).await
    }

    async fn get_subscription(&self, request: Request<pb::GetSubscriptionRequest>) -> Result<Response<pb::GetSubscriptionResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, now) = (caller.isp()?.id, self.app.clock.now());
            let (held, counts) = self.app.db.tx(isp, async |tx| Ok((crate::subscription::get(tx, isp).await?, allowance::counts(tx, isp).await?))).await?;
            Ok(subscription::held(&held, counts, now))
        })
        .await
    }

    async fn pay_subscription(&self, request: Request<pb::PaySubscriptionRequest>) -> Result<Response<pb::PaySubscriptionResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let ask = subscription::ask(ask, caller.address, &self.app.config.callback_key)?;
            let payment = crate::subscription::pay(&self.app, caller.isp()?, &ask).await?;
            Ok(pb::PaySubscriptionResponse { payment: Some(super::billing::show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn schedule_subscription(&self, request: Request<pb::ScheduleSubscriptionRequest>) -> Result<Response<pb::ScheduleSubscriptionResponse>, Status> {
        answer(request, async |caller, ask| {
            let held = crate::subscription::schedule(&self.app, caller.isp()?.id, by(&caller)?, subscription::wanted(ask)?).await?;
            Ok(subscription::scheduled(&held))
        })
        .await
    }

    async fn get_subscription_payment(
        &self,
        request: Request<pb::GetSubscriptionPaymentRequest>,
    ) -> Result<Response<pb::GetSubscriptionPaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let payment = self.app.db.tx(isp, async |tx| seen::get_of_isp(tx, isp, id).await).await?;
            Ok(pb::GetSubscriptionPaymentResponse { payment: Some(super::billing::show::payment(&payment, lang)?) })
        })
        .await
    }
}

fn branding(given: Option<pb::Branding>) -> Result<Branding> {
    let given = given.ok_or_else(|| Error::field("branding", "must be set"))?;
    let or_none = |path: &str, text: &str, read: fn(&str, &str) -> Result<String>| fields::optional(path, text, read).map(Option::unwrap_or_default);
    Ok(Branding {
        display_name: fields::text("branding.display_name", &given.display_name, 80)?,
        logo_url: or_none("branding.logo_url", &given.logo_url, fields::picture)?,
        primary_color: fields::color("branding.primary_color", &given.primary_color)?,
        welcome_title: fields::text_or_none("branding.welcome_title", &given.welcome_title, 80)?,
        welcome_message: fields::text_or_none("branding.welcome_message", &given.welcome_message, 300)?,
        support_phone: or_none("branding.support_phone", &given.support_phone, fields::support_phone)?,
        support_email: or_none("branding.support_email", &given.support_email, fields::email)?,
    })
}

fn shown(look: Branding) -> pb::Branding {
    pb::Branding {
        display_name: look.display_name,
        logo_url: look.logo_url,
        primary_color: look.primary_color,
        welcome_title: look.welcome_title,
        welcome_message: look.welcome_message,
        support_phone: look.support_phone,
        support_email: look.support_email,
    }
}

fn new_staff(mut ask: pb::InviteStaffRequest, key: &[u8]) -> Result<NewStaff> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    Ok(NewStaff {
        email: fields::email("email", &ask.email)?,
        first_name: fields::text("first_name", &ask.first_name, 60)?,
        last_name: fields::text("last_name", &ask.last_name, 60)?,
        role: role("role", ask.role)?,
        request_id,
        request_hash,
    })
}

fn role(path: &str, number: i32) -> Result<Role> {
    match fields::choice(path, number)? {
        Some(pb::StaffRole::Staff) => Ok(Role::Staff),
        Some(pb::StaffRole::Owner) => Ok(Role::Owner),
        _ => Err(Error::field(path, "must be staff or owner")),
    }
}

fn member(user: &User) -> Result<pb::StaffMember> {
    let role = if user.role()? == Role::Owner { pb::StaffRole::Owner } else { pb::StaffRole::Staff };
    let status = match (user.disabled_at, user.has_password()) {
        (Some(_), _) => pb::StaffStatus::Disabled,
        (None, false) => pb::StaffStatus::Invited,
        (None, true) => pb::StaffStatus::Active,
    };
    Ok(pb::StaffMember {
        id: user.id.to_string(),
        email: user.email.clone().unwrap_or_default(),
        phone_number: user.phone.clone().unwrap_or_default(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        role: role.into(),
        status: status.into(),
        created_at: Some(timestamp(user.created_at)),
        invited_at: user.invited_at.map(timestamp),
    })
}

fn public_profile(tenant: &Tenant, Profile { branding, registration }: Profile) -> pb::PublicProfile {
    pb::PublicProfile {
        slug: tenant.slug.clone(),
        display_name: branding.display_name,
        logo_url: branding.logo_url,
        primary_color: branding.primary_color,
        welcome_title: branding.welcome_title,
        welcome_message: branding.welcome_message,
        support_phone: branding.support_phone,
        support_email: branding.support_email,
        allow_self_registration: registration.allow_self_registration,
        require_id_number: registration.require_id_number,
        require_phone_verification: registration.require_phone_verification,
        require_email_verification: registration.require_email_verification,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> pb::Branding {
        pb::Branding {
            display_name: "Yellow WiFi".into(),
            logo_url: "https://yellow.example/logo.png".into(),
            primary_color: "#F2B705".into(),
            welcome_title: "Karibu".into(),
            welcome_message: "Pick a plan.".into(),
            support_phone: "+254 722 000 001".into(),
            support_email: "help@yellow.example".into(),
        }
    }

    #[test]
    fn each_field_of_a_look_is_judged_by_its_name() {
        assert_eq!(branding(Some(good())).expect("a look").primary_color, "#f2b705");
        let bare = pb::Branding { display_name: "Y".into(), primary_color: "#000000".into(), ..pb::Branding::default() };
        assert!(branding(Some(bare)).is_ok(), "all but name and colour may be empty");
        assert_eq!(branding(None).expect_err("refused").fields[0].0, "branding");
        type Spoil = fn(&mut pb::Branding);
        let table: [(&str, Spoil); 8] = [
            ("display_name", |look| look.display_name = " ".into()),
            ("display_name", |look| look.display_name = "x".repeat(81)),
            ("logo_url", |look| look.logo_url = "http://yellow.example/logo.png".into()),
            ("primary_color", |look| look.primary_color = "yellow".into()),
            ("welcome_title", |look| look.welcome_title = "x".repeat(81)),
            ("welcome_message", |look| look.welcome_message = "x".repeat(301)),
            ("support_phone", |look| look.support_phone = "call us".into()),
            ("support_email", |look| look.support_email = "help".into()),
        ];
        for (path, spoil) in table {
            let mut look = good();
            spoil(&mut look);
            assert_eq!(branding(Some(look)).expect_err("refused").fields[0].0, format!("branding.{path}"));
        }
    }

    #[test]
    fn each_field_of_an_invitation_is_judged_by_its_name() {
        let good = pb::InviteStaffRequest {
            email: "asha@yellow.example".into(),
            first_name: "Asha".into(),
            last_name: "W".into(),
            role: pb::StaffRole::Staff.into(),
            request_id: "6fa459ea-ee8a-4ca4-894e-db77e160355e".into(),
        };
        assert!(new_staff(good.clone(), b"key").is_ok());
        type Spoil = fn(&mut pb::InviteStaffRequest);
        let table: [(&str, Spoil); 6] = [
            ("request_id", |ask| ask.request_id = "1".into()),
            ("email", |ask| ask.email = "asha".into()),
            ("first_name", |ask| ask.first_name = String::new()),
            ("last_name", |ask| ask.last_name = "x".repeat(61)),
            ("role", |ask| ask.role = 0),
            ("role", |ask| ask.role = 99),
        ];
        for (path, spoil) in table {
            let mut ask = good.clone();
            spoil(&mut ask);
            assert_eq!(new_staff(ask, b"key").expect_err("refused").fields[0].0, path);
        }
    }
}
