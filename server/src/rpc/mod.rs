//! The edge of gRPC and gRPC-web: decodes a call, asks a slice once, encodes the answer. From the outside in: `front` (is this a call of ours
//! to answer), `guard` (deadline, panic, how many at once), `caller` (which ISP, who, may they), then the service.

mod answer;
mod auth;
mod billing;
mod caller;
mod customer;
mod export;
mod fields;
mod front;
mod guard;
mod hotspot;
mod isp;
mod notify;
mod payout;
mod platform;
pub mod roles;
mod router;
mod selfservice;
mod session;
pub mod status;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use netily_sdk::auth::auth_service_server::AuthServiceServer;
use netily_sdk::billing::billing_service_server::BillingServiceServer;
use netily_sdk::customer::customer_service_server::CustomerServiceServer;
use netily_sdk::hotspot::hotspot_service_server::HotspotServiceServer;
use netily_sdk::isp::isp_service_server::IspServiceServer;
use netily_sdk::notify::notification_service_server::NotificationServiceServer;
use netily_sdk::payout::payout_service_server::PayoutServiceServer;
use netily_sdk::platform::platform_service_server::PlatformServiceServer;
use netily_sdk::router::router_service_server::RouterServiceServer;
use netily_sdk::selfservice::self_service_server::SelfServiceServer;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_web::GrpcWebLayer;

use crate::app::App;

/// The largest request that is read.
const REQUEST_MAX: usize = 1024 * 1024;

/// Every gRPC service, with health and reflection, as routes to merge with those of the pages. Once `stop` is cancelled health says
/// NOT_SERVING and open streams end. Must be called inside the runtime.
pub fn routes(app: Arc<App>, stop: CancellationToken) -> Router {
    let (health, health_service) = tonic_health::server::health_reporter();
    let stopping = stop.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        health.set_service_status("", ServingStatus::NotServing).await;
    });
    let reflect = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(netily_sdk::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection = reflect().build_v1().unwrap_or_else(|cause| unreachable!("the descriptors are part of the program: {cause}"));
    let reflection_alpha = reflect().build_v1alpha().unwrap_or_else(|cause| unreachable!("the descriptors are part of the program: {cause}"));
    Routes::new(health_service)
        .add_service(reflection)
        .add_service(reflection_alpha)
        .add_service(AuthServiceServer::new(auth::Auth { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(HotspotServiceServer::new(hotspot::Hotspot { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(RouterServiceServer::new(router::Routers { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(SelfServiceServer::new(selfservice::SelfServices { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(IspServiceServer::new(isp::Isp { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(BillingServiceServer::new(billing::Billing { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(CustomerServiceServer::new(customer::Customers { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(NotificationServiceServer::new(notify::Notifications { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(PayoutServiceServer::new(payout::Payouts { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .add_service(PlatformServiceServer::new(platform::Platform { app: app.clone() }).max_decoding_message_size(REQUEST_MAX))
        .into_axum_router()
        .reset_fallback()
        // A call to a service that is not here is a call all the same, and never gets a page for an answer.
        .route("/netily.{service}/{method}", axum::routing::any(no_such_call))
        .route("/grpc.{service}/{method}", axum::routing::any(no_such_call))
        .layer(from_fn_with_state(caller::Edge::new(app), caller::caller))
        .layer(from_fn_with_state(guard::Guard::new(stop), guard::guard))
        .layer(from_fn(front::front))
        .layer(GrpcWebLayer::new())
}

async fn no_such_call() -> Response {
    // `front` adds the details.
    Status::unimplemented("There is no such call.").into_http()
}
