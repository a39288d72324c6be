//! Waiting for what happens in other tasks, with an end. Never waits for a fixed time.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Generous: the machine may be busy with other tests.
pub const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks again and again until there is something, and gives it.
///
/// # Panics
/// When there is nothing after [`LIMIT`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "waited {} s in vain for: {what}", LIMIT.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
