//! Telling waiting tasks, here and in other processes, that something changed: LISTEN/NOTIFY on one channel.
//! A wake is a hint that may be lost; whoever waits also looks by itself now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use futures::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::{Notify, mpsc, watch};

use crate::id::{PaymentId, SessionId};
use crate::jobs::Lane;
use crate::schema::functions;

/// The channel of PostgreSQL that wakes travel on; `public.wake` knows it too.
const CHANNEL: &str = "netily";

/// Wakes that may wait for the notifying connection.
const QUEUE: usize = 10_000;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// There is a job in this lane.
    Job(Lane),
    /// A hotspot purchase is not what it was.
    Purchase(SessionId),
    /// A payment of a customer or of an ISP is not what it was.
    Payment(PaymentId),
}

impl Wake {
    fn encode(self) -> String {
        match self {
            Wake::Job(lane) => format!("job:{}", lane.as_str()),
            Wake::Purchase(id) => format!("purchase:{id}"),
            Wake::Payment(id) => format!("payment:{id}"),
        }
    }

    fn decode(text: &str) -> Option<Wake> {
        match text.split_once(':')? {
            ("job", lane) => Lane::parse(lane).map(Wake::Job),
            ("purchase", id) => id.parse().ok().map(Wake::Purchase),
            ("payment", id) => id.parse().ok().map(Wake::Payment),
            _ => None,
        }
    }
}

/// The hub of one process.
#[derive(Clone)]
pub struct Wakes {
    outgoing: mpsc::Sender<Vec<Wake>>,
    hub: Arc<Hub>,
}

struct Hub {
    lanes: HashMap<Lane, Notify>,
    /// What somebody watches.
    watched: Mutex<HashMap<Wake, watch::Sender<u64>>>,
}

impl Wakes {
    /// A hub, and the task that carries its wakes; the task ends when the hub is dropped.
    pub fn start(url: SecretString) -> Wakes {
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let hub = Arc::new(Hub { lanes: Lane::ALL.into_iter().map(|lane| (lane, Notify::new())).collect(), watched: Mutex::default() });
        tokio::spawn(carry(url, queue, hub.clone()));
        Wakes { outgoing, hub }
    }

    /// Tells everybody, in every process. Called after the commit.
    pub fn send(&self, wakes: Vec<Wake>) {
        if !wakes.is_empty() {
            // Full while the database is away: everybody looks when it is back.
            let _ = self.outgoing.try_send(wakes);
        }
    }

    /// Waits until this lane may have work, or `at_most`.
    pub async fn job(&self, lane: Lane, at_most: Duration) {
        if let Some(notify) = self.hub.lanes.get(&lane) {
            let _ = tokio::time::timeout(at_most, notify.notified()).await;
        }
    }

    /// A receiver that changes whenever this purchase or payment may have changed.
    pub fn watch(&self, what: Wake) -> watch::Receiver<u64> {
        let mut watched = self.hub.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.entry(what).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }
}

impl Hub {
    fn deliver(&self, wake: Wake) {
        match wake {
            Wake::Job(lane) => {
                if let Some(notify) = self.lanes.get(&lane) {
                    notify.notify_one();
                }
            }
            what @ (Wake::Purchase(_) | Wake::Payment(_)) => {
                if let Some(sender) = self.watched.lock().unwrap_or_else(PoisonError::into_inner).get(&what) {
                    sender.send_modify(|version| *version += 1);
                }
            }
        }
    }

    /// After a lost connection wakes may have been missed: everybody looks.
    fn deliver_all(&self) {
        self.lanes.values().for_each(Notify::notify_one);
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|sender| sender.send_modify(|version| *version += 1));
    }
}

/// Holds two connections, one that listens and one that notifies, and opens them again when they are lost.
async fn carry(url: SecretString, mut queue: mpsc::Receiver<Vec<Wake>>, hub: Arc<Hub>) {
    loop {
        if queue.is_closed() && queue.is_empty() {
            return;
        }
        if let Err(cause) = carry_once(&url, &mut queue, &hub).await {
            tracing::debug!(%cause, "the wake connection was lost");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn carry_once(url: &SecretString, queue: &mut mpsc::Receiver<Vec<Wake>>, hub: &Hub) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut listener = crate::db::connect(url).await?;
    let mut notifier = crate::db::connect(url).await?;
    listener.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    hub.deliver_all();
    let mut heard = std::pin::pin!(listener.notifications_stream());
    loop {
        tokio::select! {
            notification = heard.next() => {
                let notification = notification.ok_or("the stream of notifications ended")??;
                if let Some(wake) = Wake::decode(&notification.payload) {
                    hub.deliver(wake);
                }
            }
            first = queue.recv() => {
                let Some(mut batch) = first else { return Ok(()) };
                while let Ok(more) = queue.try_recv() {
                    batch.extend(more);
                }
                notify(&mut notifier, batch).await?;
            }
        }
    }
}

async fn notify(connection: &mut AsyncPgConnection, mut wakes: Vec<Wake>) -> diesel::QueryResult<()> {
    let mut seen = std::collections::HashSet::new();
    wakes.retain(|wake| seen.insert(*wake));
    let payloads: Vec<String> = wakes.into_iter().map(Wake::encode).collect();
    diesel::select(functions::wake(payloads)).execute(connection).await.map(drop)
}
