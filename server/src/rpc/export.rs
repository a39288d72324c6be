//! Lists as streams of CSV, of one ISP or of all of them, one after the other. One piece is in memory, however long the list is.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::fields;
use super::status;
use super::watch::Stream;
use crate::actor::Tenant;
use crate::app::App;
use crate::billing::export::{self, List};
use crate::calendar::Days;
use crate::error::Result;
use crate::id::IspId;
use crate::platform;

/// Whose list it is.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Of one ISP, with its subdomain.
    One(IspId, String),
    /// Of every ISP.
    All,
}

impl Whose {
    /// Of the ISP that calls.
    pub fn of(isp: &Tenant) -> Whose {
        Whose::One(isp.id, isp.slug.clone())
    }

    /// Of the ISP that is named by id or subdomain; nothing is all of them.
    pub async fn named(app: &App, named: &str) -> Result<Whose> {
        if named.is_empty() {
            return Ok(Whose::All);
        }
        let found = platform::find_isp(app, &fields::text("isp", named, 64)?).await?;
        Ok(Whose::One(found.id, found.slug))
    }
}

enum At {
    Head,
    In { isp: IspId, slug: String, after: Option<Uuid>, last: bool },
    After(String),
    End,
}

/// The list piece by piece, each made into an answer.
pub fn pieces<A: Send + 'static>(app: Arc<App>, whose: Whose, list: List, days: Days, request_id: String, answer: fn(Vec<u8>) -> A) -> Stream<A> {
    let begin = match whose {
        Whose::One(isp, slug) => At::In { isp, slug, after: None, last: true },
        Whose::All => At::After(String::new()),
    };
    stream::try_unfold((At::Head, Some(begin)), move |(at, begin)| {
        let (app, request_id) = (app.clone(), request_id.clone());
        async move {
            if matches!(at, At::Head) {
                return Ok(Some((answer(export::head(list).as_bytes().to_vec()), (begin.unwrap_or(At::End), None))));
            }
            let next = step(&app, at, list, days).await.map_err(|error| status::of(error, &request_id))?;
            Ok(next.map(|(text, at)| (answer(text.into_bytes()), (at, None))))
        }
    })
    .boxed()
}

/// The next piece that has rows, and where the list stands after it.
async fn step(app: &App, mut at: At, list: List, days: Days) -> Result<Option<(String, At)>> {
    loop {
        at = match at {
            At::Head | At::End => return Ok(None),
            At::After(slug) => match app.db.public(async |tx| export::next_isp(tx, &slug).await).await? {
                Some((isp, slug)) => At::In { isp, slug, after: None, last: false },
                None => At::End,
            },
            At::In { isp, slug, after, last } => {
                let piece = app.db.look(isp, async |tx| export::piece(tx, (isp, slug.as_str()), list, days, after).await).await?;
                let next = match piece.next {
                    Some(next) => At::In { isp, slug, after: Some(next), last },
                    None if last => At::End,
                    None => At::After(slug),
                };
                if !piece.text.is_empty() {
                    return Ok(Some((piece.text, next)));
                }
                next
            }
        };
    }
}
