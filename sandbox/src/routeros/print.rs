//! `print`: which rows and properties a client gets to see. Reads only.

use super::menu::{Menu, Property};
use super::query::Query;
use super::reply::{Attributes, Reply, Trap};
use super::request::Request;
use super::row::Row;
use super::state::{State, read_id};
use super::value;

/// Argument words that a print knows. The `…paging` and form words change nothing over the API.
const ARGUMENTS: &[&str] = &[".proplist", ".id", "count-only", "detail", "stats", "terse", "without-paging"];

/// What of a menu one client asked for; also the filter of a `listen`.
#[derive(Debug, Clone)]
pub(super) struct View {
    menu: &'static Menu,
    query: Query,
    properties: Option<Vec<String>>,
    ids: Option<Vec<u64>>,
}

impl View {
    /// Reads the arguments of a print.
    ///
    /// # Errors
    /// A trap for an argument that print does not have, or a query that cannot be read.
    pub(super) fn read(menu: &'static Menu, request: &Request) -> Result<Self, Trap> {
        if request.attributes.iter().any(|(name, _)| !ARGUMENTS.contains(&name.as_str())) {
            return Err(Trap::missing("unknown parameter"));
        }
        let list = |name: &str| request.text(name).map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>());
        let ids = list(".id").map(|ids| ids.iter().filter_map(|id| read_id(id.as_bytes())).collect());
        Ok(Self { menu, query: Query::read(&request.queries)?, properties: list(".proplist"), ids })
    }

    /// Whether a row is in the view.
    ///
    /// # Errors
    /// A trap when the query asks for a place that its stack does not have.
    pub(super) fn shows(&self, state: &State, id: u64, row: &Row) -> Result<bool, Trap> {
        if self.ids.as_ref().is_some_and(|ids| !ids.contains(&id)) {
            return Ok(false);
        }
        if self.query.is_empty() {
            return Ok(true);
        }
        let printed = |name: &str| visible(state, self.menu, id, row, name);
        self.query.matches(
            |name| printed(name).is_some(),
            |name, test, wanted| {
                let kind = self.menu.property(name).map_or(super::menu::Kind::Text, |property| property.kind);
                printed(name).is_some_and(|found| value::compare(kind, &found, test, wanted))
            },
        )
    }

    /// The row's attributes: those that were asked for, or all; unset ones are absent.
    pub(super) fn attributes(&self, state: &State, id: u64, row: &Row) -> Attributes {
        match &self.properties {
            Some(names) => attributes_of(state, self.menu, id, row, names.iter().map(String::as_str)),
            None => attributes_of(state, self.menu, id, row, all_names(self.menu)),
        }
    }

    /// The menu's path.
    pub(super) fn path(&self) -> &'static str {
        self.menu.path
    }
}

/// Answers a print.
///
/// # Errors
/// A trap for arguments that do not fit.
pub(super) fn print(state: &State, menu: &'static Menu, request: &Request) -> Result<Vec<Reply>, Trap> {
    let view = View::read(menu, request)?;
    let mut rows = Vec::new();
    for (id, row) in state.rows(menu.path) {
        if view.shows(state, id, row)? {
            rows.push((id, row));
        }
    }
    if request.has_flag("count-only") {
        return Ok(vec![Reply::Done(vec![("ret".to_owned(), rows.len().to_string().into_bytes())])]);
    }
    let rows = rows.into_iter().map(|(id, row)| Reply::Row(view.attributes(state, id, row))).collect();
    Ok(closed(state, rows))
}

/// Rows with their end: `!done`, and before it `!empty` where the version says so and there is nothing.
pub(super) fn closed(state: &State, mut rows: Vec<Reply>) -> Vec<Reply> {
    if rows.is_empty() && state.switches().says_empty() {
        rows.push(Reply::Empty);
    }
    rows.push(Reply::done());
    rows
}

/// A row with every property that is set, for the control side: passwords included.
pub(super) fn whole_row(state: &State, menu: &Menu, id: u64, row: &Row) -> Attributes {
    all_names(menu).filter_map(|name| Some((name.to_owned(), state.printed(menu, id, row, name)?))).collect()
}

fn all_names(menu: &Menu) -> impl Iterator<Item = &'static str> {
    [".id"].into_iter().chain(menu.properties.iter().map(|property: &'static Property| property.name))
}

fn attributes_of<'a>(state: &State, menu: &Menu, id: u64, row: &Row, names: impl Iterator<Item = &'a str>) -> Attributes {
    names.filter_map(|name| Some((name.to_owned(), visible(state, menu, id, row, name)?))).collect()
}

/// Without the policy `sensitive` a client does not get passwords back.
fn visible(state: &State, menu: &Menu, id: u64, row: &Row, name: &str) -> Option<Vec<u8>> {
    if matches!(name, "password" | "otp-secret") && !state.switches().sensitive {
        return None;
    }
    state.printed(menu, id, row, name)
}
