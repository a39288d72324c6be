//! One listener for gRPC, gRPC-web, callbacks and pages, told apart by path. Stops gracefully: says that it is going,
//! then lets what runs end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::{portal, rpc, webhooks};

/// Requests that run when the process is told to stop may end within this time.
const DRAIN: Duration = Duration::from_secs(25);

/// Everything behind the listener.
pub fn routes(app: &Arc<App>, stop: &CancellationToken) -> Router {
    rpc::routes(app.clone(), stop.clone()).merge(webhooks::routes(app.clone())).merge(portal::routes(app.clone())).fallback(|| async { StatusCode::NOT_FOUND })
}

/// Serves until told to stop.
pub async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let service = routes(&app, &stop).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = stop.clone();
    // Answers are small: waiting to fill a packet would cost each of them a delayed acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(cause) = connection.set_nodelay(true) {
            tracing::debug!(%cause, "a connection waits to fill its packets");
        }
    });
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await });
    tokio::select! {
        ended = server.into_future() => ended,
        () = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        } => {
            tracing::warn!("requests still run at the end of the drain; they are cut off");
            Ok(())
        }
    }
}
