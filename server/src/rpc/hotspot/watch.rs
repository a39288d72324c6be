//! A purchase as a stream.

use std::sync::Arc;

use futures::FutureExt as _;
use netily_sdk::hotspot as pb;

use super::show;
use crate::app::App;
use crate::error::Result;
use crate::hotspot;
use crate::id::{IspId, SessionId};
use crate::portal::Lang;
use crate::rpc::watch::{Seen, Stream, watch};
use crate::wake::Wake;

/// The stream of a purchase, or `NOT_FOUND`.
pub async fn purchase(app: Arc<App>, isp: IspId, id: SessionId, lang: Lang, request_id: String) -> Result<Stream<pb::WatchPurchaseResponse>> {
    let changes = app.wakes.watch(Wake::Purchase(id));
    let look = move || {
        let app = app.clone();
        async move {
            let session = app.db.tx(isp, async |tx| hotspot::find_session(tx, isp, id).await).await?;
            Ok(Seen { is_final: session.status.is_final(), answer: pb::WatchPurchaseResponse { purchase: Some(show::purchase(&session, lang)) } })
        }
        .boxed()
    };
    watch(changes, request_id, look).await
}
