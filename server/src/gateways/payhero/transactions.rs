//! Reads PayHero's own ledger, by which our books are compared with theirs.
//! It reports rows as they stand; it matches nothing and books nothing.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::ask::{self, AskError};
use super::call::{self, Answer};
use super::fields::Fields;
use super::redact::{mask, redact_text};
use super::{Generation, Payhero};

/// Rows asked for at once: fifty rows stay well below the cap on an answer.
const PER_PAGE: u32 = 50;
/// Pages read by one look at a time, at most: it is a part of a job, and ends long before the job's lease.
const PAGES_MAX: usize = 100;
/// How far a walk goes beyond the asked time, for rows written late and clocks that differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// One row of `GET /api/v2/transactions`. Every field may be missing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TransactionRow {
    /// PayHero's id of the row.
    pub id: Option<String>,
    /// The account the row belongs to.
    pub account_id: Option<String>,
    /// `service_charge`, `outbound_payment` and others that are not documented.
    pub transaction_type: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Signed cents.
    pub amount_minor: Option<i64>,
    /// PayHero's reference of the payment, as it was given when the payment was accepted.
    pub transaction_reference: Option<String>,
    /// The M-Pesa receipt, or `cost_` and a reference on rows of charges.
    pub provider_reference: Option<String>,
    /// The rail.
    pub gateway: Option<String>,
    /// Cents PayHero charged, rounded.
    pub cost_minor: Option<i64>,
    /// Cents in the wallet after this row, rounded.
    pub wallet_balance_minor: Option<i64>,
    /// Free text.
    pub transaction_name: Option<String>,
    /// Our reference. No documented row has it.
    pub external_reference: Option<String>,
    /// Whose phone. No documented row has it.
    pub phone: Option<String>,
    /// To whom a payout went. No documented row has it.
    pub account: Option<String>,
    /// When PayHero wrote the row.
    pub created_at: Option<DateTime<Utc>>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows in PayHero's order.
    pub rows: Vec<T>,
    /// The number asked for; the first page is 1.
    pub page: u32,
    /// Rows of the whole list at that moment.
    pub count: Option<i64>,
    /// Pages of the whole list at that moment.
    pub num_pages: Option<u32>,
    /// The following page, where PayHero names one.
    pub next_page: Option<u32>,
}

/// Rows of a time that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Newest first, each row once. Rows without a readable time are included, last.
    pub rows: Vec<TransactionRow>,
    /// Whether all of that time was read. If not, the list was longer than one look may be, and the absence of a row proves nothing.
    pub complete: bool,
}

impl Recent {
    /// The rows, if all of the time was read; else nothing is known.
    pub fn known(self) -> Result<Vec<TransactionRow>, AskError> {
        if self.complete { Ok(self.rows) } else { Err(AskError::TooLong) }
    }
}

/// Where a walk through the list stands: plain data, so that another process can go on with it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Rows since then are wanted.
    pub since: DateTime<Utc>,
    /// The page to read next; the first is 1.
    pub page: u32,
    /// Rows of the whole list when the page before was read.
    pub count: Option<i64>,
    /// The list has its oldest rows first, so pages are read from the last one on.
    pub backwards: bool,
}

impl Place {
    /// Before the first page.
    pub const fn start(since: DateTime<Utc>) -> Place {
        Place { since, page: 1, count: None, backwards: false }
    }

    /// Where the walk goes on after a page, or `None` when it has read all that is wanted.
    ///
    /// Pages shift while they are read. New rows push old ones to later pages, where they are met a second time; when rows
    /// vanish, as many pages before are read again as they may have moved.
    fn after(self, page: &Page<TransactionRow>) -> Option<Place> {
        let count = page.count.or(self.count);
        let vanished = match (self.count, page.count) {
            (Some(was), Some(is)) => u32::try_from((was - is).max(0)).unwrap_or(u32::MAX),
            _ => 0,
        };
        if vanished > 0 && !self.backwards && page.page > 1 {
            return Some(Place { page: page.page.saturating_sub(vanished.div_ceil(PER_PAGE)).max(1), count, ..self });
        }
        let reached = page.rows.iter().filter_map(|row| row.created_at).min().is_some_and(|oldest| oldest < self.since - OVERLAP);
        if reached { None } else { page.following(self.backwards).map(|page| Place { page, count, ..self }) }
    }
}

impl Payhero {
    /// One page, numbered from 1, of 1 to 50 rows. Documented for the legacy API only.
    pub async fn transactions(&self, page: u32, per: u32) -> Result<Page<TransactionRow>, AskError> {
        if self.generation == Generation::V2 {
            return Err(AskError::NotOffered("list of transactions"));
        }
        let page = page.max(1);
        let request = self.asking.get(self.url("/api/v2/transactions")).query(&[("page", page), ("per", per.clamp(1, PER_PAGE))]);
        read(&call::exchange(request).await?, page)
    }

    /// One step of a walk from the newest row to the oldest that is wanted: the wanted rows of a page, and where it goes on.
    /// A row may be met twice. However long the list is, one page of it is held.
    pub async fn walk(&self, place: Place) -> Result<(Vec<TransactionRow>, Option<Place>), AskError> {
        let page = self.transactions(place.page, PER_PAGE).await?;
        if place == Place::start(place.since)
            && let Some(last) = oldest_first(&page)
        {
            return Ok((Vec::new(), Some(Place { page: last, backwards: true, ..place })));
        }
        let next = place.after(&page);
        let rows = page.rows.into_iter().filter(|row| row.created_at.is_none_or(|at| at >= place.since)).collect();
        Ok((rows, next))
    }

    /// All rows since a moment: for short times.
    pub async fn recent_transactions(&self, since: DateTime<Utc>) -> Result<Recent, AskError> {
        self.transactions_between(since, None, |_| true).await
    }

    /// Rows of a time that are wanted. Newer ones are skipped by halving the list, and reading ends with the time, so what it costs
    /// depends on the time that is asked for and not on how long ago it is.
    pub async fn transactions_between(
        &self,
        from: DateTime<Utc>,
        to: Option<DateTime<Utc>>,
        wanted: impl Fn(&TransactionRow) -> bool + Send,
    ) -> Result<Recent, AskError> {
        let mut place = self.first_place(from, to).await?;
        let mut found = HashMap::new();
        let mut complete = false;
        for _ in 0..PAGES_MAX {
            let (rows, next) = self.walk(place).await?;
            let inside = |row: &TransactionRow| to.is_none_or(|to| row.created_at.is_none_or(|at| at <= to));
            found.extend(rows.into_iter().filter(|row| inside(row) && wanted(row)).map(|row| (row.identity(), row)));
            let Some(next) = next else {
                complete = true;
                break;
            };
            place = next;
        }
        let mut rows: Vec<_> = found.into_values().collect();
        rows.sort_by_cached_key(|row| std::cmp::Reverse((row.created_at, row.identity())));
        Ok(Recent { rows, complete })
    }

    /// A page on which, as on all before it, every row is newer than a moment; the first one where that cannot be told.
    async fn first_place(&self, from: DateTime<Utc>, to: Option<DateTime<Utc>>) -> Result<Place, AskError> {
        let start = Place::start(from);
        let Some(newest_wanted) = to.map(|to| to + OVERLAP) else { return Ok(start) };
        let first = self.transactions(1, PER_PAGE).await?;
        let (Some(pages), true) = (first.num_pages, is_newer(&first, newest_wanted)) else { return Ok(start) };
        let (mut newer, mut end) = (1, pages);
        while end - newer > 1 {
            let middle = newer + (end - newer) / 2;
            if is_newer(&self.transactions(middle, PER_PAGE).await?, newest_wanted) { newer = middle } else { end = middle }
        }
        Ok(Place { page: newer, count: None, ..start })
    }
}

/// Whether every row of a page is newer than a moment, by a page in the order from new to old; what has no times is not.
fn is_newer(page: &Page<TransactionRow>, than: DateTime<Utc>) -> bool {
    !page.rows.is_empty()
        && page.rows.iter().all(|row| row.created_at.is_some_and(|at| at > than))
        && page.rows.is_sorted_by(|a, b| a.created_at >= b.created_at)
}

/// The last page, if the list turns out to have the oldest rows first; its order is not documented.
fn oldest_first(first: &Page<TransactionRow>) -> Option<u32> {
    let mut times = first.rows.iter().filter_map(|row| row.created_at);
    let (begin, end) = (times.next()?, times.next_back()?);
    let last = first.num_pages.filter(|pages| *pages > 1)?;
    (begin < end).then_some(last)
}

impl<T> Page<T> {
    fn following(&self, backwards: bool) -> Option<u32> {
        if backwards {
            return (self.page > 1).then(|| self.page - 1);
        }
        let more = match (self.num_pages, self.next_page) {
            (Some(pages), _) => self.page < pages,
            (None, Some(next)) => next > self.page,
            (None, None) => !self.rows.is_empty(),
        };
        more.then(|| self.page + 1)
    }
}

impl TransactionRow {
    fn read(fields: &Fields) -> Self {
        Self {
            id: fields.text("id"),
            account_id: fields.text("account_id"),
            transaction_type: fields.text("transaction_type"),
            description: fields.text("description"),
            amount_minor: fields.cents("amount"),
            transaction_reference: fields.text("transaction_reference"),
            provider_reference: fields.text("provider_reference"),
            gateway: fields.text("gateway"),
            cost_minor: fields.rounded_cents("cost"),
            wallet_balance_minor: fields.rounded_cents("wallet_balance"),
            transaction_name: fields.text("transaction_name"),
            external_reference: fields.first_text(&["external_reference", "ExternalReference"]),
            phone: fields.first_text(&["phone_number", "phone", "Phone"]),
            account: fields.first_text(&["RecipientAccountNumber", "recipient_account_number"]),
            created_at: fields.text("created_at").and_then(|text| time(&text)),
        }
    }

    /// Whether it shows a charge of the gateway's, and not a payment.
    pub fn is_charge(&self) -> bool {
        self.provider_reference.as_deref().is_some_and(|provider| provider.starts_with("cost_")) || self.transaction_type.as_deref() == Some("service_charge")
    }

    /// What makes the row itself; an id, or everything that does not change later.
    fn identity(&self) -> String {
        match &self.id {
            Some(id) => format!("id {id:0>20}"),
            None => format!(
                "row {:?} {:?} {:?} {:?} {:?}",
                self.created_at, self.transaction_reference, self.provider_reference, self.amount_minor, self.transaction_type
            ),
        }
    }
}

/// A time with an offset; one without is taken as UTC, as PayHero's samples end in `Z`.
fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).or_else(|_| text.parse().map(|at: chrono::NaiveDateTime| at.and_utc())).ok()
}

/// Pure reading of a complete answer. The name of the list is not recorded, so it is the one
/// array of objects in the answer.
fn read(answer: &Answer, page: u32) -> Result<Page<TransactionRow>, AskError> {
    let fields = ask::object(answer)?;
    let mut lists = fields.keys().filter_map(|key| fields.objects(key));
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return Err(ask::undocumented(answer));
    };
    let number = |key: &str| {
        let pagination = fields.object("pagination")?;
        u32::try_from(pagination.integer(key)?).ok()
    };
    Ok(Page {
        rows: list.iter().map(TransactionRow::read).collect(),
        page,
        count: fields.object("pagination").and_then(|pagination| pagination.integer("count")),
        num_pages: number("num_pages"),
        next_page: number("next_page"),
    })
}

impl fmt::Debug for TransactionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionRow")
            .field("id", &self.id)
            .field("transaction_type", &self.transaction_type)
            .field("description", &self.description.as_deref().map(redact_text))
            .field("amount_minor", &self.amount_minor)
            .field("transaction_reference", &self.transaction_reference)
            .field("provider_reference", &self.provider_reference.as_deref().map(mask))
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::gateways::payhero::stand_in::{Reply, StandIn};

    fn moment(text: &str) -> DateTime<Utc> {
        time(text).unwrap()
    }

    /// Row `n` was written `n` minutes after noon.
    fn row(n: u32) -> Value {
        json!({
            "id": n, "amount": n * 10, "transaction_reference": format!("REF{n}"),
            "created_at": format!("2026-02-03T{:02}:{:02}:00Z", 12 + n / 60, n % 60),
        })
    }

    fn page(rows: &[u32], number: u32, pages: u32, count: u32) -> Reply {
        let rows: Vec<_> = rows.iter().map(|n| row(*n)).collect();
        let body = json!({
            "transactions": rows,
            "pagination": {"count": count, "page": number, "per": 50, "num_pages": pages},
        });
        Reply::json(200, &body.to_string())
    }

    fn ids(recent: &Recent) -> Vec<u32> {
        recent.rows.iter().map(|row| row.id.as_ref().unwrap().parse().unwrap()).collect()
    }

    fn read_json(body: &str) -> Result<Page<TransactionRow>, AskError> {
        read(&Answer { status: 200, body: body.as_bytes().to_vec(), retry_after: None }, 1)
    }

    #[test]
    fn rows_are_read_with_any_form_of_number() {
        let body = r#"{"transactions":[{"id":91,"account_id":7,"transaction_type":"service_charge",
            "description":"Fee","amount":-6,"transaction_reference":"Q7XK2MWZ4B",
            "provider_reference":"cost_Q7XK2MWZ4B","cost":"6.50","wallet_balance":1510.36,
            "goal_id":null,"gateway":"sasapay","created_at":"2026-02-03T10:15:40.112233+03:00"},
            {"amount":"1500.00"}],
            "pagination":{"count":2,"page":1,"per":50,"num_pages":1,"next_page":null}}"#;
        let page = read_json(body).unwrap();
        let row = &page.rows[0];
        assert_eq!(row.id.as_deref(), Some("91"));
        assert_eq!(row.amount_minor, Some(-600));
        assert_eq!(row.cost_minor, Some(650));
        assert_eq!(row.wallet_balance_minor, Some(151_036));
        assert_eq!(row.created_at, Some(moment("2026-02-03T07:15:40.112233Z")));
        assert_eq!(page.rows[1].amount_minor, Some(150_000));
        assert_eq!((page.count, page.num_pages, page.next_page), (Some(2), Some(1), None));
    }

    #[test]
    fn the_list_is_found_under_any_name_but_only_one() {
        assert_eq!(read_json(r#"{"data":[]}"#).unwrap().rows.len(), 0);
        assert_eq!(read_json(r#"{"items":[{}],"success":true}"#).unwrap().rows.len(), 1);
        for body in ["{}", "[]", r#"{"a":[1]}"#, r#"{"a":[{}],"b":[{}]}"#, r#"{"rows":{}}"#] {
            assert!(matches!(read_json(body), Err(AskError::Undocumented { .. })), "{body}");
        }
    }

    #[tokio::test]
    async fn a_page_is_asked_for_as_documented() {
        let stand = StandIn::start(vec![page(&[], 1, 0, 0)]).await;
        stand.client(Generation::Legacy).transactions(0, 500).await.unwrap();
        assert_eq!(stand.requests()[0].line, "GET /payhero/api/v2/transactions?page=1&per=50 HTTP/1.1");
        let v2 = stand.client(Generation::V2).transactions(1, 50).await;
        assert_eq!(v2, Err(AskError::NotOffered("list of transactions")));
    }

    #[tokio::test]
    async fn the_walk_stops_at_the_asked_time_and_drops_older_rows() {
        let stand = StandIn::start(vec![page(&[90, 80], 1, 9, 18), page(&[70, 30], 2, 9, 18)]).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T13:00:00Z")).await.unwrap();
        assert_eq!(ids(&recent), [90, 80, 70]);
        assert!(recent.complete);
        assert_eq!(stand.requests().len(), 2);
    }

    #[tokio::test]
    async fn rows_pushed_down_by_new_ones_are_met_once() {
        let stand = StandIn::start(vec![page(&[90, 80], 1, 2, 4), page(&[80, 70], 2, 3, 5), page(&[60], 3, 3, 5)]).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T12:00:00Z")).await.unwrap();
        assert_eq!(ids(&recent), [90, 80, 70, 60]);
    }

    #[tokio::test]
    async fn rows_that_moved_up_are_read_after_all() {
        // Row 90 vanishes after page 1, so 70 moves up to a page already read.
        let stand = StandIn::start(vec![page(&[90, 80], 1, 3, 5), page(&[60, 50], 2, 2, 4), page(&[80, 70], 1, 2, 4), page(&[60, 50], 2, 2, 4)]).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T12:00:00Z")).await.unwrap();
        assert_eq!(ids(&recent), [90, 80, 70, 60, 50]);
        assert!(recent.complete);
    }

    #[tokio::test]
    async fn a_list_with_the_oldest_first_is_read_from_its_end() {
        let stand = StandIn::start(vec![page(&[10, 20], 1, 3, 6), page(&[50, 60], 3, 3, 6), page(&[30, 40], 2, 3, 6)]).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T12:37:00Z")).await.unwrap();
        assert_eq!(ids(&recent), [60, 50, 40]);
        assert!(recent.complete);
    }

    #[tokio::test]
    async fn an_endless_list_is_reported_as_incomplete() {
        let script = vec![page(&[90], 1, 900, 900); PAGES_MAX + 5];
        let stand = StandIn::start(script).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T12:00:00Z")).await.unwrap();
        assert!(!recent.complete);
        assert_eq!(stand.requests().len(), PAGES_MAX);
    }

    #[tokio::test]
    async fn a_walk_goes_on_where_it_stood_and_holds_one_page() {
        let stand = StandIn::start(vec![page(&[90, 80], 1, 3, 6), page(&[70, 60], 2, 3, 6), page(&[50, 40], 3, 3, 6)]).await;
        let client = stand.client(Generation::Legacy);
        let (rows, next) = client.walk(Place::start(moment("2026-02-03T12:00:00Z"))).await.unwrap();
        assert_eq!(rows.len(), 2);
        let kept = next.expect("more pages");
        assert_eq!(kept, Place { since: moment("2026-02-03T12:00:00Z"), page: 2, count: Some(6), backwards: false });
        let (rows, next) = client.walk(kept).await.unwrap();
        assert_eq!((rows.len(), next.map(|place| place.page)), (2, Some(3)));
        let (rows, next) = client.walk(next.unwrap()).await.unwrap();
        assert_eq!((rows.len(), next), (2, None));
    }

    #[test]
    fn as_many_pages_are_read_again_as_rows_may_have_moved() {
        let place = Place { since: moment("2026-02-03T12:00:00Z"), page: 9, count: Some(1_000), backwards: false };
        let read = |count| Page { rows: Vec::new(), page: 9, count: Some(count), num_pages: Some(20), next_page: None };
        let next = |count| place.after(&read(count)).map(|place| place.page);
        assert_eq!([next(1_000), next(1_300), next(999), next(950), next(949), next(0)], [Some(10), Some(10), Some(8), Some(8), Some(7), Some(1)]);
    }

    #[tokio::test]
    async fn newer_pages_are_skipped_by_halving() {
        // Nine pages, the newest rows first; what is wanted stands on the sixth.
        let script = vec![
            page(&[99, 98], 1, 9, 18),
            page(&[61, 60], 5, 9, 18),
            page(&[30, 29], 7, 9, 18),
            page(&[50, 49], 6, 9, 18),
            page(&[61, 60], 5, 9, 18),
            page(&[50, 49], 6, 9, 18),
            page(&[30, 29], 7, 9, 18),
        ];
        let stand = StandIn::start(script).await;
        let client = stand.client(Generation::Legacy);
        let recent = client
            .transactions_between(moment("2026-02-03T12:45:00Z"), Some(moment("2026-02-03T12:50:00Z")), |row| row.id.as_deref() != Some("49"))
            .await
            .unwrap();
        assert_eq!(ids(&recent), [50]);
        assert!(recent.complete);
        let asked: Vec<String> = stand.requests().iter().map(|request| request.line.clone()).collect();
        assert_eq!(asked.len(), 7, "{asked:?}");
    }

    #[test]
    fn what_was_not_read_to_its_end_is_not_known() {
        let recent = |complete| Recent { rows: Vec::new(), complete };
        assert_eq!(recent(true).known(), Ok(Vec::new()));
        assert_eq!(recent(false).known(), Err(AskError::TooLong));
    }

    #[tokio::test]
    async fn a_failing_page_fails_the_walk() {
        let stand = StandIn::start(vec![page(&[90], 1, 2, 2), Reply::json(500, "")]).await;
        let client = stand.client(Generation::Legacy);
        let recent = client.recent_transactions(moment("2026-02-03T12:00:00Z")).await;
        assert!(matches!(recent, Err(AskError::Unavailable { .. })));
    }
}
