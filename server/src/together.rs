//! What many ask for at the same time, done together: while one lot is written the next one gathers, so that under load one commit
//! carries many, and alone nobody waits for anybody.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Result};

/// The size of a lot, where nothing speaks for another one. Larger lots were tried: they are not faster, and their first one waits longer.
pub const MOST: usize = 32;

struct Asked<T, R> {
    what: T,
    told: oneshot::Sender<R>,
}

/// The line in which what is asked for gathers. The task behind it ends with the last clone. One lot is done at a time: of two at once each
/// would be smaller, what a lot costs by itself would come more often, and the one would wait for locks of the other.
pub struct Together<T, R> {
    line: mpsc::Sender<Asked<T, R>>,
}

impl<T, R> Clone for Together<T, R> {
    fn clone(&self) -> Self {
        Together { line: self.line.clone() }
    }
}

impl<T: Send + 'static, R: Send + 'static> Together<T, R> {
    /// Lots of at most `most`. `act` gives an answer for each thing it was handed, in their order.
    pub fn start<F, Fut>(most: usize, act: F) -> Together<T, R>
    where
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<R>> + Send + 'static,
    {
        let (line, queue) = mpsc::channel(most);
        tokio::spawn(serve(queue, most, act));
        Together { line }
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&self, what: T) -> Result<R> {
        let gone = || Error::internal("it was not done: its line is gone, or what was to do it panicked");
        let (told, answer) = oneshot::channel();
        self.line.send(Asked { what, told }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

async fn serve<T, R, F, Fut>(mut queue: mpsc::Receiver<Asked<T, R>>, most: usize, act: F)
where
    F: Fn(Vec<T>) -> Fut,
    Fut: Future<Output = Vec<R>>,
{
    let mut lot = Vec::with_capacity(most);
    while let Some(first) = queue.recv().await {
        lot.push(first);
        // Whoever is about to ask comes along. Where nobody is, this takes no time.
        tokio::task::yield_now().await;
        while lot.len() < most
            && let Ok(more) = queue.try_recv()
        {
            lot.push(more);
        }
        let (what, told): (Vec<T>, Vec<oneshot::Sender<R>>) = lot.drain(..).map(|asked| (asked.what, asked.told)).unzip();
        // Whoever asked learns of a panic by the end of the channel; the line is there for the next.
        let answers = AssertUnwindSafe(async { act(what).await }).catch_unwind().await.unwrap_or_default();
        for (told, answer) in told.into_iter().zip(answers) {
            // Whoever has gone meanwhile need not know.
            let _ = told.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn what_comes_while_a_lot_is_done_is_done_together() {
        let (lots, go) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let (seen, gate) = (lots.clone(), go.clone());
        let doubled = Together::start(3, move |lot: Vec<u32>| {
            seen.lock().expect("lots").push(lot.clone());
            let gate = gate.clone();
            async move {
                gate.notified().await;
                lot.into_iter().map(|n| n * 2).collect()
            }
        });
        let asking = tokio::spawn(async move { join_all((1..=5).map(|n| doubled.ask(n))).await });
        while !asking.is_finished() {
            go.notify_one();
            tokio::task::yield_now().await;
        }
        let answers: Vec<u32> = asking.await.expect("asked").into_iter().map(|answer| answer.expect("answered")).collect();
        assert_eq!(answers, [2, 4, 6, 8, 10], "each gets its own answer");
        let lots = lots.lock().expect("lots").clone();
        assert_eq!(lots.concat(), [1, 2, 3, 4, 5]);
        assert!(lots.len() < 5 && lots.iter().all(|lot| lot.len() <= 3), "{lots:?}");
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_line_goes_on() {
        let odd = Together::start(8, |lot: Vec<u128>| async move {
            assert!(!lot.contains(&13), "thirteen");
            lot
        });
        assert!(odd.ask(13).await.is_err());
        assert_eq!(odd.ask(15).await.expect("the same line"), 15);
    }
}
