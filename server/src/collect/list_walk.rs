//! How far the gateway's list of transactions was read: kept in the database, so that a walk may take many runs of its job, and so that
//! whoever pays can tell whether the list has been compared since a moment. It reads nothing of the gateway.

use chrono::{TimeDelta, Timelike as _};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::clock::{Time, in_kenya};
use crate::db::Tx;
use crate::error::Result;
use crate::gateways::payhero::Place;
use crate::schema::list_walk;

/// As far back as anything is asked about.
const FURTHEST: TimeDelta = TimeDelta::hours(72);
/// Each walk reads so much again of what the one before it read: rows that are written late, and rows that were too young to be judged.
const OVERLAP: TimeDelta = TimeDelta::minutes(15);
/// The hour in Kenya from which on the last three days are read once more.
const NIGHT: u32 = 2;

/// Which walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkKind {
    /// What came since the last one.
    Recent,
    /// The last three days once more, each night.
    Nightly,
}

impl WalkKind {
    /// Every walk, in the order in which they take their turns.
    pub const ALL: [WalkKind; 2] = [WalkKind::Recent, WalkKind::Nightly];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            WalkKind::Recent => "RECENT",
            WalkKind::Nightly => "NIGHTLY",
        }
    }
}

/// How a walk stands.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = list_walk)]
pub struct ListWalk {
    /// Every row of before then was seen by a walk that came to its end.
    pub read_until: Option<Time>,
    /// When the last walk came to its end.
    pub completed_at: Option<Time>,
    /// Since when none has.
    pub incomplete_since: Option<Time>,
    /// When the walk that is under way began.
    pub begun_at: Option<Time>,
    since: Option<Time>,
    page: Option<i64>,
    count: Option<i64>,
    backwards: bool,
}

impl ListWalk {
    /// Where the walk that is under way goes on, and when it began.
    pub fn under_way(&self) -> Option<(Time, Place)> {
        let page = u32::try_from(self.page?).unwrap_or(u32::MAX);
        Some((self.begun_at?, Place { since: self.since?, page, count: self.count, backwards: self.backwards }))
    }

    /// The place at which a walk that is due begins. A function of what was read and of the clock, so that no night is missed because
    /// nobody looked in a certain minute.
    pub fn due(&self, kind: WalkKind, now: Time) -> Option<Place> {
        match kind {
            WalkKind::Recent => {
                let from = self.read_until.map_or(now - FURTHEST, |read| (read - OVERLAP).max(now - FURTHEST));
                Some(Place::start(from.min(now - OVERLAP)))
            }
            WalkKind::Nightly => self.read_until.is_none_or(|read| read < last_night(now)).then(|| Place::start(now - FURTHEST)),
        }
    }
}

/// The last moment that was two in the morning in Kenya.
fn last_night(now: Time) -> Time {
    let local = in_kenya(now);
    let since_midnight = local.time().signed_duration_since(chrono::NaiveTime::MIN);
    let today = now - since_midnight + TimeDelta::hours(i64::from(NIGHT));
    if local.hour() < NIGHT { today - TimeDelta::days(1) } else { today }
}

/// How a walk stands.
pub async fn read(tx: &mut Tx, kind: WalkKind) -> Result<ListWalk> {
    Ok(list_walk::table.find(kind.as_str()).select(ListWalk::as_select()).first(&mut **tx).await?)
}

/// Whether every row that the list had at a moment, as far as three days back, was seen by a walk that came to its end.
pub async fn was_read_until(tx: &mut Tx, moment: Time) -> Result<bool> {
    Ok(read(tx, WalkKind::Recent).await?.read_until.is_some_and(|read| read >= moment))
}

/// The next walk is to look back to a moment at least: what was read since counts for nothing. The walk that is under way begins anew.
pub async fn look_back(tx: &mut Tx, moment: Time) -> Result<()> {
    use list_walk::dsl;
    let recent = dsl::list_walk.find(WalkKind::Recent.as_str());
    diesel::update(recent.filter(dsl::read_until.gt(moment))).set(dsl::read_until.eq(moment)).execute(&mut **tx).await?;
    diesel::update(recent).set(nowhere()).execute(&mut **tx).await?;
    Ok(())
}

/// Keeps where a walk goes on.
pub async fn keep(tx: &mut Tx, kind: WalkKind, begun_at: Time, place: Place) -> Result<()> {
    use list_walk::dsl;
    let at = (dsl::since.eq(place.since), dsl::page.eq(i64::from(place.page)), dsl::count.eq(place.count), dsl::backwards.eq(place.backwards));
    diesel::update(dsl::list_walk.find(kind.as_str())).set((dsl::begun_at.eq(begun_at), at)).execute(&mut **tx).await?;
    Ok(())
}

/// The walk that began then came to its end. One that was taken back meanwhile counts for nothing.
pub async fn complete(tx: &mut Tx, kind: WalkKind, begun_at: Time, now: Time) -> Result<()> {
    use list_walk::dsl;
    let under_way = dsl::list_walk.filter(dsl::kind.eq(kind.as_str()).and(dsl::begun_at.eq(begun_at)));
    let ended = (dsl::read_until.eq(begun_at), dsl::completed_at.eq(now), dsl::incomplete_since.eq(None::<Time>));
    diesel::update(under_way).set((ended, nowhere())).execute(&mut **tx).await?;
    Ok(())
}

/// A run ended and the walk did not. Gives since when that is so.
pub async fn not_complete(tx: &mut Tx, kind: WalkKind, now: Time) -> Result<Time> {
    use list_walk::dsl;
    let of = dsl::list_walk.find(kind.as_str());
    diesel::update(of.filter(dsl::incomplete_since.is_null())).set(dsl::incomplete_since.eq(now)).execute(&mut **tx).await?;
    Ok(read(tx, kind).await?.incomplete_since.unwrap_or(now))
}

/// No walk is under way.
#[expect(clippy::type_complexity, reason = "the type of an assignment is its list of columns")]
fn nowhere() -> (
    diesel::dsl::Eq<list_walk::begun_at, Option<Time>>,
    diesel::dsl::Eq<list_walk::since, Option<Time>>,
    diesel::dsl::Eq<list_walk::page, Option<i64>>,
    diesel::dsl::Eq<list_walk::count, Option<i64>>,
) {
    (list_walk::begun_at.eq(None), list_walk::since.eq(None), list_walk::page.eq(None), list_walk::count.eq(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya(text: &str) -> Time {
        format!("{text}+03:00").parse().expect("a time")
    }

    fn walk(read_until: Option<&str>) -> ListWalk {
        ListWalk {
            read_until: read_until.map(kenya),
            completed_at: None,
            incomplete_since: None,
            begun_at: None,
            since: None,
            page: None,
            count: None,
            backwards: false,
        }
    }

    #[test]
    fn a_walk_looks_back_to_what_the_one_before_it_saw_and_no_further_than_three_days() {
        let now = kenya("2026-11-26T12:00:00");
        let from = |read: Option<&str>| walk(read).due(WalkKind::Recent, now).expect("always due").since;
        assert_eq!(from(None), kenya("2026-11-23T12:00:00"));
        assert_eq!(from(Some("2026-11-26T11:55:00")), kenya("2026-11-26T11:40:00"));
        assert_eq!(from(Some("2026-11-25T08:00:00")), kenya("2026-11-25T07:45:00"), "after a day of silence: all of it");
        assert_eq!(from(Some("2026-11-01T08:00:00")), kenya("2026-11-23T12:00:00"));
        assert_eq!(from(Some("2026-11-27T08:00:00")), kenya("2026-11-26T11:45:00"), "a clock that was set back");
    }

    #[test]
    fn the_nightly_look_is_due_once_a_night_whenever_somebody_looks() {
        let due = |read: Option<&str>, now: &str| walk(read).due(WalkKind::Nightly, kenya(now)).is_some();
        assert!(due(None, "2026-11-26T12:00:00"));
        assert!(!due(Some("2026-11-26T02:00:01"), "2026-11-26T23:00:00"));
        assert!(!due(Some("2026-11-26T02:00:01"), "2026-11-27T01:59:59"));
        assert!(due(Some("2026-11-26T02:00:01"), "2026-11-27T02:00:00"));
        assert!(due(Some("2026-11-26T02:00:01"), "2026-11-27T02:07:31"), "nobody looked in the first minutes");
        assert!(due(Some("2026-11-25T14:00:00"), "2026-11-26T02:30:00"));
    }
}
