//! A connection comes on a router, moves to another one, or its device signs in otherwise. What the router before still holds is
//! remembered until that router was told, however long it is off.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::store::{self, Access, Connection, Status};
use super::tell::tell_router;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{ConnectionId, IspId, RouterId};
use crate::router;
use crate::schema::{connection, connection_leftover, customer};

/// What is to change; what is absent stays, or is made when there is none yet.
#[derive(Clone, Debug, Default)]
pub struct Install {
    /// Where it is from now on.
    pub router: Option<RouterId>,
    /// How the device signs in.
    pub access: Option<Access>,
    /// Its name.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
}

/// What a sealed password is bound to.
pub fn sealed_row(isp: IspId, id: ConnectionId) -> String {
    format!("connection/{isp}/{id}")
}

/// Installs, moves or changes a connection, locked by the caller.
pub async fn install(app: &App, tx: &mut Tx, isp: IspId, before: &Connection, ask: &Install, now: Time) -> Result<Connection> {
    if before.status()? == Status::Ended {
        return Err(Error::new(Reason::StateConflict, "This connection has ended."));
    }
    let at = ask.router.or(before.router_id);
    if let Some(id) = ask.router {
        router::store::get(tx, isp, id).await?;
    }
    let username = match ask.username.clone().or_else(|| before.username.clone()) {
        Some(name) => name,
        None => code_of(tx, isp, before).await?,
    };
    let sealed = match (&ask.password, &before.password_sealed) {
        (None, Some(sealed)) => sealed.clone(),
        (Some(password), _) => app.seal.seal(&sealed_row(isp, before.id), password)?,
        (None, None) => app.seal.seal(&sealed_row(isp, before.id), &word().into())?,
    };
    let access = ask.access.map_or_else(|| before.access(), Ok)?;
    let written = diesel::update(connection::table.find((isp, before.id)))
        .set((connection::router_id.eq(at), connection::access.eq(access.as_str()), connection::username.eq(&username), connection::password_sealed.eq(sealed)))
        .execute(&mut **tx)
        .await;
    if written.as_ref().is_err_and(is_duplicate) {
        let taken = "is the name of another connection on this router";
        return Err(Error { fields: vec![("username".into(), taken.into())], ..Error::new(Reason::AlreadyExists, format!("username {taken}")) });
    }
    written?;
    let here = (at, access, Some(username));
    let there = (before.router_id, before.access()?, before.username.clone());
    if there != here {
        leave(tx, isp, before, now).await?;
    }
    if let (Some(router), _, Some(username)) = here {
        diesel::delete(connection_leftover::table.find((isp, router, access.as_str(), username))).execute(&mut **tx).await?;
        if before.installed_at.is_none() {
            begin_counting(tx, isp, before, now).await?;
        }
    }
    let after = store::get(tx, isp, before.id).await?;
    tell_router(tx, isp, &after, now).await?;
    Ok(after)
}

/// The router that holds a connection is to forget it, as soon as it is reached.
pub(super) async fn leave(tx: &mut Tx, isp: IspId, gone: &Connection, now: Time) -> Result<()> {
    use connection_leftover::dsl;
    let (Some(router), Some(username)) = (gone.router_id, &gone.username) else { return Ok(()) };
    diesel::insert_into(dsl::connection_leftover)
        .values((
            (dsl::tenant_id.eq(isp), dsl::router_id.eq(router), dsl::access.eq(gone.access()?.as_str())),
            (dsl::username.eq(username), dsl::created_at.eq(now)),
        ))
        .on_conflict_do_nothing()
        .execute(&mut **tx)
        .await?;
    super::tell::ask_for(tx, isp, router, now).await
}

/// The first time on a router: what was paid before begins now.
async fn begin_counting(tx: &mut Tx, isp: IspId, before: &Connection, now: Time) -> Result<()> {
    let row = connection::table.find((isp, before.id));
    diesel::update(row).set(connection::installed_at.eq(now)).execute(&mut **tx).await?;
    let (Some(from), Some(start), Some(until)) = (before.counts_from, before.period_start, before.paid_until) else { return Ok(()) };
    let lost = now - from;
    let day = i16::try_from(crate::clock::day_of_month(start + lost)).map_err(Error::internal)?;
    diesel::update(row)
        .set((
            (connection::counts_from.eq(now), connection::period_start.eq(start + lost), connection::paid_until.eq(until + lost)),
            (connection::anchor_day.eq(day), connection::next_act_at.eq(before.next_act_at.map(|at| at + lost))),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The customer's code in small letters: `cust-0001`.
async fn code_of(tx: &mut Tx, isp: IspId, of: &Connection) -> Result<String> {
    let code: String = customer::table.find((isp, of.customer_id)).select(customer::customer_code).first(&mut **tx).await?;
    Ok(code.to_ascii_lowercase())
}

/// Ten letters and digits that cannot be mistaken for each other: somebody types them into a box on a wall.
fn word() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 10];
    rand::rng().fill_bytes(&mut random);
    random.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// The password of the device, for staff.
pub fn password(app: &App, isp: IspId, of: &Connection) -> Result<Option<SecretString>> {
    of.password_sealed.as_ref().map(|sealed| app.seal.open(&sealed_row(isp, of.id), sealed)).transpose()
}

/// The same as text, for the router; empty when there is none.
pub(super) fn password_text(app: &App, isp: IspId, of: &Connection) -> Result<String> {
    Ok(password(app, isp, of)?.map(|password| password.expose_secret().to_owned()).unwrap_or_default())
}

/// Seals the passwords of an ISP's connections anew with the first encryption key; tells how many were not.
pub async fn reseal(app: &App, tx: &mut Tx, isp: IspId) -> Result<usize> {
    let mine = connection::table.filter(connection::tenant_id.eq(isp).and(connection::password_sealed.is_not_null()));
    let rows: Vec<(ConnectionId, Vec<u8>)> =
        mine.select((connection::id, connection::password_sealed.assume_not_null())).for_no_key_update().load(&mut **tx).await?;
    let mut changed = 0;
    for (id, sealed) in rows {
        if let Some(anew) = app.seal.reseal(&sealed_row(isp, id), &sealed)? {
            diesel::update(connection::table.find((isp, id))).set(connection::password_sealed.eq(anew)).execute(&mut **tx).await?;
            changed += 1;
        }
    }
    Ok(changed)
}
