//! Following a purchase to its end, over dropped connections and restarts of the server.

use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::time::sleep;
use tonic::Code;

use crate::hotspot::{Purchase, PurchaseStatus, WatchPurchaseRequest, WatchPurchaseResponse};
use crate::retry;
use crate::types::ErrorReason;
use crate::{Client, Error, Streaming};

/// Openings that fail in a row before the stream gives up, about a minute and a half apart.
const OPENINGS: u32 = 12;

impl Client {
    /// Each state of a purchase, beginning with the one it is in now, until the server ends the stream at
    /// `ACTIVE`, `FAILED` or `EXPIRED`. A dropped stream is opened again by itself; a state that was seen before the
    /// drop does not come twice. An error is the last item.
    ///
    /// ```no_run
    /// use futures::StreamExt;
    ///
    /// # async fn example(client: netily_sdk::Client) -> Result<(), netily_sdk::Error> {
    /// let mut states = client.watch_purchase("hss_0b8f2a52-6f0e-4a57-9d3b-0d8b6d1c7f10");
    /// while let Some(purchase) = states.next().await {
    ///     println!("{}", purchase?.status().as_str_name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch_purchase(&self, session_id: impl Into<String>) -> BoxStream<'static, Result<Purchase, Error>> {
        let watch = Watch { client: self.clone(), session_id: session_id.into(), open: None, last: None, failures: 0, ended: false };
        unfold(watch, Watch::next).boxed()
    }
}

struct Watch {
    client: Client,
    session_id: String,
    open: Option<Streaming<WatchPurchaseResponse>>,
    last: Option<Purchase>,
    failures: u32,
    ended: bool,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Purchase, Error>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            match self.receive().await {
                Ok(Some(purchase)) => {
                    self.failures = 0;
                    if self.last.as_ref() != Some(&purchase) {
                        self.last = Some(purchase.clone());
                        return Some((Ok(purchase), self));
                    }
                }
                Ok(None) => return None,
                Err(error) => {
                    self.open = None;
                    self.failures += 1;
                    match retry::STREAMS.pause(&error, self.failures) {
                        Some(pause) if self.failures < OPENINGS => sleep(pause).await,
                        _ => {
                            self.ended = true;
                            return Some((Err(error), self));
                        }
                    }
                }
            }
        }
    }

    /// The next state, or none at the end. A stream that ends in the middle of a purchase was dropped.
    async fn receive(&mut self) -> Result<Option<Purchase>, Error> {
        let stream = match &mut self.open {
            Some(stream) => stream,
            closed => {
                let ask = WatchPurchaseRequest { session_id: self.session_id.clone() };
                closed.insert(self.client.hotspot().watch_purchase(ask).await?)
            }
        };
        match stream.message().await?.and_then(|message| message.purchase) {
            Some(purchase) => Ok(Some(purchase)),
            None if self.last.as_ref().is_some_and(is_final) => Ok(None),
            None => Err(Error::new(ErrorReason::Unavailable, Code::Unavailable, "The stream ended too early.")),
        }
    }
}

fn is_final(purchase: &Purchase) -> bool {
    matches!(purchase.status(), PurchaseStatus::Active | PurchaseStatus::Failed | PurchaseStatus::Expired)
}
