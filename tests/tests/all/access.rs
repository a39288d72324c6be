//! Every call of the contract, with every kind of caller. The list comes from the descriptors: a new call without a row
//! here fails.

use std::time::Duration;

use netily::actor::{Person, Role};
use netily::id::{PLATFORM, SignInId, UserId};
use netily_sdk::auth::{GetMeRequest, RefreshTokenRequest};
use netily_sdk::hotspot::{ListPlansRequest, PurchaseStatus};
use netily_sdk::isp::GetPublicProfileRequest;
use netily_sdk::platform::SuspendIspRequest;
use netily_sdk::types::ErrorReason;
use netily_sdk::{Client, Error};
use netily_tests::{Access, Guest, World};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Anybody; a token that comes along must be good.
    Anybody,
    /// Anybody; a token that comes along is not looked at.
    SigningIn,
    SignedIn,
    Customer,
    Staff,
    Owner,
    Operator,
}

/// What this test expects, written apart from the server's own table.
fn expected(method: &str) -> Who {
    match method {
        "AuthService/SignIn"
        | "AuthService/RefreshToken"
        | "AuthService/SignOut"
        | "AuthService/RequestPasswordReset"
        | "AuthService/ResetPassword"
        | "AuthService/GetInvitation"
        | "AuthService/AcceptInvitation" => Who::SigningIn,
        "AuthService/GetMe" | "AuthService/ChangePassword" | "AuthService/ListSignIns" | "AuthService/EndSignIn" | "AuthService/EndOtherSignIns" => {
            Who::SignedIn
        }
        "HotspotService/ListPlans"
        | "HotspotService/Purchase"
        | "HotspotService/GetPurchaseStatus"
        | "HotspotService/WatchPurchase"
        | "HotspotService/ResumePurchase"
        | "HotspotService/BlockPrompts"
        | "IspService/GetPublicProfile"
        | "SelfService/VerifyPhone"
        | "SelfService/ResendOtp"
        | "SelfService/VerifyEmail"
        | "SelfService/ListPlans" => Who::Anybody,
        "SelfService/Register" | "SelfService/Login" | "SelfService/AcceptInvitation" => Who::SigningIn,
        "SelfService/ResendVerificationEmail"
        | "SelfService/GetProfile"
        | "SelfService/UpdateProfile"
        | "SelfService/RequestPhoneChange"
        | "SelfService/ConfirmPhoneChange"
        | "SelfService/RequestEmailChange"
        | "SelfService/CloseAccount"
        | "SelfService/GetDashboard"
        | "SelfService/CreateServiceRequest"
        | "SelfService/ListServiceRequests"
        | "SelfService/GetServiceRequest"
        | "SelfService/CancelServiceRequest"
        | "SelfService/ListAlerts"
        | "SelfService/MarkAlertRead"
        | "SelfService/MarkAllAlertsRead"
        | "SelfService/InitiatePayment"
        | "SelfService/GetPaymentStatus"
        | "SelfService/WatchPayment"
        | "SelfService/ListPayments"
        | "SelfService/ListInvoices"
        | "SelfService/GetInvoice"
        | "SelfService/GetInvoicePdf"
        | "SelfService/GetReceiptPdf"
        | "SelfService/GetStatement"
        | "SelfService/ClaimReceipt" => Who::Customer,
        "HotspotService/CreatePlan"
        | "HotspotService/UpdatePlan"
        | "HotspotService/ArchivePlan"
        | "HotspotService/ListAllPlans"
        | "HotspotService/ListSessions"
        | "RouterService/CreateRouter"
        | "RouterService/ListRouters"
        | "RouterService/GetRouter"
        | "RouterService/CheckRouter"
        | "RouterService/ListActiveSessions"
        | "IspService/ListStaff"
        | "IspService/ListSubscriptionPlans"
        | "IspService/GetSubscription"
        | "IspService/GetSubscriptionPayment"
        | "PayoutService/GetBalance"
        | "PayoutService/ListSettlements"
        | "PayoutService/GetSettlement"
        | "PayoutService/GetStatement"
        | "PayoutService/StreamStatement"
        | "PayoutService/Trace"
        | "PayoutService/GetDailyReport"
        | "BillingService/ListCommissions"
        | "BillingService/CreatePlan"
        | "BillingService/UpdatePlan"
        | "BillingService/ArchivePlan"
        | "BillingService/ListPlans"
        | "BillingService/ListPlanVersions"
        | "BillingService/CreateConnection"
        | "BillingService/UpdateConnection"
        | "BillingService/SuspendConnection"
        | "BillingService/ResumeConnection"
        | "BillingService/EndConnection"
        | "BillingService/ListConnections"
        | "BillingService/GetConnection"
        | "BillingService/InitiatePayment"
        | "BillingService/RecordOfflinePayment"
        | "BillingService/ClaimReceipt"
        | "BillingService/ListLeftBalances"
        | "BillingService/ListPayments"
        | "BillingService/GetPayment"
        | "BillingService/CreateInvoice"
        | "BillingService/ListInvoices"
        | "BillingService/GetInvoice"
        | "BillingService/GetInvoicePdf"
        | "BillingService/GetReceiptPdf"
        | "BillingService/VoidInvoice"
        | "BillingService/GetBillingSettings"
        | "BillingService/UpdateBillingSettings"
        | "BillingService/GetRevenueReport"
        | "BillingService/GetCustomerStatement"
        | "BillingService/PreviewPlanChange"
        | "BillingService/ChangePlan"
        | "NotificationService/ListTemplates"
        | "NotificationService/UpdateTemplate"
        | "NotificationService/ResetTemplate"
        | "NotificationService/PreviewTemplate"
        | "NotificationService/ListMessages"
        | "NotificationService/RetryMessage"
        | "CustomerService/ListCustomers"
        | "CustomerService/GetCustomer"
        | "CustomerService/CreateCustomer"
        | "CustomerService/UpdateCustomer"
        | "CustomerService/ApproveCustomer"
        | "CustomerService/RejectCustomer"
        | "CustomerService/SuspendCustomer"
        | "CustomerService/ReactivateCustomer"
        | "CustomerService/CloseCustomer"
        | "CustomerService/GetRegistrationSettings"
        | "CustomerService/UpdateRegistrationSettings"
        | "CustomerService/ListServiceRequests"
        | "CustomerService/UpdateServiceRequest"
        | "CustomerService/ExportCustomer" => Who::Staff,
        "CustomerService/EraseCustomer"
        | "BillingService/ConfirmOfflinePayment"
        | "BillingService/VoidOfflinePayment"
        | "BillingService/WriteOffBalance"
        | "BillingService/RecordBalancePaidBack"
        | "PayoutService/GetPayoutConfig"
        | "PayoutService/SetPayoutConfig"
        | "PayoutService/VerifyPayoutConfig"
        | "PayoutService/WithdrawNow"
        | "PayoutService/ConfirmPayoutConfig" => Who::Owner,
        "IspService/UpdateBranding"
        | "IspService/PaySubscription"
        | "IspService/ScheduleSubscription"
        | "IspService/InviteStaff"
        | "IspService/ResendInvitation"
        | "IspService/ChangeStaffRole"
        | "BillingService/StreamCommissions"
        | "BillingService/StreamInvoices"
        | "BillingService/StreamPayments"
        | "IspService/RemoveStaff" => Who::Owner,
        "PlatformService/CreateIsp"
        | "PlatformService/ListIsps"
        | "PlatformService/SetCommissionRate"
        | "PlatformService/CheckLedger"
        | "PlatformService/ListWebhookDeliveries"
        | "PlatformService/ResendInvitation"
        | "PlatformService/SuspendIsp"
        | "PlatformService/ReactivateIsp"
        | "PlatformService/RotateTokenKeys"
        | "PlatformService/ListAuditEvents"
        | "PlatformService/RunSettlements"
        | "PlatformService/ListSettlements"
        | "PlatformService/GetSettlement"
        | "PlatformService/ResolveSettlement"
        | "PlatformService/GetPayoutStatus"
        | "PlatformService/SetPayoutSwitch"
        | "PlatformService/FreezePayouts"
        | "PlatformService/UnfreezePayouts"
        | "PlatformService/ListUnmatched"
        | "PlatformService/AdoptCollection"
        | "PlatformService/WriteOff"
        | "PlatformService/PostAdjustment"
        | "PlatformService/RecordOwnerMovement"
        | "PlatformService/RecordReversal"
        | "PlatformService/RefundPayment"
        | "PlatformService/ListRefunds"
        | "PlatformService/ListRepairs"
        | "PlatformService/StreamPayments"
        | "PlatformService/StreamInvoices"
        | "PlatformService/StreamCommissions"
        | "PlatformService/GetTrialBalance"
        | "PlatformService/CloseMonth"
        | "PlatformService/ReopenMonth"
        | "PlatformService/ListApprovals"
        | "PlatformService/WithdrawApproval"
        | "PlatformService/AdoptPayout"
        | "PlatformService/EndUncertainty"
        | "PlatformService/ListBreaks"
        | "PlatformService/CloseBreak"
        | "PlatformService/Trace"
        | "PlatformService/GetPlatformReport" => Who::Operator,
        other => panic!("{other} is new: say here who may call it"),
    }
}

/// `/netily.auth.v1.AuthService/SignIn` and so on.
fn methods() -> Vec<String> {
    let files = FileDescriptorSet::decode(netily_sdk::FILE_DESCRIPTOR_SET).expect("descriptors").file;
    let mut paths = Vec::new();
    for file in files.iter().filter(|file| file.package().starts_with("netily.")) {
        for service in &file.service {
            paths.extend(service.method.iter().map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())));
        }
    }
    assert!(paths.len() > 20, "the descriptors were not read");
    paths
}

fn channel(world: &World) -> Channel {
    Endpoint::try_from(format!("http://{}", world.address)).expect("an address").connect_lazy()
}

/// Calls a method with an empty message: past the door it may fail for its content.
async fn call(channel: &Channel, path: &str, tenant: Option<&str>, token: Option<&str>) -> Result<(), Error> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.expect("the server is there");
    let mut request = Request::new(());
    if let Some(tenant) = tenant {
        request.metadata_mut().insert("netily-tenant", tenant.parse().expect("a value"));
    }
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    }
    let path: PathAndQuery = path.parse().expect("a path");
    let answer = grpc.server_streaming(request, path, ProstCodec::<(), ()>::default()).await?;
    answer.into_inner().message().await?;
    Ok(())
}

fn reason(outcome: Result<(), Error>) -> ErrorReason {
    outcome.err().map_or(ErrorReason::Unspecified, |error| error.reason)
}

fn token(client: &Client) -> String {
    client.tokens().expect("somebody is signed in").access
}

/// The reasons with which the door itself refuses.
const DOOR: [ErrorReason; 4] = [ErrorReason::Unauthenticated, ErrorReason::TokenInvalid, ErrorReason::PermissionDenied, ErrorReason::Unimplemented];

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_open_to_whom_it_is_for_and_shut_to_all_others() {
    let world = World::new().await;
    let channel = channel(&world);
    let staff = token(&world.signed_in("yellow", Access::Staff).await);
    let owner = token(&world.signed_in("yellow", Access::Owner).await);
    let foreign = token(&world.signed_in("blue", Access::Owner).await);
    let operator = token(&world.operator().await);
    let customer = token(&world.customer("yellow").await);
    let here = Some("yellow");

    for path in methods() {
        let who = expected(path.rsplit('.').next().expect("a service"));
        let door = |tenant: Option<&'static str>, token: Option<String>| {
            let (channel, path) = (channel.clone(), path.clone());
            async move { reason(call(&channel, &path, tenant, token.as_deref()).await) }
        };
        let needs_token = !matches!(who, Who::Anybody | Who::SigningIn);
        let looks = who != Who::SigningIn;
        let passes = |reason: ErrorReason| !DOOR.contains(&reason);

        let nobody = door(here, None).await;
        if needs_token {
            assert_eq!(nobody, ErrorReason::Unauthenticated, "{path} without a token")
        } else {
            assert!(passes(nobody), "{path}: {nobody:?}")
        }
        for (what, bad) in [("garbage", "garbage"), ("another ISP's token", &foreign), ("the platform's token", &operator), ("an empty token", "")] {
            let answer = door(here, Some(bad.to_owned())).await;
            if looks { assert_eq!(answer, ErrorReason::TokenInvalid, "{path} with {what}") } else { assert!(passes(answer), "{path} with {what}: {answer:?}") }
        }
        for (what, good, may) in [
            ("a customer", &customer, matches!(who, Who::Anybody | Who::SigningIn | Who::SignedIn | Who::Customer)),
            ("staff", &staff, !matches!(who, Who::Operator | Who::Owner | Who::Customer)),
            ("an owner", &owner, !matches!(who, Who::Operator | Who::Customer)),
        ] {
            let answer = door(here, Some(good.clone())).await;
            if may {
                assert!(passes(answer), "{path} by {what}: {answer:?}");
            } else {
                assert_eq!(answer, ErrorReason::PermissionDenied, "{path} by {what}");
            }
        }
        let answer = door(None, Some(operator.clone())).await;
        match who {
            Who::Operator | Who::SignedIn | Who::SigningIn => assert!(passes(answer), "{path} by an operator: {answer:?}"),
            Who::Staff | Who::Owner | Who::Customer => assert_eq!(answer, ErrorReason::PermissionDenied, "{path}: an operator is nobody at an ISP"),
            // Which of both is found first is no matter: without an ISP nothing is looked up.
            Who::Anybody => assert!(matches!(answer, ErrorReason::TenantRequired | ErrorReason::InvalidArgument), "{path} without an ISP: {answer:?}"),
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_unimplemented() {
    let world = World::new().await;
    let channel = channel(&world);
    for path in ["/netily.auth.v1.AuthService/Nothing", "/netily.nothing.v1.NothingService/Do", "/nothing"] {
        assert_eq!(reason(call(&channel, path, Some("yellow"), None).await), ErrorReason::Unimplemented, "{path}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_time_and_with_its_sign_in() {
    let world = World::new().await;
    let channel = channel(&world);
    let me = "/netily.auth.v1.AuthService/GetMe";
    let client = world.signed_in("yellow", Access::Staff).await;
    let old = token(&client);
    assert_eq!(reason(call(&channel, me, Some("yellow"), Some(&old)).await), ErrorReason::Unspecified);
    world.advance(Duration::from_secs(14 * 60));
    assert_eq!(reason(call(&channel, me, Some("yellow"), Some(&old)).await), ErrorReason::Unspecified);
    world.advance(Duration::from_secs(61));
    assert_eq!(reason(call(&channel, me, Some("yellow"), Some(&old)).await), ErrorReason::TokenInvalid, "a quarter of an hour is over");
    client.auth().get_me(GetMeRequest {}).await.expect("the client renews it by itself");
    let fresh = token(&client);
    client.sign_out().await.expect("signed out");
    assert_eq!(reason(call(&channel, me, Some("yellow"), Some(&fresh)).await), ErrorReason::TokenInvalid, "signed out");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_comes_twice_ends_the_sign_in() {
    let world = World::new().await;
    let client = world.signed_in("yellow", Access::Owner).await;
    let first = client.tokens().expect("tokens").refresh;
    let exchange = async |refresh: &str| client.auth().refresh_token(RefreshTokenRequest { refresh: refresh.to_owned() }).await;
    let second = exchange(&first).await.expect("renewed").tokens.expect("tokens");
    exchange(&first).await.expect("an answer that was lost may be asked for again at once");
    world.advance(Duration::from_secs(31));
    assert_eq!(exchange(&first).await.expect_err("a thief, or the owner").reason, ErrorReason::RefreshTokenInvalid);
    assert_eq!(exchange(&second.refresh).await.expect_err("nobody can tell who").reason, ErrorReason::RefreshTokenInvalid);
    let ended = reason(call(&channel(&world), "/netily.auth.v1.AuthService/GetMe", Some("yellow"), Some(&second.access)).await);
    assert_eq!(ended, ErrorReason::TokenInvalid, "and the access tokens go with it");
    let there = world.signed_in("blue", Access::Owner).await.tokens().expect("tokens").refresh;
    assert_eq!(exchange(&there).await.expect_err("another ISP's").reason, ErrorReason::RefreshTokenInvalid);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_isp_comes_from_the_host_or_the_metadata_and_both_must_agree() {
    let world = World::new().await;
    let port = world.address.port();
    let profile = async |url: String, tenant: Option<&str>| {
        let builder = Client::builder(url).attempts(1);
        let client = if let Some(tenant) = tenant { builder.tenant(tenant) } else { builder }.build().expect("a client");
        let answer = client.isp().get_public_profile(GetPublicProfileRequest {}).await;
        answer.map(|answer| answer.profile.expect("a profile").slug).map_err(|error| error.reason)
    };
    let direct = format!("http://127.0.0.1:{port}");
    let by_host = format!("http://yellow.localhost:{port}");
    assert_eq!(profile(by_host.clone(), None).await, Ok("yellow".into()));
    assert_eq!(profile(direct.clone(), Some("blue")).await, Ok("blue".into()));
    assert_eq!(profile(by_host, Some("blue")).await, Err(ErrorReason::TenantMismatch));
    assert_eq!(profile(direct.clone(), None).await, Err(ErrorReason::TenantRequired));
    for unknown in ["green", "platform", "yellow-"] {
        assert_eq!(profile(direct.clone(), Some(unknown)).await, Err(ErrorReason::TenantNotFound), "{unknown}");
    }
    assert_eq!(profile(format!("http://green.localhost:{port}"), None).await, Err(ErrorReason::TenantNotFound));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_isp_sells_nothing_and_what_is_paid_is_delivered() {
    let world = World::new().await;
    let guest = Guest::number(1);
    let bought = world.buy(&guest).await;
    world.run_due().await;
    world.sql().await.run("UPDATE public.isp SET status = 'SUSPENDED' WHERE slug = 'yellow'").await;
    let client = world.client("yellow");
    world.suspension_is_noticed("yellow").await;
    let refused = client.hotspot().purchase(world.ask(&Guest::number(2))).await.expect_err("refused");
    assert_eq!(refused.reason, ErrorReason::IspSuspended);
    world.buy_at("blue-harbour", &Guest::number(3)).await;
    world.answer_prompt(&guest.phone, "accept").await;
    world.callbacks_delivered().await;
    world.run_due().await;
    assert_eq!(world.look(&bought.session_id).await.status(), PurchaseStatus::Active, "the guest paid before");
    client.hotspot().list_plans(ListPlansRequest { router_id: world.router_id("yellow-market") }).await.expect("its page still opens");
    world.finish().await;
}

/// What a suspended ISP's people and guests may call though it does more than read, written apart from the server's own list.
fn is_served_while_suspended(method: &str) -> bool {
    match method {
        "HotspotService/ResumePurchase" | "HotspotService/BlockPrompts" | "IspService/RemoveStaff" => true,
        "SelfService/Login" | "SelfService/AcceptInvitation" | "SelfService/MarkAlertRead" | "SelfService/MarkAllAlertsRead" => true,
        "SelfService/CloseAccount" | "CustomerService/ExportCustomer" | "CustomerService/EraseCustomer" => true,
        "SelfService/ClaimReceipt" | "BillingService/ClaimReceipt" => true,
        _ if method.starts_with("AuthService/") => true,
        _ => {
            let name = method.split('/').nth(1).expect("a method");
            ["Check", "Get", "List", "Preview", "Stream", "Trace", "Watch"].iter().any(|read| name.starts_with(read))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_isp_is_looked_at_and_nothing_of_it_is_sold_or_changed() {
    let world = World::new().await;
    let channel = channel(&world);
    let owner = token(&world.signed_in("yellow", Access::Owner).await);
    let customer = token(&world.customer("yellow").await);
    let operator = world.operator().await;
    let suspend = SuspendIspRequest { isp: "yellow".into(), reason: "Licence has run out".into() };
    operator.platform().suspend_isp(suspend).await.expect("suspended");
    world.suspension_is_noticed("yellow").await;
    let (mut served, mut refused) = (0, 0);
    for path in methods() {
        let method = path.rsplit('.').next().expect("a service");
        let here = match expected(method) {
            Who::Operator => continue,
            Who::Anybody | Who::SigningIn => None,
            Who::Customer => Some(customer.as_str()),
            Who::SignedIn | Who::Staff | Who::Owner => Some(owner.as_str()),
        };
        let answer = reason(call(&channel, &path, Some("yellow"), here).await);
        if is_served_while_suspended(method) {
            assert!(!DOOR.contains(&answer) && answer != ErrorReason::IspSuspended, "{path}: {answer:?}");
            served += 1;
        } else {
            assert_eq!(answer, ErrorReason::IspSuspended, "{path}");
            refused += 1;
        }
        let elsewhere = reason(call(&channel, &path, Some("blue"), None).await);
        assert_ne!(elsewhere, ErrorReason::IspSuspended, "{path} of another ISP");
    }
    assert!(served > 15 && refused > 5, "{served} {refused}");
    let staff = &world.seeded.isps[0].staff;
    world.client("yellow").sign_in(&staff.identifier, &staff.password).await.expect("its people come in");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_people_are_not_found_at_an_isp_nor_an_isps_at_the_platform() {
    let world = World::new().await;
    let operator = &world.seeded.operator;
    let owner = &world.seeded.isps[0].owner;
    let at_isp = world.client("yellow").sign_in(&operator.identifier, &operator.password).await.expect_err("unknown there");
    let at_platform = world.platform_client().sign_in(&owner.identifier, &owner.password).await.expect_err("unknown there");
    let at_other = world.client("blue").sign_in(&owner.identifier, &owner.password).await.expect_err("unknown there");
    for error in [at_isp, at_platform, at_other] {
        assert_eq!(error.reason, ErrorReason::WrongCredentials);
    }
    // A token for the platform cannot be had by asking for its tenant id.
    let forged = Person { user: UserId::unguessable(), sign_in: SignInId::unguessable(), role: Role::Operator };
    let (unknown, _) = world.app.tokens.issue(PLATFORM, &forged, world.app.clock.now()).expect("a token");
    let list = reason(call(&channel(&world), "/netily.platform.v1.PlatformService/ListIsps", None, Some(&unknown)).await);
    assert_eq!(list, ErrorReason::TokenInvalid, "a token whose sign-in is not in our book");
    world.finish().await;
}
