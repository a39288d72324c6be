//! The demo's ISPs, people, routers and plans, made by the same use cases that people use. Request ids are fixed, so
//! seeding again finds what is there.

use std::sync::Arc;

use netily_sandbox::{RouterSetup, Sandbox};

use crate::actor::Role;
use crate::app::App;
use crate::audit::By;
use crate::auth::{self, NewUser};
use crate::billing::{self, Period, PlanDraft as ServiceDraft, Unit};
use crate::connection::{self, Access, Billing, Install, NewConnection};
use crate::customer::{self, Act, NewCustomer, Proof, RegisteredBy, Rules, Status};
use crate::error::{Error, Reason, Result};
use crate::hotspot::plan::{self, PlanDraft};
use crate::id::{HotspotPlanId, IspId, PLATFORM, RequestId, RouterId};
use crate::isp;
use crate::lang::Lang;
use crate::money::Money;
use crate::page::PageAsk;
use crate::platform::{self, NewIsp};
use crate::router::{self, NewRouter};
use crate::settlement::config::{Verification, Wanted};
use crate::settlement::{self, Destination, Frequency};

/// An ISP of the demo.
struct IspSeed {
    slug: &'static str,
    name: &'static str,
    color: &'static str,
    phone_digit: u8,                                  // tells the phones of its customers from those of the others
    routers: &'static [(&'static str, &'static str)], // name for people, name in the sandbox
}

const ISPS: [IspSeed; 2] = [
    IspSeed {
        slug: "yellow",
        name: "Yellow WiFi",
        color: "#f2b705",
        phone_digit: 1,
        routers: &[("Market Street", "yellow-market"), ("Bus Stage", "yellow-stage")],
    },
    IspSeed { slug: "blue", name: "Blue Net", color: "#1c5fd4", phone_digit: 2, routers: &[("Harbour", "blue-harbour")] },
];

const ROUTER_USER: &str = "netily";
const ROUTER_PASSWORD: &str = "sandbox-router";

/// A sign-in of the demo. Such accounts exist nowhere else.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SignIn {
    /// What to type as who.
    pub identifier: String,
    /// What to type as password.
    pub password: String,
}

/// A router as the card shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RouterCard {
    /// `rtr_…`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Name in the sandbox.
    pub sandbox_name: String,
    /// Where its API is.
    pub address: String,
    /// API user.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// A customer as the card shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CustomerCard {
    /// `CUST-0001`.
    pub customer_code: String,
    /// What to type as who; 254….
    pub phone: String,
    /// What to type as password.
    pub password: String,
    /// How it stands.
    pub status: String,
}

/// An ISP as the card shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct IspCard {
    /// Subdomain.
    pub slug: String,
    /// Its owner.
    pub owner: SignIn,
    /// One of its staff.
    pub staff: SignIn,
    /// Its routers.
    pub routers: Vec<RouterCard>,
    /// Ids of its hotspot plans.
    pub hotspot_plans: Vec<String>,
    /// Ids of its service plans.
    pub plans: Vec<String>,
    /// Its customers.
    pub customers: Vec<CustomerCard>,
}

/// What was seeded.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The ISPs.
    pub isps: Vec<IspCard>,
    /// An operator of the platform.
    pub operator: SignIn,
}

/// The routers that the sandbox shall hold.
pub fn routers() -> Vec<RouterSetup> {
    ISPS.iter()
        .flat_map(|isp| isp.routers)
        .map(|(name, sandbox_name)| RouterSetup {
            name: (*sandbox_name).to_owned(),
            username: ROUTER_USER.to_owned(),
            password: ROUTER_PASSWORD.to_owned(),
            identity: (*name).to_owned(),
        })
        .collect()
}

/// A request id that is the same at each start.
fn request(name: &str) -> RequestId {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("netily demo {name}").as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    RequestId(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Makes what is missing.
pub async fn seed(app: &Arc<App>, sandbox: &Sandbox) -> Result<Seeded> {
    let operator = SignIn { identifier: "operator@netily.example".into(), password: "operator-of-the-demo".into() };
    person(app, PLATFORM, &operator, "Otieno", Role::Operator).await?;
    let mut isps = Vec::new();
    for seed in &ISPS {
        isps.push(open_isp(app, sandbox, seed).await?);
    }
    Ok(Seeded { isps, operator })
}

async fn open_isp(app: &App, sandbox: &Sandbox, seed: &IspSeed) -> Result<IspCard> {
    let slug = seed.slug;
    let owner = SignIn { identifier: format!("owner@{slug}.example"), password: format!("{slug}-owner-of-the-demo") };
    let staff = SignIn { identifier: format!("staff@{slug}.example"), password: format!("{slug}-staff-of-the-demo") };
    let new = NewIsp {
        slug: slug.into(),
        name: seed.name.into(),
        owner_email: owner.identifier.clone(),
        owner_phone: Some(if slug == "yellow" { "0722000001" } else { "0722000002" }.parse().map_err(|wanted| Error::field("owner_phone", wanted))?),
        owner_first_name: "Wanjiku".into(),
        owner_last_name: seed.name.into(),
        owner_password: Some(owner.password.clone().into()),
        by: By::Netily,
        request_id: request(&format!("isp {slug}")),
        request_hash: slug.into(),
    };
    let isp = platform::create_isp(app, new).await?.id;
    pay_for_a_year(app, isp).await?;
    person(app, isp, &staff, "Kamau", Role::Staff).await?;
    brand(app, isp, seed).await?;
    let mut routers = Vec::new();
    for (name, sandbox_name) in seed.routers {
        let address = sandbox.router_address(sandbox_name).ok_or_else(|| Error::internal(format!("the sandbox has no router {sandbox_name}")))?;
        let router = NewRouter {
            name: (*name).into(),
            host: address.ip().to_string(),
            port: address.port(),
            certificate_sha256: None,
            username: ROUTER_USER.into(),
            password: ROUTER_PASSWORD.to_owned().into(),
            hotspot_server: "all".into(),
            request_id: request(&format!("router {sandbox_name}")),
            request_hash: (*sandbox_name).into(),
        };
        let id = router::register(app, isp, router).await?.id;
        routers.push(RouterCard {
            id: id.to_string(),
            name: (*name).into(),
            sandbox_name: (*sandbox_name).into(),
            address: address.to_string(),
            username: ROUTER_USER.into(),
            password: ROUTER_PASSWORD.into(),
        });
    }
    let mut plans = Vec::new();
    for (name, draft) in drafts() {
        plans.push(plan::create(app, isp, draft, request(&format!("plan {slug} {name}")), name.into()).await?.id);
    }
    let mut home_plans = Vec::new();
    for (name, draft) in home_drafts() {
        let request_id = request(&format!("service plan {slug} {name}"));
        home_plans.push(billing::plan::create(app, isp, By::Netily, draft, request_id, name.into()).await?.id.to_string());
    }
    Ok(IspCard {
        slug: slug.into(),
        owner,
        staff,
        routers,
        hotspot_plans: plans.iter().map(HotspotPlanId::to_string).collect(),
        plans: home_plans,
        customers: vec![customer(app, isp, seed, &CUSTOMERS[0]).await?, customer(app, isp, seed, &CUSTOMERS[1]).await?],
    })
}

/// A customer of each ISP.
struct CustomerSeed {
    first_name: &'static str,
    last_name: &'static str,
    lang: Lang,
    /// Whether the phone is proven and staff have let the customer in.
    active: bool,
}

const CUSTOMERS: [CustomerSeed; 2] = [
    CustomerSeed { first_name: "Asha", last_name: "Mwangi", lang: Lang::English, active: true },
    CustomerSeed { first_name: "Baraka", last_name: "Odhiambo", lang: Lang::Swahili, active: false },
];

/// Makes a customer as a registration does, but for the text that nobody would read.
async fn customer(app: &App, isp: IspId, seed: &IspSeed, who: &CustomerSeed) -> Result<CustomerCard> {
    let name = who.first_name.to_lowercase();
    let request_id = request(&format!("customer {} {name}", seed.slug));
    let password = format!("{}-customer-of-the-demo", seed.slug);
    let password_hash = app.passwords.hash(&password.clone().into()).await?;
    let now = app.clock.now();
    let (made, phone) = app
        .db
        .tx(isp, async |tx| {
            if let Some(before) = customer::repeated(tx, isp, request_id, name.as_bytes()).await? {
                let phone = auth::get_user(tx, isp, before.user_id).await?.phone;
                return Ok((before, phone));
            }
            let digits = format!("25472200{}1{}", seed.phone_digit, if who.active { "01" } else { "02" });
            let new = NewCustomer {
                user: NewUser {
                    email: Some(format!("{name}@{}.example", seed.slug)),
                    phone: Some(digits.parse().map_err(|wanted| Error::field("phone", wanted))?),
                    first_name: who.first_name.into(),
                    last_name: who.last_name.into(),
                    role: Role::Customer,
                    password_hash: Some(password_hash.clone()),
                    lang: who.lang,
                },
                id_number: None,
                status: Status::Pending,
                registered_by: RegisteredBy::Themselves,
                request_id,
                request_hash: name.clone().into_bytes(),
            };
            let (mut made, _) = customer::create(tx, isp, &new, now).await?;
            if who.active {
                let rules = Rules::of(&isp::registration(tx, isp).await?);
                customer::prove(tx, isp, made.id, Proof::Phone, rules, now).await?;
                made = customer::set_status(tx, isp, made.id, Act::Approve, "", By::Netily, now).await?;
            }
            Ok((made, Some(digits)))
        })
        .await?;
    let status = made.status()?.as_str().to_owned();
    Ok(CustomerCard { customer_code: made.customer_code, phone: phone.unwrap_or_default(), password, status })
}

/// The first customer of yellow has a line on its first router, which waits for a first payment.
pub async fn line(app: &App, seeded: &Seeded) -> Result<()> {
    let yellow = &seeded.isps[0];
    let isp = isp::tenant(&app.db, &yellow.slug).await?.id;
    let plan = yellow.plans[0].parse().map_err(Error::internal)?;
    let router = yellow.routers[0].id.parse().map_err(Error::internal)?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let (customers, _) = customer::list(tx, isp, None, &yellow.customers[0].customer_code, PageAsk { size: 1, after: None }).await?;
            let Some(of) = customers.first().map(|person| person.customer.id) else { return Ok(()) };
            if connection::seen_of(tx, isp, of).await?.is_some() {
                return Ok(());
            }
            let new = NewConnection { customer: of, plan: (plan, 1), billing: Billing::Prepaid, access: Access::Pppoe, request: None };
            let (made, _) = connection::create(tx, isp, new, now).await?;
            let install = Install { router: Some(router), ..Install::default() };
            connection::install(app, tx, isp, &made, &install, now).await?;
            Ok(())
        })
        .await
}

/// Yellow is paid each day to its owner's phone, proven and no longer held; blue has still to say where.
pub async fn payout(app: &App, seeded: &Seeded) -> Result<()> {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;

    use crate::schema::payout_config::dsl;
    let isp = isp::tenant(&app.db, &seeded.isps[0].slug).await?.id;
    if app.db.tx(isp, async |tx| settlement::config::find(tx, isp).await).await?.is_some() {
        return Ok(());
    }
    let destination = Destination::Mpesa { phone: "0722000001".parse().map_err(Error::internal)?, name: "Wanjiku Yellow".into() };
    let wanted = Wanted { destination, frequency: Frequency::Daily, minimum: Money::from_minor(10_000), contact_phone: None };
    settlement::config::set(app, isp, By::Netily, wanted).await?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            settlement::config::set_verification(tx, isp, Verification::Verified, 0, now).await?;
            diesel::update(dsl::payout_config.find(isp)).set(dsl::held_until.eq(now)).execute(&mut **tx).await?;
            Ok(())
        })
        .await
}

/// The hotspot plans of each ISP, by a name that does not change.
pub fn drafts() -> [(&'static str, PlanDraft); 3] {
    let draft = |name: &str, shillings: i64, hours: i64, cap: i64, down: i32, up: i32, devices: i32| PlanDraft {
        name: name.into(),
        price_minor: Money::from_shillings(shillings).unwrap_or_default(),
        duration_seconds: Some(hours * 3_600),
        data_cap_bytes: cap,
        download_kbps: down,
        upload_kbps: up,
        shared_devices: devices,
        weekdays: Vec::new(),
        router_ids: Vec::<RouterId>::new(),
    };
    [
        ("hour", draft("1 hour", 10, 1, 0, 3_000, 1_000, 1)),
        ("day", draft("1 day", 50, 24, 0, 5_000, 2_000, 1)),
        ("week", draft("1 week, 10 GB", 300, 168, 10_000_000_000, 8_000, 4_000, 2)),
    ]
}

/// The service plans of each ISP, by a name that does not change.
fn home_drafts() -> [(&'static str, ServiceDraft); 2] {
    let draft = |name: &str, description: &str, shillings: i64, down: i32, up: i32| ServiceDraft {
        name: name.into(),
        description: description.into(),
        price: Money::from_shillings(shillings).unwrap_or_default(),
        period: Period::new(Unit::Month, 1).unwrap_or_else(|| unreachable!("one month is a period")),
        download_kbps: down,
        upload_kbps: up,
        data_cap_bytes: 0,
        router_profile: String::new(),
    };
    [
        ("home-5", draft("Home 5 Mbps", "For a family that reads, calls and watches one film at a time.", 1_500, 5_000, 2_000)),
        ("home-10", draft("Home 10 Mbps", "For a house full of screens, or work from home.", 2_500, 10_000, 5_000)),
    ]
}

async fn person(app: &App, tenant: IspId, sign_in: &SignIn, first_name: &str, role: Role) -> Result<()> {
    let now = app.clock.now();
    let new = NewUser {
        email: Some(sign_in.identifier.clone()),
        phone: None,
        first_name: first_name.into(),
        last_name: "Demo".into(),
        role,
        password_hash: Some(app.passwords.hash(&sign_in.password.clone().into()).await?),
        lang: Lang::English,
    };
    match app.db.tx(tenant, async |tx| auth::create_user(tx, tenant, &new, now).await).await {
        Err(error) if error.reason != Reason::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The ISPs of the demo are on the plan without limits, paid for a year: nothing of the demo ends while somebody looks at it.
async fn pay_for_a_year(app: &App, isp: IspId) -> Result<()> {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;

    use crate::schema::isp_subscription::dsl;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let ending = dsl::isp_subscription.filter(dsl::tenant_id.eq(isp).and(dsl::trial.or(dsl::paid_until.lt(now + chrono::TimeDelta::days(30)))));
            let paid = (dsl::period_start.eq(now), dsl::paid_until.eq(now + chrono::TimeDelta::days(365)), dsl::reminded.eq(0));
            diesel::update(ending).set((dsl::plan.eq("ENTERPRISE"), dsl::cycle.eq("YEARLY"), dsl::trial.eq(false), paid)).execute(&mut **tx).await?;
            Ok(())
        })
        .await
}

async fn brand(app: &App, isp: IspId, seed: &IspSeed) -> Result<()> {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;

    use crate::schema::branding;
    app.db
        .tx(isp, async |tx| {
            diesel::update(branding::table.find(isp))
                .set((
                    branding::primary_color.eq(seed.color),
                    branding::welcome_title.eq(format!("Karibu {}", seed.name)),
                    branding::welcome_message.eq("Pick a plan, pay with M-Pesa, and you are online."),
                ))
                .execute(&mut **tx)
                .await?;
            Ok(())
        })
        .await
}
