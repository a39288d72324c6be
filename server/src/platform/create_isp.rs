//! Opening an ISP: its row, its look, its registration rules and its owner, who is invited to choose a password, all or none.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;

use super::isps::{self, Isp};
use crate::actor::Role;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::{self, NewUser};
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{IspId, RequestId};
use crate::lang::Lang;
use crate::phone::Phone;
use crate::schema::{branding, isp, registration_settings};
use crate::subscription;

/// Names that could be taken for the platform's own.
const RESERVED: [&str; 16] =
    ["platform", "netily", "www", "api", "app", "admin", "mail", "smtp", "status", "support", "help", "billing", "static", "assets", "cdn", "dev"];

/// An ISP to be opened.
#[derive(Clone, Debug)]
pub struct NewIsp {
    /// Subdomain.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// The owner's e-mail address.
    pub owner_email: String,
    /// The owner's phone.
    pub owner_phone: Option<Phone>,
    /// The owner's given name.
    pub owner_first_name: String,
    /// The owner's family name.
    pub owner_last_name: String,
    /// The owner's password, for the demo and tests only. Every other owner is invited to choose one.
    pub owner_password: Option<SecretString>,
    /// Who opens it.
    pub by: By,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Whether a subdomain may be taken.
fn check_slug(slug: &str) -> Result<()> {
    let shaped = (3..=32).contains(&slug.len())
        && slug.starts_with(|first: char| first.is_ascii_lowercase())
        && !slug.ends_with('-')
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !shaped {
        return Err(Error::field("slug", "must be 3 to 32 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen"));
    }
    if RESERVED.contains(&slug) { Err(Error::field("slug", "is reserved; choose another")) } else { Ok(()) }
}

/// Opens an ISP; the same request again gives the ISP it opened.
pub async fn create_isp(app: &App, new: NewIsp) -> Result<Isp> {
    check_slug(&new.slug)?;
    if let Some(before) = repeated(app, &new).await? {
        return Ok(before);
    }
    let password_hash = match &new.owner_password {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let now = app.clock.now();
    let id = IspId::sortable(now);
    app.db
        .tx(id, async |tx| {
            diesel::insert_into(isp::table)
                .values((
                    isp::id.eq(id),
                    isp::slug.eq(&new.slug),
                    isp::name.eq(&new.name),
                    isp::status.eq("ACTIVE"),
                    isp::request_id.eq(new.request_id.0),
                    isp::request_hash.eq(&new.request_hash),
                    isp::created_at.eq(now),
                ))
                .execute(&mut **tx)
                .await
                .map_err(|cause| {
                    if is_duplicate(&cause) {
                        Error { fields: vec![("slug".into(), "is taken".into())], ..Error::new(Reason::AlreadyExists, "Another ISP has this subdomain.") }
                    } else {
                        cause.into()
                    }
                })?;
            diesel::insert_into(branding::table)
                .values((
                    branding::tenant_id.eq(id),
                    branding::display_name.eq(&new.name),
                    branding::support_phone.eq(new.owner_phone.as_ref().map(|phone| format!("+{}", phone.digits())).unwrap_or_default()),
                ))
                .execute(&mut **tx)
                .await?;
            diesel::insert_into(registration_settings::table).values(registration_settings::tenant_id.eq(id)).execute(&mut **tx).await?;
            subscription::begin_trial(tx, id, now).await?;
            let owner = NewUser {
                email: Some(new.owner_email.clone()),
                phone: new.owner_phone.clone(),
                first_name: new.owner_first_name.clone(),
                last_name: new.owner_last_name.clone(),
                role: Role::Owner,
                password_hash: password_hash.clone(),
                lang: Lang::English,
            };
            let owner = auth::create_user(tx, id, &owner, now).await?;
            if password_hash.is_none() {
                auth::invitation::send(app, tx, id, &owner, now).await?;
            }
            audit::record(tx, id, new.by, "create_isp", &id.to_string(), serde_json::json!({ "slug": new.slug }), now).await?;
            Ok(())
        })
        .await?;
    isps::find_isp(app, &id.to_string()).await
}

async fn repeated(app: &App, new: &NewIsp) -> Result<Option<Isp>> {
    let before: Option<(IspId, Option<Vec<u8>>)> = app
        .db
        .public(async |tx| {
            Ok(isp::table.filter(isp::request_id.eq(new.request_id.0)).select((isp::id, isp::request_hash)).first(&mut **tx).await.optional()?)
        })
        .await?;
    match before {
        None => Ok(None),
        Some((id, hash)) if hash.as_deref() == Some(&new.request_hash) => isps::find_isp(app, &id.to_string()).await.map(Some),
        Some(_) => Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_a_plain_host_label() {
        for good in ["abc", "yellow", "wifi-254", "a1b"] {
            assert!(check_slug(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "1abc", "Abc", "a_b_c", "abc-", "-abc", "a.b.c", "admin", "netily", &"a".repeat(33)] {
            assert!(check_slug(bad).is_err(), "{bad}");
        }
    }
}
