//! Something as a stream: how it stands now, then each change, until nothing more is to come. Reads; decides nothing.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::sync::watch::Receiver;
use tonic::Status;

use super::status;
use crate::error::Result;

/// A wake may get lost, so the row is looked at this often all the same.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// What streaming calls answer with.
pub type Stream<A> = BoxStream<'static, Result<A, Status>>;

/// How something stands, and whether it is final.
pub struct Seen<A> {
    /// What is sent, unless it was sent last.
    pub answer: A,
    /// Whether the stream ends with it.
    pub is_final: bool,
}

struct Watch<A, L> {
    look: L,
    request_id: String,
    changes: Receiver<u64>,
    last: Option<A>,
    /// What is to be sent now; none when there may be nothing new.
    next: Option<Seen<A>>,
    ended: bool,
}

/// The stream of what `look` sees; an error of the first look is the call's. `changes` was made before, so that no change falls
/// between the two.
pub async fn watch<A, L>(changes: Receiver<u64>, request_id: String, look: L) -> Result<Stream<A>>
where
    A: Clone + PartialEq + Send + 'static,
    L: Fn() -> BoxFuture<'static, Result<Seen<A>>> + Send + 'static,
{
    let now = look().await?;
    let watch = Watch { look, request_id, changes, last: None, next: Some(now), ended: false };
    Ok(stream::unfold(watch, Watch::step).boxed())
}

impl<A, L> Watch<A, L>
where
    A: Clone + PartialEq,
    L: Fn() -> BoxFuture<'static, Result<Seen<A>>>,
{
    async fn step(mut self) -> Option<(Result<A, Status>, Watch<A, L>)> {
        if self.ended {
            return None;
        }
        loop {
            let seen = match self.next.take() {
                Some(seen) => seen,
                None => {
                    self.wait().await;
                    match (self.look)().await {
                        Ok(seen) => seen,
                        Err(error) => {
                            self.ended = true;
                            return Some((Err(status::of(error, &self.request_id)), self));
                        }
                    }
                }
            };
            if self.last.as_ref() != Some(&seen.answer) {
                self.ended = seen.is_final;
                self.last = Some(seen.answer.clone());
                return Some((Ok(seen.answer), self));
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
