//! A purchase as a stream: how it stands now, then each change, until nothing more is to come. Reads; decides nothing.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use netily_sdk::hotspot as pb;
use tokio::sync::watch::Receiver;
use tonic::Status;

use super::show;
use crate::app::App;
use crate::error::Result;
use crate::hotspot::{self, Session};
use crate::id::{IspId, SessionId};
use crate::portal::Lang;
use crate::rpc::status;

/// A wake may get lost, so the row is looked at this often all the same.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// What `WatchPurchase` answers with.
pub type Stream = BoxStream<'static, Result<pb::WatchPurchaseResponse, Status>>;

struct Watch {
    app: Arc<App>,
    isp: IspId,
    id: SessionId,
    lang: Lang,
    request_id: String,
    changes: Receiver<u64>,
    /// What was sent last.
    last: Option<pb::Purchase>,
    /// What is to be sent now; none when there may be nothing new.
    next: Option<Session>,
    ended: bool,
}

/// The stream of a purchase, or `NOT_FOUND`.
pub async fn watch(app: Arc<App>, isp: IspId, id: SessionId, lang: Lang, request_id: String) -> Result<Stream> {
    // Listened to before the first look, so that no change falls between the two.
    let changes = app.wakes.purchase(id);
    let now = look(&app, isp, id).await?;
    let watch = Watch { app, isp, id, lang, request_id, changes, last: None, next: Some(now), ended: false };
    Ok(stream::unfold(watch, Watch::step).boxed())
}

async fn look(app: &App, isp: IspId, id: SessionId) -> Result<Session> {
    app.db.tx(isp, async |tx| hotspot::find_session(tx, isp, id).await).await
}

impl Watch {
    async fn step(mut self) -> Option<(Result<pb::WatchPurchaseResponse, Status>, Watch)> {
        if self.ended {
            return None;
        }
        loop {
            let session = match self.next.take() {
                Some(session) => session,
                None => {
                    self.wait().await;
                    match look(&self.app, self.isp, self.id).await {
                        Ok(session) => session,
                        Err(error) => {
                            self.ended = true;
                            return Some((Err(status::of(error, &self.request_id)), self));
                        }
                    }
                }
            };
            let purchase = show::purchase(&session, self.lang);
            if self.last.as_ref() != Some(&purchase) {
                self.ended = session.status.is_final();
                self.last = Some(purchase.clone());
                return Some((Ok(pb::WatchPurchaseResponse { purchase: Some(purchase) }), self));
            }
        }
    }

    async fn wait(&mut self) {
        match tokio::time::timeout(LOOK_AT_LEAST_EVERY, self.changes.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The hub is gone: only looking is left.
            Ok(Err(_)) => tokio::time::sleep(LOOK_AT_LEAST_EVERY).await,
        }
    }
}
