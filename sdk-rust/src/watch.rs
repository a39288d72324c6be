//! Following a purchase or a payment to its end, over dropped connections and restarts of the server.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::time::sleep;
use tonic::Code;

use crate::hotspot::{Purchase, PurchaseStatus, WatchPurchaseRequest};
use crate::retry;
use crate::selfservice::WatchPaymentRequest;
use crate::types::{ErrorReason, Payment, PaymentStatus};
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
        let (client, session_id) = (self.clone(), session_id.into());
        let is_final = |purchase: &Purchase| matches!(purchase.status(), PurchaseStatus::Active | PurchaseStatus::Failed | PurchaseStatus::Expired);
        follow(is_final, move || {
            let (client, ask) = (client.clone(), WatchPurchaseRequest { session_id: session_id.clone() });
            async move { Ok(states(client.hotspot().watch_purchase(ask).await?, |message| message.purchase)) }.boxed()
        })
    }

    /// The same of a payment of the customer who is signed in, until it is `COMPLETED` or `FAILED`.
    pub fn watch_payment(&self, payment_id: impl Into<String>) -> BoxStream<'static, Result<Payment, Error>> {
        let (client, payment_id) = (self.clone(), payment_id.into());
        let is_final = |payment: &Payment| matches!(payment.status(), PaymentStatus::Completed | PaymentStatus::Failed);
        follow(is_final, move || {
            let (client, ask) = (client.clone(), WatchPaymentRequest { payment_id: payment_id.clone() });
            async move { Ok(states(client.selfservice().watch_payment(ask).await?, |message| message.payment)) }.boxed()
        })
    }
}

/// The states that one opened stream tells of.
type States<T> = BoxStream<'static, Result<T, Error>>;
/// Opens the stream anew.
type Open<T> = Box<dyn Fn() -> BoxFuture<'static, Result<States<T>, Error>> + Send>;

/// What the messages of a stream hold.
fn states<M: Send + 'static, T: Send + 'static>(stream: Streaming<M>, state: fn(M) -> Option<T>) -> States<T> {
    stream.filter_map(move |message| ready(message.map(state).transpose())).boxed()
}

fn follow<T, O>(is_final: fn(&T) -> bool, open: O) -> States<T>
where
    T: Clone + PartialEq + Send + 'static,
    O: Fn() -> BoxFuture<'static, Result<States<T>, Error>> + Send + 'static,
{
    let watch = Watch { reopen: Box::new(open), is_final, open: None, last: None, failures: 0, ended: false };
    unfold(watch, Watch::next).boxed()
}

struct Watch<T> {
    reopen: Open<T>,
    is_final: fn(&T) -> bool,
    open: Option<States<T>>,
    last: Option<T>,
    failures: u32,
    ended: bool,
}

impl<T: Clone + PartialEq> Watch<T> {
    async fn next(mut self) -> Option<(Result<T, Error>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            match self.receive().await {
                Ok(Some(state)) => {
                    self.failures = 0;
                    if self.last.as_ref() != Some(&state) {
                        self.last = Some(state.clone());
                        return Some((Ok(state), self));
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

    /// The next state, or none at the end. A stream that ends in the middle was dropped.
    async fn receive(&mut self) -> Result<Option<T>, Error> {
        let stream = match &mut self.open {
            Some(stream) => stream,
            closed => closed.insert((self.reopen)().await?),
        };
        match stream.next().await.transpose()? {
            Some(state) => Ok(Some(state)),
            None if self.last.as_ref().is_some_and(self.is_final) => Ok(None),
            None => Err(Error::new(ErrorReason::Unavailable, Code::Unavailable, "The stream ended too early.")),
        }
    }
}
