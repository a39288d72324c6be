//! A person's own sign-ins: which there are, and ending them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::session::{LIVES, end, end_all};
use crate::actor::Person;
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{IspId, SignInId};
use crate::page::{Cursor, PageAsk};
use crate::schema::sign_in;

/// A sign-in that lives.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sign_in)]
pub struct ActiveSignIn {
    /// Its id.
    pub id: SignInId,
    /// When it began.
    pub created_at: Time,
    /// When it was last used, to within some minutes.
    pub last_used_at: Time,
    /// Where it came from.
    pub address: String,
    /// What the program called itself.
    pub user_agent: String,
    cookie_hash: Option<Vec<u8>>,
}

impl ActiveSignIn {
    /// Whether a browser keeps it, by a cookie.
    pub fn is_browser(&self) -> bool {
        self.cookie_hash.is_some()
    }
}

/// A page of a person's sign-ins that live, newest first.
pub async fn list(app: &App, tenant: IspId, person: &Person, page: PageAsk) -> Result<(Vec<ActiveSignIn>, String)> {
    let (now, before) = (app.clock.now(), page.before());
    let rows: Vec<ActiveSignIn> = app
        .db
        .tx(tenant, async |tx| {
            Ok(sign_in::table
                .filter(sign_in::tenant_id.eq(tenant).and(sign_in::user_id.eq(person.user)))
                .filter(sign_in::ended_at.is_null().and(sign_in::last_used_at.gt(now - LIVES)))
                .filter(sign_in::created_at.lt(before.at).or(sign_in::created_at.eq(before.at).and(sign_in::id.lt(before.id))))
                .order((sign_in::created_at.desc(), sign_in::id.desc()))
                .limit(page.size + 1)
                .select(ActiveSignIn::as_select())
                .load(&mut **tx)
                .await?)
        })
        .await?;
    Ok(page.cut(rows, |row| Cursor { at: row.created_at, id: row.id.uuid() }))
}

/// Ends one of a person's own sign-ins, or `NOT_FOUND`.
pub async fn end_one(app: &App, tenant: IspId, person: &Person, id: SignInId) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let mine = sign_in::table.find((tenant, id)).filter(sign_in::user_id.eq(person.user));
            let found: Option<SignInId> = mine.select(sign_in::id).first(&mut **tx).await.optional()?;
            let id = found.ok_or_else(|| Error::not_found("sign-in"))?;
            end(tx, tenant, id, "ended by the person", now).await?;
            let facts = serde_json::json!({ "sign_in": id.to_string() });
            audit::record(tx, tenant, By::User(person.user), "end_sign_in", &person.user.to_string(), facts, now).await
        })
        .await
}

/// Ends every sign-in of a person but this one, and tells how many.
pub async fn end_others(app: &App, tenant: IspId, person: &Person) -> Result<usize> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let ended = end_all(tx, tenant, person.user, Some(person.sign_in), "ended by the person", now).await?;
            audit::record(tx, tenant, By::User(person.user), "end_other_sign_ins", &person.user.to_string(), serde_json::json!({ "ended": ended }), now)
                .await?;
            Ok(ended)
        })
        .await
}
