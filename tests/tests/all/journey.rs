//! The whole way of a customer, as people walk it.

use std::time::Duration;

use netily_sdk::customer::{ApproveCustomerRequest, ListCustomersRequest, UpdateServiceRequestRequest};
use netily_sdk::new_request_id;
use netily_sdk::selfservice::{
    CreateServiceRequestRequest, GetDashboardRequest, GetServiceRequestRequest, ListAlertsRequest, ListPlansRequest, VerifyPhoneRequest,
};
use netily_sdk::types::{CustomerStatus, ServiceRequestCategory, ServiceRequestStatus};
use netily_tests::{Access, PASSWORD, World, registration};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_registers_is_let_in_asks_for_a_connection_and_hears_of_it() {
    let world = World::new().await;
    let client = world.client("yellow");
    let plans = client.selfservice().list_plans(ListPlansRequest {}).await.expect("plans").plans;
    let registered = client.register(registration(1)).await.expect("registered");
    assert!(registered.requires_verification);
    let phone_number = registration(1).phone_number;
    let otp_code = world.code_on(&phone_number).await;
    let proven = client.selfservice().verify_phone(VerifyPhoneRequest { phone_number: phone_number.clone(), otp_code }).await.expect("proven");
    assert_eq!(proven.customer.expect("a customer").status(), CustomerStatus::Pending, "staff decide");

    let app = world.client("yellow");
    let signed_in = app.log_in(&phone_number, PASSWORD).await.expect("signed in");
    assert!(!signed_in.requires_verification);
    let first = app.tokens().expect("tokens");
    world.advance(Duration::from_secs(16 * 60));
    let page = app.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the access token is over, and renewed");
    assert!(!page.may_buy);
    assert_ne!(app.tokens().expect("tokens").refresh, first.refresh, "rotated");

    let asked = CreateServiceRequestRequest {
        subject: format!("A connection: {}", plans[0].name),
        description: "Kawangware, opposite the chief's camp.".into(),
        category: ServiceRequestCategory::Connection.into(),
        request_id: new_request_id(),
    };
    let request = app.selfservice().create_service_request(asked).await.expect("filed").service_request.expect("a service request");

    let staff = world.signed_in("yellow", Access::Staff).await;
    let waiting = ListCustomersRequest { status: CustomerStatus::Pending.into(), search: phone_number.clone(), ..Default::default() };
    let customer = staff.customer().list_customers(waiting).await.expect("customers").customers.remove(0);
    staff.customer().approve_customer(ApproveCustomerRequest { id: customer.id.clone() }).await.expect("approved");
    let answer = UpdateServiceRequestRequest { id: request.id.clone(), status: ServiceRequestStatus::Approved.into(), reply: "We come tomorrow.".into() };
    staff.customer().update_service_request(answer).await.expect("answered");
    world.run_due().await;

    let page = app.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page");
    assert!(page.may_buy);
    assert_eq!((page.unread_alerts, page.open_service_requests), (2, 1));
    let alerts = app.selfservice().list_alerts(ListAlertsRequest { unread_only: true, ..Default::default() }).await.expect("alerts").alerts;
    let told: Vec<_> = alerts.iter().map(|alert| (alert.title.as_str(), alert.subject_id.as_str())).collect();
    assert_eq!(told, [("An answer to your request", request.id.as_str()), ("Your registration is approved", "")]);
    let seen = app.selfservice().get_service_request(GetServiceRequestRequest { id: request.id }).await.expect("found").service_request.expect("it");
    assert_eq!((seen.status(), seen.reply.as_str()), (ServiceRequestStatus::Approved, "We come tomorrow."));
    let texts = world.sms_on(&phone_number).await;
    assert!(texts.iter().any(|text| text.contains(&customer.customer_code)) && texts.iter().any(|text| text.contains("We come tomorrow.")), "{texts:?}");
    world.finish().await;
}
