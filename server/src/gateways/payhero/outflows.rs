//! What left the wallet lately, as the list shows it: read once for all who ask, and from where the reading before it ended.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{AskError, Payhero, Place, TransactionRow};

/// Rows that are written late.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// What was read is kept for so long.
const KEEP: TimeDelta = TimeDelta::hours(24);
/// What one reading takes at most: it is a part of a job, and ends before the job's lease.
const PAGES: usize = 400;
const LONGEST: Duration = Duration::from_secs(35);

/// What left the wallet lately, read once for all who ask.
#[derive(Default)]
pub struct Outflows(Mutex<Option<Read>>);

struct Read {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    at: Instant,
    rows: HashMap<String, TransactionRow>,
}

impl Outflows {
    /// Rows of money that left since a moment, each once. Those who ask while it is read share the next reading. Errors: `TooLong` when the time
    /// was not read to its end.
    pub async fn since(&self, payhero: &Payhero, from: DateTime<Utc>) -> Result<Vec<TransactionRow>, AskError> {
        let asked = Instant::now();
        let mut kept = self.0.lock().await;
        let known = kept.take().filter(|read| read.from <= from);
        let read = match known {
            Some(read) if read.at >= asked => read,
            Some(mut read) => {
                let at = Instant::now();
                let (rows, newest) = newer(payhero, read.until - OVERLAP).await?;
                read.rows.extend(rows);
                read.until = newest.map_or(read.until, |newest| newest.max(read.until));
                read.from = read.from.max(read.until - KEEP);
                read.rows.retain(|_, row| row.created_at.is_none_or(|at| at >= read.from));
                Read { at, ..read }
            }
            None => {
                let at = Instant::now();
                let (rows, newest) = newer(payhero, from).await?;
                Read { from, until: newest.unwrap_or(from), at, rows }
            }
        };
        let wanted = read.rows.values().filter(|row| row.created_at.is_none_or(|at| at >= from)).cloned().collect();
        *kept = Some(read);
        Ok(wanted)
    }
}

/// Rows of money that left since a moment, by their references, and when the newest row of all was written.
async fn newer(payhero: &Payhero, from: DateTime<Utc>) -> Result<(HashMap<String, TransactionRow>, Option<DateTime<Utc>>), AskError> {
    let (mut place, until, mut rows, mut newest) = (Place::start(from), Instant::now() + LONGEST, HashMap::new(), None);
    for _ in 0..PAGES {
        let (page, next) = payhero.walk(place).await?;
        newest = page.iter().filter_map(|row| row.created_at).chain(newest).max();
        let left = page.into_iter().filter(|row| row.amount_minor.is_some_and(|amount| amount < 0) && !row.is_charge());
        rows.extend(left.filter_map(|row| Some((row.transaction_reference.clone()?, row))));
        match next {
            None => return Ok((rows, newest)),
            Some(next) if Instant::now() < until => place = next,
            Some(_) => break,
        }
    }
    Err(AskError::TooLong)
}
