//! The public face of an ISP.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::audit::{self, By};
use crate::error::{Error, Result};
use crate::id::{IspId, UserId};
use crate::schema::{branding, isp as isp_table, registration_settings};

/// How the ISP looks to guests and customers.
#[derive(Clone, Debug, AsChangeset, Queryable, Selectable)]
#[diesel(table_name = branding)]
pub struct Branding {
    /// Name of the ISP.
    pub display_name: String,
    /// Address of the logo, or empty.
    pub logo_url: String,
    /// `#rrggbb`.
    pub primary_color: String,
    /// Headline.
    pub welcome_title: String,
    /// A sentence below it.
    pub welcome_message: String,
    /// Whom to call, or empty.
    pub support_phone: String,
    /// Whom to write to, or empty.
    pub support_email: String,
}

/// Rules of self-registration.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = registration_settings)]
pub struct Registration {
    /// Whether customers may register themselves.
    pub allow_self_registration: bool,
    /// Whether the phone must be proven.
    pub require_phone_verification: bool,
    /// Whether the e-mail address must be proven.
    pub require_email_verification: bool,
    /// Whether a national id number is asked for.
    pub require_id_number: bool,
    /// Whether proofs suffice and nobody needs to approve.
    pub auto_approve_customers: bool,
    /// How a new customer stands otherwise: `PENDING`, `ACTIVE` or `SUSPENDED`.
    pub default_customer_status: String,
    /// Text message after registration, with `{name}` and `{customer_code}`; empty for none.
    pub welcome_sms_template: String,
}

/// The public face.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The look.
    pub branding: Branding,
    /// How to register.
    pub registration: Registration,
}

/// The public face of an ISP.
pub async fn profile(app: &App, isp: IspId) -> Result<Profile> {
    app.db.tx(isp, async |tx| Ok(Profile { branding: look(tx, isp).await?, registration: registration(tx, isp).await? })).await
}

/// The look of an ISP, in the caller's transaction.
pub async fn look(tx: &mut crate::db::Tx, isp: IspId) -> Result<Branding> {
    branding::table.find(isp).select(Branding::as_select()).first(&mut **tx).await.optional()?.ok_or_else(|| Error::internal(format!("{isp} has no branding")))
}

/// The rules of self-registration, in the caller's transaction.
pub async fn registration(tx: &mut crate::db::Tx, isp: IspId) -> Result<Registration> {
    Ok(registration_settings::table.find(isp).select(Registration::as_select()).first(&mut **tx).await?)
}

/// Writes every part of the look of an ISP.
pub async fn update_branding(app: &App, isp: IspId, by: UserId, new: Branding) -> Result<Branding> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            diesel::update(branding::table.find(isp)).set(&new).execute(&mut **tx).await?;
            audit::record(tx, isp, By::User(by), "update_branding", &isp.to_string(), serde_json::json!({ "display_name": new.display_name }), now).await?;
            look(tx, isp).await
        })
        .await
}

/// What an ISP is called in messages: the name that its customers see, or that of the platform, which has no look.
pub async fn name(tx: &mut crate::db::Tx, isp: IspId) -> Result<String> {
    let (name, shown): (String, Option<String>) = isp_table::table
        .left_join(branding::table.on(branding::tenant_id.eq(isp_table::id)))
        .filter(isp_table::id.eq(isp))
        .select((isp_table::name, branding::display_name.nullable()))
        .first(&mut **tx)
        .await?;
    Ok(shown.unwrap_or(name))
}
