//! Staff write a customer down, who is let in at once. Nothing of it is proven yet.

use super::create::{self, NewCustomer, RegisteredBy};
use super::invite::invite;
use super::person::{Person, person};
use super::status::Status;
use super::tell::write_to;
use crate::actor::{Role, Tenant};
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::NewUser;
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Reason, Result};
use crate::id::RequestId;
use crate::lang::Lang;
use crate::notify::Template;
use crate::phone::Phone;

/// A customer to be written down.
#[derive(Clone, Debug)]
pub struct Addition {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Phone.
    pub phone: Phone,
    /// E-mail address in its one form.
    pub email: Option<String>,
    /// National id card or passport.
    pub id_number: Option<String>,
    /// What they read.
    pub lang: Lang,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Writes a customer down; the same request again gives the customer it made.
pub async fn add(app: &App, tenant: &Tenant, by: By, addition: &Addition) -> Result<Person> {
    let now = app.clock.now();
    if let Some(before) = repeated(app, tenant, addition).await? {
        return Ok(before);
    }
    match app.db.tx(tenant.id, async |tx| make(app, tx, tenant, by, addition, now).await).await {
        Err(error) if error.reason == Reason::AlreadyExists => match repeated(app, tenant, addition).await? {
            Some(before) => Ok(before), // the same request at the same time was faster
            None => Err(error),
        },
        made => made,
    }
}

async fn repeated(app: &App, tenant: &Tenant, addition: &Addition) -> Result<Option<Person>> {
    let isp = tenant.id;
    app.db
        .tx(isp, async |tx| match create::repeated(tx, isp, addition.request_id, &addition.request_hash).await? {
            Some(before) => person(tx, isp, before.id).await.map(Some),
            None => Ok(None),
        })
        .await
}

async fn make(app: &App, tx: &mut Tx, tenant: &Tenant, by: By, addition: &Addition, now: Time) -> Result<Person> {
    let isp = tenant.id;
    let new = NewCustomer {
        user: NewUser {
            email: addition.email.clone(),
            phone: Some(addition.phone.clone()),
            first_name: addition.first_name.clone(),
            last_name: addition.last_name.clone(),
            role: Role::Customer,
            password_hash: None,
            lang: addition.lang,
        },
        id_number: addition.id_number.clone(),
        status: Status::Active,
        registered_by: RegisteredBy::Staff,
        request_id: addition.request_id,
        request_hash: addition.request_hash.clone(),
    };
    let (made, _) = create::create(tx, isp, &new, now).await?;
    audit::record(tx, isp, by, "create_customer", &made.id.to_string(), serde_json::json!({ "customer_code": made.customer_code }), now).await?;
    let person = person(tx, isp, made.id).await?;
    invite(app, tx, tenant, &person, now).await?;
    write_to(app, tx, isp, &person, Template::CustomerApproved, &[("customer_code", &made.customer_code)], now).await?;
    Ok(person)
}
