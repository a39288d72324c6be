//! Rows of people who sign in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::actor::Role;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{IspId, UserId};
use crate::lang::Lang;
use crate::phone::Phone;
use crate::schema::user_account;

/// A person who signs in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = user_account)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Lower case.
    pub email: Option<String>,
    /// Twelve digits.
    pub phone: Option<String>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    role: String,
    pub(super) password_hash: Option<String>,
    lang: String,
    /// Since when they may not sign in.
    pub disabled_at: Option<Time>,
}

impl User {
    /// What they may do.
    pub fn role(&self) -> Result<Role> {
        Role::parse(&self.role).ok_or_else(|| Error::internal(format!("{} has a strange role", self.id)))
    }

    /// What they read.
    pub fn lang(&self) -> Lang {
        Lang::from_tag(&self.lang).unwrap_or_default()
    }
}

/// A person to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// E-mail address as typed.
    pub email: Option<String>,
    /// Phone.
    pub phone: Option<Phone>,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// What they may do.
    pub role: Role,
    /// Hash of the first password; none for somebody who still has to choose one.
    pub password_hash: Option<String>,
    /// What they read.
    pub lang: Lang,
}

/// Adds a person.
pub async fn create(tx: &mut Tx, tenant: IspId, new: &NewUser, now: Time) -> Result<UserId> {
    let id = UserId::sortable(now);
    diesel::insert_into(user_account::table)
        .values((
            (
                user_account::tenant_id.eq(tenant),
                user_account::id.eq(id),
                user_account::email.eq(new.email.as_ref().map(|email| email.to_lowercase())),
                user_account::phone.eq(new.phone.as_ref().map(Phone::digits)),
            ),
            (user_account::first_name.eq(&new.first_name), user_account::last_name.eq(&new.last_name), user_account::role.eq(new.role.as_str())),
            (user_account::password_hash.eq(&new.password_hash), user_account::lang.eq(new.lang.code()), user_account::created_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await
        .map_err(|cause| if is_duplicate(&cause) { taken(&cause) } else { cause.into() })?;
    Ok(id)
}

/// Which of the two is somebody's already: field path `email` or `phone_number`.
pub(super) fn taken(cause: &diesel::result::Error) -> Error {
    let of_phone = matches!(cause, diesel::result::Error::DatabaseError(_, info) if info.constraint_name().is_some_and(|name| name.contains("phone")));
    let (field, sentence) = if of_phone {
        ("phone_number", "Somebody with this phone number is here already. Sign in, or ask for a new password.")
    } else {
        ("email", "Somebody with this e-mail address is here already. Sign in, or ask for a new password.")
    };
    Error { fields: vec![(field.into(), "is taken".into())], ..Error::new(Reason::AlreadyExists, sentence) }
}

/// The person, or `NOT_FOUND`.
pub async fn get(tx: &mut Tx, tenant: IspId, id: UserId) -> Result<User> {
    user_account::table.find((tenant, id)).select(User::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::not_found("user"))
}

/// The person with this e-mail address or phone number.
pub async fn find_by_identifier(tx: &mut Tx, tenant: IspId, identifier: &str) -> Result<Option<User>> {
    let mine = user_account::table.filter(user_account::tenant_id.eq(tenant)).select(User::as_select());
    Ok(match identifier.parse::<Phone>() {
        Ok(phone) => mine.filter(user_account::phone.eq(phone.digits())).first(&mut **tx).await.optional()?,
        Err(_) => mine.filter(user_account::email.eq(identifier.trim().to_lowercase())).first(&mut **tx).await.optional()?,
    })
}
