//! `listen`: the rows that one client wants to be told of, until it cancels. Keeps what it has shown, so that it can report deaths.

use std::collections::BTreeSet;

use super::print::View;
use super::reply::Reply;
use super::state::{State, Touched, write_id};

/// One running `listen`.
#[derive(Debug)]
pub(super) struct Listening {
    /// The tag of the command, if it had one.
    pub tag: Option<Vec<u8>>,
    view: View,
    shown: BTreeSet<u64>,
}

impl Listening {
    /// Starts: what is there already counts as shown and is not sent.
    pub(super) fn start(state: &State, view: View, tag: Option<Vec<u8>>) -> Self {
        let rows = state.rows(view.path());
        let shown = rows.filter(|(id, row)| view.shows(state, *id, row) == Ok(true)).map(|(id, _)| id).collect();
        Self { tag, view, shown }
    }

    /// What is to be sent after these rows were touched.
    pub(super) fn news(&mut self, state: &State, touched: &[Touched]) -> Vec<Reply> {
        let own = touched.iter().filter(|touched| touched.menu == self.view.path());
        let ids: BTreeSet<u64> = own.map(|touched| touched.id).collect();
        ids.into_iter().filter_map(|id| self.news_of(state, id)).collect()
    }

    fn news_of(&mut self, state: &State, id: u64) -> Option<Reply> {
        let row = state.row(self.view.path(), id).filter(|row| self.view.shows(state, id, row) == Ok(true));
        match row {
            Some(row) => {
                self.shown.insert(id);
                Some(Reply::Row(self.view.attributes(state, id, row)))
            }
            None => self.shown.remove(&id).then(|| Reply::Row(vec![(".id".into(), write_id(id).into_bytes()), (".dead".into(), b"true".to_vec())])),
        }
    }
}
