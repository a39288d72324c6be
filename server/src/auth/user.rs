//! Rows of people who sign in.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;

use super::{session, sign_in};
use crate::actor::Role;
use crate::app::App;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{IspId, SignInId, UserId};
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
    /// When they were last invited to choose a password.
    pub invited_at: Option<Time>,
    /// When they were added.
    pub created_at: Time,
}

impl User {
    /// What they may do.
    pub fn role(&self) -> Result<Role> {
        Role::parse(&self.role).ok_or_else(|| Error::internal(format!("{} has a strange role", self.id)))
    }

    /// Whether they have a password yet.
    pub fn has_password(&self) -> bool {
        self.password_hash.is_some()
    }

    /// Whether they still have to choose a password, and may.
    pub fn is_invited(&self) -> bool {
        self.password_hash.is_none() && self.disabled_at.is_none()
    }

    /// Their words, none of which is a password: names, e-mail address, phone number.
    pub fn own_words(&self) -> [&str; 4] {
        [&self.first_name, &self.last_name, self.email.as_deref().unwrap_or_default(), self.phone.as_deref().unwrap_or_default()]
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
pub async fn create(tx: &mut Tx, tenant: IspId, new: &NewUser, now: Time) -> Result<User> {
    diesel::insert_into(user_account::table)
        .values((
            (
                user_account::tenant_id.eq(tenant),
                user_account::id.eq(UserId::sortable(now)),
                user_account::email.eq(new.email.as_ref().map(|email| email.to_lowercase())),
                user_account::phone.eq(new.phone.as_ref().map(Phone::digits)),
            ),
            (user_account::first_name.eq(&new.first_name), user_account::last_name.eq(&new.last_name), user_account::role.eq(new.role.as_str())),
            (user_account::password_hash.eq(&new.password_hash), user_account::lang.eq(new.lang.code()), user_account::created_at.eq(now)),
        ))
        .returning(User::as_returning())
        .get_result(&mut **tx)
        .await
        .map_err(|cause| if is_duplicate(&cause) { taken_by(&cause) } else { cause.into() })
}

/// Everybody of a role who may sign in, the first one first.
pub async fn all_of(tx: &mut Tx, tenant: IspId, role: Role) -> Result<Vec<User>> {
    Ok(user_account::table
        .filter(user_account::tenant_id.eq(tenant).and(user_account::role.eq(role.as_str())).and(user_account::disabled_at.is_null()))
        .order((user_account::created_at, user_account::id))
        .select(User::as_select())
        .load(&mut **tx)
        .await?)
}

/// Which of the two a statement found to be somebody's already.
fn taken_by(cause: &diesel::result::Error) -> Error {
    let of_phone = matches!(cause, diesel::result::Error::DatabaseError(_, info) if info.constraint_name().is_some_and(|name| name.contains("phone")));
    taken_error(of_phone, !of_phone)
}

fn taken_error(phone: bool, email: bool) -> Error {
    let sentence = match (phone, email) {
        (true, true) => "Somebody with this phone number and e-mail address is here already. Sign in, or ask for a new password.",
        (true, false) => "Somebody with this phone number is here already. Sign in, or ask for a new password.",
        _ => "Somebody with this e-mail address is here already. Sign in, or ask for a new password.",
    };
    let fields = [(phone, "phone_number"), (email, "email")].into_iter().filter(|(taken, _)| *taken);
    Error { fields: fields.map(|(_, field)| (field.to_owned(), "is taken".to_owned())).collect(), ..Error::new(Reason::AlreadyExists, sentence) }
}

/// Whether somebody has this e-mail address or phone already: the error that says so, with the field paths `email` and `phone_number`.
pub async fn taken(tx: &mut Tx, tenant: IspId, email: &str, phone: &Phone) -> Result<Option<Error>> {
    let have: Vec<(Option<String>, Option<String>)> = user_account::table
        .filter(user_account::tenant_id.eq(tenant))
        .filter(user_account::email.eq(email).or(user_account::phone.eq(phone.digits())))
        .select((user_account::email, user_account::phone))
        .load(&mut **tx)
        .await?;
    let of_phone = have.iter().any(|(_, theirs)| theirs.as_deref() == Some(phone.digits()));
    let of_email = have.iter().any(|(theirs, _)| theirs.as_deref() == Some(email));
    Ok((of_phone || of_email).then(|| taken_error(of_phone, of_email)))
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
        Err(_) => mine.filter(user_account::email.eq(sign_in::normal(identifier))).first(&mut **tx).await.optional()?,
    })
}

/// What changes of a person; what is `None` stays.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = user_account)]
pub struct UserChange {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Code of what they read.
    pub lang: Option<&'static str>,
    /// E-mail address, in small letters; who changes it has proof.
    pub email: Option<String>,
    /// Twelve digits; who changes it has proof.
    pub phone: Option<String>,
}

/// Changes a person. `ALREADY_EXISTS` names `email` or `phone_number` when somebody has it.
pub async fn change(tx: &mut Tx, tenant: IspId, id: UserId, change: &UserChange) -> Result<User> {
    let changes_nothing =
        change.first_name.is_none() && change.last_name.is_none() && change.lang.is_none() && change.email.is_none() && change.phone.is_none();
    if !changes_nothing {
        let written = diesel::update(user_account::table.find((tenant, id))).set(change).execute(&mut **tx).await;
        written.map_err(|cause| if is_duplicate(&cause) { taken_by(&cause) } else { cause.into() })?;
    }
    get(tx, tenant, id).await
}

/// Whether this is the person's password. Counts nothing: only for who cannot guess.
pub async fn is_password(app: &App, user: &User, password: &SecretString) -> Result<bool> {
    app.passwords.verify(password, user.password_hash.clone()).await
}

pub(super) async fn write_password_hash(tx: &mut Tx, tenant: IspId, id: UserId, hash: &str) -> Result<()> {
    diesel::update(user_account::table.find((tenant, id))).set(user_account::password_hash.eq(hash)).execute(&mut **tx).await?;
    Ok(())
}

/// Gives a person a new password, by its hash, and ends their sign-ins but for the one that is `kept`.
pub async fn set_password(tx: &mut Tx, tenant: IspId, id: UserId, hash: &str, kept: Option<SignInId>, now: Time) -> Result<()> {
    write_password_hash(tx, tenant, id, hash).await?;
    session::end_all(tx, tenant, id, kept, "new password", now).await?;
    Ok(())
}

/// Shuts an account: its sign-ins end, and nobody signs in to it.
pub async fn disable(tx: &mut Tx, tenant: IspId, id: UserId, now: Time) -> Result<()> {
    diesel::update(user_account::table.find((tenant, id)))
        .filter(user_account::disabled_at.is_null())
        .set(user_account::disabled_at.eq(now))
        .execute(&mut **tx)
        .await?;
    session::end_all(tx, tenant, id, None, "account disabled", now).await?;
    Ok(())
}

/// Takes a person's e-mail address away; they have a phone to be reached by.
pub async fn drop_email(tx: &mut Tx, tenant: IspId, id: UserId) -> Result<()> {
    diesel::update(user_account::table.find((tenant, id))).set(user_account::email.eq(None::<String>)).execute(&mut **tx).await?;
    Ok(())
}

/// Nobody else changes this person until the transaction ends.
pub async fn lock(tx: &mut Tx, tenant: IspId, id: UserId) -> Result<User> {
    let row = user_account::table.find((tenant, id)).for_update().select(User::as_select()).first(&mut **tx).await;
    row.optional()?.ok_or_else(|| Error::not_found("user"))
}
