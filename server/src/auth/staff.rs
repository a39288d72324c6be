//! The people who work for an ISP: inviting them, what they may do, and shutting them out. An ISP always keeps an owner who can
//! sign in, also when two remove each other at once.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::user::{self, NewUser, User};
use super::{invitation, link};
use crate::actor::Role;
use crate::allowance::{self, Thing};
use crate::app::App;
use crate::audit::{self, By};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM, RequestId, UserId};
use crate::lang::Lang;
use crate::page::{Cursor, PageAsk};
use crate::schema::user_account;

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Where the invitation goes.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Staff or owner; operator on the platform itself.
    pub role: Role,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// A page of the people of an ISP, newest first.
pub async fn list(app: &App, tenant: IspId, page: PageAsk) -> Result<(Vec<User>, String)> {
    let before = page.before();
    let rows: Vec<User> = app
        .db
        .tx(tenant, async |tx| {
            Ok(user_account::table
                .filter(user_account::tenant_id.eq(tenant).and(user_account::role.ne(Role::Customer.as_str())))
                .filter(user_account::created_at.lt(before.at).or(user_account::created_at.eq(before.at).and(user_account::id.lt(before.id))))
                .order((user_account::created_at.desc(), user_account::id.desc()))
                .limit(page.size + 1)
                .select(User::as_select())
                .load(&mut **tx)
                .await?)
        })
        .await?;
    Ok(page.cut(rows, |user| Cursor { at: user.created_at, id: user.id.uuid() }))
}

/// Invites somebody; the same request again gives the person it invited. Whoever was removed comes back with the new role, and
/// without the old password.
pub async fn invite(app: &App, tenant: IspId, by: By, new: NewStaff) -> Result<User> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            if let Some(before) = repeated(tx, tenant, &new).await? {
                return Ok(before);
            }
            allowance::allow(tx, tenant, Thing::Staff).await?;
            let id = match user::find_by_identifier(tx, tenant, &new.email).await? {
                None => add(tx, tenant, &new, now).await?,
                Some(there) if there.disabled_at.is_some() && there.role()? != Role::Customer => bring_back(tx, tenant, there.id, &new).await?,
                Some(_) => {
                    return Err(Error {
                        fields: vec![("email".into(), "is used by somebody here already".into())],
                        ..Error::new(Reason::AlreadyExists, "Somebody with this e-mail address is here already.")
                    });
                }
            };
            diesel::update(user_account::table.find((tenant, id)))
                .set((user_account::request_id.eq(new.request_id.0), user_account::request_hash.eq(&new.request_hash)))
                .execute(&mut **tx)
                .await?;
            let invited = user::get(tx, tenant, id).await?;
            invitation::send(app, tx, tenant, &invited, now).await?;
            audit::record(tx, tenant, by, "invite_staff", &id.to_string(), serde_json::json!({ "role": new.role.as_str() }), now).await?;
            user::get(tx, tenant, id).await
        })
        .await
}

/// Invites an operator of the platform, or does so again, and gives the link: there is no account to begin with but those that are invited.
pub async fn invite_operator(app: &App, email: &str, first_name: &str, last_name: &str) -> Result<String> {
    if !email.contains('@') {
        return Err(Error::field("email", "must be an e-mail address"));
    }
    let now = app.clock.now();
    app.db
        .tx(PLATFORM, async |tx| {
            let operator = match user::find_by_identifier(tx, PLATFORM, email).await? {
                Some(there) => there,
                None => {
                    let person = NewUser {
                        email: Some(email.to_owned()),
                        phone: None,
                        first_name: first_name.to_owned(),
                        last_name: last_name.to_owned(),
                        role: Role::Operator,
                        password_hash: None,
                        lang: Lang::English,
                    };
                    user::create(tx, PLATFORM, &person, now).await?
                }
            };
            audit::record(tx, PLATFORM, By::Netily, "invite_operator", &operator.id.to_string(), serde_json::json!({}), now).await?;
            invitation::send(app, tx, PLATFORM, &operator, now).await
        })
        .await
}

async fn repeated(tx: &mut Tx, tenant: IspId, new: &NewStaff) -> Result<Option<User>> {
    let before: Option<(UserId, Option<Vec<u8>>)> = user_account::table
        .filter(user_account::tenant_id.eq(tenant).and(user_account::request_id.eq(new.request_id.0)))
        .select((user_account::id, user_account::request_hash))
        .first(&mut **tx)
        .await
        .optional()?;
    match before {
        None => Ok(None),
        Some((id, hash)) if hash.as_deref() == Some(&new.request_hash) => user::get(tx, tenant, id).await.map(Some),
        Some(_) => Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")),
    }
}

async fn add(tx: &mut Tx, tenant: IspId, new: &NewStaff, now: Time) -> Result<UserId> {
    let person = NewUser {
        email: Some(new.email.clone()),
        phone: None,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        role: new.role,
        password_hash: None,
        lang: Lang::English,
    };
    Ok(user::create(tx, tenant, &person, now).await?.id)
}

async fn bring_back(tx: &mut Tx, tenant: IspId, id: UserId, new: &NewStaff) -> Result<UserId> {
    diesel::update(user_account::table.find((tenant, id)))
        .set((
            (user_account::first_name.eq(&new.first_name), user_account::last_name.eq(&new.last_name), user_account::role.eq(new.role.as_str())),
            (user_account::password_hash.eq(None::<String>), user_account::disabled_at.eq(None::<Time>)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(id)
}

/// Sends the invitation of an ISP's owner again, and tells where it goes. `STATE_CONFLICT` when no owner has yet to accept one.
pub async fn resend_owners_invitation(app: &App, tenant: IspId, by: By) -> Result<String> {
    let waiting: Option<UserId> = app
        .db
        .tx(tenant, async |tx| {
            Ok(user_account::table
                .filter(user_account::tenant_id.eq(tenant).and(user_account::role.eq(Role::Owner.as_str())))
                .filter(user_account::password_hash.is_null().and(user_account::disabled_at.is_null()))
                .order(user_account::created_at)
                .select(user_account::id)
                .first(&mut **tx)
                .await
                .optional()?)
        })
        .await?;
    let waiting = waiting.ok_or_else(|| Error::new(Reason::StateConflict, "No owner of this ISP has an invitation to accept."))?;
    Ok(resend_invitation(app, tenant, by, waiting).await?.email.unwrap_or_default())
}

/// Sends somebody's invitation again.
pub async fn resend_invitation(app: &App, tenant: IspId, by: By, id: UserId) -> Result<User> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let user = at_work(tx, tenant, id).await?;
            invitation::send(app, tx, tenant, &user, now).await?;
            audit::record(tx, tenant, by, "resend_invitation", &id.to_string(), serde_json::json!({}), now).await?;
            user::get(tx, tenant, id).await
        })
        .await
}

/// Changes what somebody may do, from their next call on.
pub async fn change_role(app: &App, tenant: IspId, by: UserId, id: UserId, role: Role) -> Result<User> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let owners = owners(tx, tenant, by).await?;
            let user = at_work(tx, tenant, id).await?;
            let before = user.role()?;
            if user.disabled_at.is_some() {
                return Err(Error::new(Reason::StateConflict, "This person was removed. Invite them again."));
            }
            if before == role {
                return Ok(user);
            }
            if before == Role::Owner {
                keeps_an_owner(&owners, id)?;
            }
            diesel::update(user_account::table.find((tenant, id))).set(user_account::role.eq(role.as_str())).execute(&mut **tx).await?;
            let facts = serde_json::json!({ "from": before.as_str(), "to": role.as_str() });
            audit::record(tx, tenant, By::User(by), "change_staff_role", &id.to_string(), facts, now).await?;
            user::get(tx, tenant, id).await
        })
        .await
}

/// Shuts somebody out; doing it again changes nothing.
pub async fn remove(app: &App, tenant: IspId, by: UserId, id: UserId) -> Result<User> {
    let now = app.clock.now();
    app.db
        .tx(tenant, async |tx| {
            let owners = owners(tx, tenant, by).await?;
            let user = at_work(tx, tenant, id).await?;
            if user.disabled_at.is_some() {
                return Ok(user);
            }
            if user.role()? == Role::Owner {
                keeps_an_owner(&owners, id)?;
            }
            user::disable(tx, tenant, id, now).await?;
            link::void(tx, tenant, id).await?;
            audit::record(tx, tenant, By::User(by), "remove_staff", &id.to_string(), serde_json::json!({ "role": user.role()?.as_str() }), now).await?;
            user::get(tx, tenant, id).await
        })
        .await
}

/// The owners who can sign in, locked until the end of the transaction: whoever changes owners does so one after the other. Refuses
/// somebody who was an owner when the call came in and is none any longer.
async fn owners(tx: &mut Tx, tenant: IspId, by: UserId) -> Result<Vec<UserId>> {
    let all: Vec<User> = user_account::table
        .filter(user_account::tenant_id.eq(tenant).and(user_account::role.eq(Role::Owner.as_str())))
        .order(user_account::id)
        .for_no_key_update()
        .select(User::as_select())
        .load(&mut **tx)
        .await?;
    let able: Vec<UserId> = all.into_iter().filter(|user| user.disabled_at.is_none() && user.has_password()).map(|user| user.id).collect();
    if able.contains(&by) { Ok(able) } else { Err(Error::new(Reason::PermissionDenied, "Only an owner may do this.")) }
}

fn keeps_an_owner(owners: &[UserId], goes: UserId) -> Result<()> {
    if owners.iter().any(|owner| *owner != goes) {
        Ok(())
    } else {
        Err(Error::new(Reason::LastOwner, "An ISP keeps at least one owner who can sign in. Make somebody else an owner first."))
    }
}

/// Somebody who works for the ISP, or `NOT_FOUND`: customers are none of this slice.
async fn at_work(tx: &mut Tx, tenant: IspId, id: UserId) -> Result<User> {
    let user = user::get(tx, tenant, id).await?;
    if user.role()? == Role::Customer { Err(Error::not_found("user")) } else { Ok(user) }
}
