//! Registering: the account, the customer and the first sign-in, all or none. The password is hashed with no transaction open; a text
//! that may not be sent now holds nobody up.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use super::code::{self, Code};
use super::email;
use super::profile::{self, Profile};
use super::words::Next;
use crate::actor::{Origin, Role, Tenant};
use crate::app::App;
use crate::audit::{self, By};
use crate::auth::code::Purpose;
use crate::auth::sending::{self, Sent};
use crate::auth::{self, Grant, NewUser, Passwords};
use crate::clock::Time;
use crate::customer::{self, Customer, NewCustomer, RegisteredBy, Rules};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::RequestId;
use crate::isp::{self, Registration as Settings};
use crate::lang::Lang;
use crate::limit::{self, Limit};
use crate::notify::{self, Note, Template, To};
use crate::phone::Phone;

/// Registrations from one address that came to nothing; a whole village may be behind one.
const FAILED_PER_ADDRESS: Limit = Limit::new(200, TimeDelta::seconds(2));

/// What a person fills in.
#[derive(Clone)]
pub struct Registration {
    /// E-mail address in its one form.
    pub email: String,
    /// Phone.
    pub phone: Phone,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The password.
    pub password: SecretString,
    /// National id card or passport.
    pub id_number: Option<String>,
    /// What they read.
    pub lang: Lang,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content, the password included.
    pub request_hash: Vec<u8>,
}

/// A registration.
pub struct Registered {
    /// The customer.
    pub profile: Profile,
    /// The sign-in.
    pub grant: Grant,
    /// The code, if the ISP asks for a proof of the phone.
    pub code: Option<Sent>,
    /// What comes next.
    pub message: &'static str,
}

/// What a look at the books says before anything is made.
enum Look {
    /// Nobody is in the way.
    Free(Settings),
    /// This very request made this customer before.
    Before(Customer),
    /// It cannot be. The try is counted, and that must be committed.
    Refused(Error),
}

/// Registers a customer. The same request again gives the same customer and a new sign-in.
pub async fn register(app: &App, tenant: &Tenant, ask: &Registration, origin: &Origin) -> Result<Registered> {
    if tenant.suspended {
        return Err(Error::new(Reason::IspSuspended, "This internet provider takes no registrations right now."));
    }
    let own = [ask.first_name.as_str(), &ask.last_name, &ask.email, ask.phone.digits(), &ask.phone.digits()[3..]];
    Passwords::acceptable(ask.password.expose_secret(), &own).map_err(|wanted| Error::field("password", wanted))?;
    let now = app.clock.now();
    let settings = match app.db.tx(tenant.id, async |tx| look(tx, tenant, ask, origin, now).await).await? {
        Look::Free(settings) => settings,
        Look::Before(customer) => return again(app, tenant, ask, &customer, origin).await,
        Look::Refused(error) => return Err(error),
    };
    let hash = app.passwords.hash(&ask.password).await?;
    let made = app.db.tx(tenant.id, async |tx| make(app, tx, tenant, ask, &settings, hash, origin, now).await).await;
    match made {
        Err(error) if error.reason == Reason::AlreadyExists => {
            // Somebody was faster: another person with the same phone, or this very request by a second click.
            let before = app.db.tx(tenant.id, async |tx| customer::repeated(tx, tenant.id, ask.request_id, &ask.request_hash).await).await?;
            match before {
                Some(customer) => again(app, tenant, ask, &customer, origin).await,
                None => Err(error),
            }
        }
        // Whoever wants to be a customer need not know what the ISP pays for.
        Err(error) if error.reason == Reason::LimitReached => {
            tracing::warn!(isp = tenant.slug, "a registration was refused: the ISP's plan is for no more customers");
            Err(Error::new(Reason::RegistrationClosed, "This internet provider takes no more customers right now. Please ask its staff."))
        }
        made => made,
    }
}

fn tries_of(origin: &Origin) -> String {
    format!("register/address/{}", origin.address)
}

async fn look(tx: &mut Tx, tenant: &Tenant, ask: &Registration, origin: &Origin, now: Time) -> Result<Look> {
    limit::take(tx, &tries_of(origin), &FAILED_PER_ADDRESS, "Too many registrations from this network.", now).await?;
    let settings = isp::registration(tx, tenant.id).await?;
    Ok(match customer::repeated(tx, tenant.id, ask.request_id, &ask.request_hash).await {
        Ok(Some(customer)) => Look::Before(customer),
        Err(error) => Look::Refused(error),
        Ok(None) => match refusal(tx, tenant, ask, &settings).await? {
            Some(error) => Look::Refused(error),
            None => Look::Free(settings),
        },
    })
}

/// Why this registration cannot be, as far as can be told before the work of hashing.
async fn refusal(tx: &mut Tx, tenant: &Tenant, ask: &Registration, settings: &Settings) -> Result<Option<Error>> {
    if !settings.allow_self_registration {
        return Ok(Some(Error::new(Reason::RegistrationClosed, "This internet provider registers customers itself. Please ask its staff.")));
    }
    if settings.require_id_number && ask.id_number.is_none() {
        return Ok(Some(Error::field("id_number", "must be given: this internet provider asks for it")));
    }
    auth::taken(tx, tenant.id, &ask.email, &ask.phone).await
}

#[expect(clippy::too_many_arguments, reason = "everything that a registration is made of, handed on once")]
async fn make(
    app: &App,
    tx: &mut Tx,
    tenant: &Tenant,
    ask: &Registration,
    settings: &Settings,
    hash: String,
    origin: &Origin,
    now: Time,
) -> Result<Registered> {
    let (isp, rules) = (tenant.id, Rules::of(settings));
    limit::give_back(tx, &tries_of(origin), &FAILED_PER_ADDRESS).await?;
    // Limits are taken before the customer gets a number: from there on all others who register wait.
    let texts = rules.phone || !settings.welcome_sms_template.trim().is_empty();
    let allowed = if texts { Some(code::allow_or_later(tx, isp, &ask.phone, origin.address, now).await?) } else { None };
    let new = NewCustomer {
        user: NewUser {
            email: Some(ask.email.clone()),
            phone: Some(ask.phone.clone()),
            first_name: ask.first_name.clone(),
            last_name: ask.last_name.clone(),
            role: Role::Customer,
            password_hash: Some(hash),
            lang: ask.lang,
        },
        id_number: ask.id_number.clone(),
        status: rules.at_registration(customer::Proven::default()),
        registered_by: RegisteredBy::Themselves,
        request_id: ask.request_id,
        request_hash: ask.request_hash.clone(),
    };
    let (customer, user) = customer::create(tx, isp, &new, now).await?;
    let facts = serde_json::json!({ "customer_code": customer.customer_code, "status": new.status.as_str() });
    audit::record(tx, isp, By::Themselves(customer.user_id), "register_customer", &customer.id.to_string(), facts, now).await?;
    let profile = Profile { customer, user, rules };
    let code = match allowed {
        Some(allowed) if rules.phone => {
            let code = Code { purpose: Purpose::VerifyPhone, target: ask.phone.digits(), phone: &ask.phone, user: Some(profile.user.id), lang: ask.lang };
            Some(code::send_or_later(app, tx, isp, &code, allowed, now).await?)
        }
        // Whose phone need not be proven is welcomed at once, within the same limits; the others when it is.
        Some(allowed) if allowed.expires_at.is_some() => {
            welcome(app, tx, tenant, &profile, &settings.welcome_sms_template, now).await?;
            None
        }
        _ => None,
    };
    if rules.email {
        email::send_link(app, tx, tenant, &profile.user, &ask.email, now).await?;
    }
    let grant = auth::open_session(app, tx, isp, &profile.user, origin, now).await?;
    Ok(registered(profile, grant, code))
}

fn registered(profile: Profile, grant: Grant, code: Option<Sent>) -> Registered {
    let (rules, proven) = (profile.rules, profile.customer.proven());
    let sent = code.is_some_and(|code| code.expires_at.is_some());
    let status = profile.customer.status().unwrap_or(customer::Status::Pending);
    let next = Next::of(rules.phone && !proven.phone, sent, rules.email && !proven.email, status);
    Registered { message: next.say(profile.user.lang()), profile, grant, code }
}

/// The answer to a request that was served before. The password is compared: it may be another one by now.
async fn again(app: &App, tenant: &Tenant, ask: &Registration, customer: &Customer, origin: &Origin) -> Result<Registered> {
    let user = app.db.tx(tenant.id, async |tx| auth::get_user(tx, tenant.id, customer.user_id).await).await?;
    // Nobody guesses here: only the password of then gives the same hash of the request.
    if !auth::is_password(app, &user, &ask.password).await? || !customer.status()?.may_sign_in() {
        return Err(Error::new(Reason::WrongCredentials, "You registered before, and this password is no longer yours. Sign in."));
    }
    let now = app.clock.now();
    app.db
        .tx(tenant.id, async |tx| {
            limit::give_back(tx, &tries_of(origin), &FAILED_PER_ADDRESS).await?;
            let profile = profile::profile(tx, tenant.id, user.id).await?;
            let missing = profile.rules.phone && !profile.customer.proven().phone;
            let code = if missing { sending::last(tx, tenant.id, &ask.phone, now).await? } else { None };
            let grant = auth::open_session(app, tx, tenant.id, &profile.user, origin, now).await?;
            Ok(registered(profile, grant, code))
        })
        .await
}

/// Queues the ISP's own welcome, if it wrote one.
pub(super) async fn welcome(app: &App, tx: &mut Tx, tenant: &Tenant, profile: &Profile, template: &str, now: Time) -> Result<()> {
    let Some(phone) = profile.user.phone.as_deref().and_then(|phone| phone.parse::<Phone>().ok()).filter(|_| !template.trim().is_empty()) else {
        return Ok(());
    };
    let note = Note {
        template: Template::Welcome,
        to: To::Phone(phone),
        user: Some(profile.user.id),
        lang: profile.user.lang(),
        facts: &[("name", &profile.user.first_name), ("customer_code", &profile.customer.customer_code)],
        text: Some(template),
        expires_at: None,
    };
    notify::queue(app, tx, tenant.id, note, now).await.map(drop)
}
