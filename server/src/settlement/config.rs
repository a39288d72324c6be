//! Where an ISP is paid, and when: reading it, and changing it with everything that a change entails.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::destination::Destination;
use super::left::{Gate, LeftBecause};
use super::schedule::Frequency;
use super::tell::{self, Notice};
use crate::actor::Role;
use crate::app::App;
use crate::approvals::{self, Act, Approval};
use crate::audit::{self, By};
use crate::auth;
use crate::breaks::{self, BreakKind};
use crate::clock::Time;
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, PLATFORM, UserId};
use crate::money::Money;
use crate::phone::Phone;
use crate::schema::payout_config;

/// Whether the destination is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// No test payment was asked for.
    Unverified,
    /// One was sent.
    Sent,
    /// Proven.
    Verified,
    /// The test payment did not go through, or too many wrong amounts were said.
    Failed,
}

impl Verification {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verification::Unverified => "UNVERIFIED",
            Verification::Sent => "SENT",
            Verification::Verified => "VERIFIED",
            Verification::Failed => "FAILED",
        }
    }

    fn parse(text: &str) -> Option<Verification> {
        [Verification::Unverified, Verification::Sent, Verification::Verified, Verification::Failed].into_iter().find(|one| one.as_str() == text)
    }
}

/// Where and when an ISP is paid.
#[derive(Clone, Debug)]
pub struct Config {
    /// Counts changes of the destination.
    pub version: i32,
    /// Where.
    pub destination: Destination,
    /// When.
    pub frequency: Frequency,
    /// Less waits.
    pub minimum: Money,
    /// Whether the destination is proven.
    pub verification: Verification,
    /// Wrong amounts that were said of the present test payment.
    pub tries: i16,
    /// When it was proven.
    pub verified_at: Option<Time>,
    /// Nothing is paid before.
    pub held_until: Time,
    /// Why nothing is paid although all else is well.
    pub frozen: Option<String>,
    /// The ISP was suspended.
    pub suspended: bool,
    /// The phone that the gateway wants with a payment to a bank; none: the first owner's.
    pub contact_phone: Option<Phone>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = payout_config)]
struct Row {
    version: i32,
    payout_method: String,
    mpesa_phone: Option<String>,
    mpesa_name: String,
    bank_code: String,
    bank_account: String,
    bank_account_name: String,
    settlement_frequency: String,
    minimum_payout_minor: Money,
    verification_status: String,
    verification_tries: i16,
    verified_at: Option<Time>,
    held_until: Time,
    frozen_at: Option<Time>,
    frozen_reason: String,
    contact_phone: Option<String>,
}

impl TryFrom<(Row, bool)> for Config {
    type Error = Error;

    fn try_from((row, suspended): (Row, bool)) -> Result<Config> {
        let strange = |what: &str| Error::internal(format!("a payout configuration has a strange {what}"));
        let destination = if row.payout_method == "MPESA_B2C" {
            let phone = row.mpesa_phone.as_deref().and_then(|phone| phone.parse().ok()).ok_or_else(|| strange("phone"))?;
            Destination::Mpesa { phone, name: row.mpesa_name }
        } else {
            Destination::Bank { code: row.bank_code, account: row.bank_account, name: row.bank_account_name }
        };
        Ok(Config {
            version: row.version,
            destination,
            frequency: Frequency::parse(&row.settlement_frequency).ok_or_else(|| strange("frequency"))?,
            minimum: row.minimum_payout_minor,
            verification: Verification::parse(&row.verification_status).ok_or_else(|| strange("verification"))?,
            tries: row.verification_tries,
            verified_at: row.verified_at,
            held_until: row.held_until,
            frozen: row.frozen_at.map(|_| row.frozen_reason),
            suspended,
            contact_phone: row.contact_phone.as_deref().map(|phone| phone.parse().map_err(|_| strange("contact phone"))).transpose()?,
        })
    }
}

impl Config {
    /// What keeps a settlement from being paid now.
    pub fn in_the_way(&self, now: Time) -> Option<LeftBecause> {
        let verified = self.verification == Verification::Verified;
        Gate { verified, suspended: self.suspended, frozen: self.frozen.as_deref(), held_until: self.held_until }.in_the_way(now)
    }
}

/// Where and when, if it was set.
pub async fn find(tx: &mut Tx, isp: IspId) -> Result<Option<Config>> {
    let row = payout_config::table.find(isp).select((Row::as_select(), suspended())).first::<(Row, bool)>(&mut **tx).await.optional()?;
    row.map(Config::try_from).transpose()
}

/// The same, and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, isp: IspId) -> Result<Option<Config>> {
    let row = payout_config::table.find(isp).for_update().select((Row::as_select(), suspended()));
    row.first::<(Row, bool)>(&mut **tx).await.optional()?.map(Config::try_from).transpose()
}

/// Read beside the configuration, in one statement. A subquery is not locked with the row.
fn suspended() -> SqlLiteral<Bool> {
    sql("exists (select from public.isp i where i.id = payout_config.tenant_id and i.status = 'SUSPENDED')")
}

/// What an owner wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub destination: Destination,
    /// When.
    pub frequency: Frequency,
    /// Less waits.
    pub minimum: Money,
    /// The phone that the gateway wants with a payment to a bank; none: the first owner's.
    pub contact_phone: Option<Phone>,
}

/// Sets where and when. Another destination is unproven and held, and the people at the old one are told: whoever changes it may be a
/// thief. The password was asked for again by the caller.
pub async fn set(app: &App, isp: IspId, by: By, wanted: Wanted) -> Result<Config> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let before = lock(tx, isp).await?;
            if matches!(wanted.destination, Destination::Bank { .. }) && wanted.contact_phone.is_none() && owner_phone(tx, isp).await?.is_none() {
                let missing = "must be set: the payment company wants a phone with each payment to a bank, and no owner of yours has one";
                return Err(Error::field("contact_phone", missing));
            }
            let moved = before.as_ref().is_none_or(|before| before.destination != wanted.destination);
            let version = before.as_ref().map_or(1, |before| before.version + i32::from(moved));
            write(tx, isp, &wanted, version, moved.then_some(now + app.config.payouts.hold), now).await?;
            let facts = json!({ "method": wanted.destination.method(), "destination_changed": moved, "frequency": wanted.frequency.as_str(), "minimum_minor": wanted.minimum.minor() });
            audit::record(tx, isp, by, "set_payout_config", &isp.to_string(), facts, now).await?;
            if moved {
                let old = before.as_ref().map(|before| &before.destination);
                let notice = Notice::DestinationChanged { to: wanted.destination.masked(), until: now + app.config.payouts.hold };
                tell::owners(app, tx, isp, old, &notice, now).await?;
            }
            find(tx, isp).await?.ok_or_else(|| Error::internal("a configuration that was just written is not there"))
        })
        .await
}

async fn write(tx: &mut Tx, isp: IspId, wanted: &Wanted, version: i32, held_until: Option<Time>, now: Time) -> Result<()> {
    use payout_config::dsl;
    let (phone, mpesa_name, bank_code, account, account_name) = match &wanted.destination {
        Destination::Mpesa { phone, name } => (Some(phone.digits()), name.as_str(), "", "", ""),
        Destination::Bank { code, account, name } => (None, "", code.as_str(), account.as_str(), name.as_str()),
    };
    let terms = (
        (dsl::payout_method.eq(wanted.destination.method()), dsl::mpesa_phone.eq(phone), dsl::mpesa_name.eq(mpesa_name)),
        (dsl::bank_code.eq(bank_code), dsl::bank_account.eq(account), dsl::bank_account_name.eq(account_name)),
        (dsl::settlement_frequency.eq(wanted.frequency.as_str()), dsl::minimum_payout_minor.eq(wanted.minimum)),
        (dsl::version.eq(version), dsl::changed_at.eq(now), dsl::contact_phone.eq(wanted.contact_phone.as_ref().map(Phone::digits))),
    );
    diesel::insert_into(dsl::payout_config)
        .values((terms, dsl::tenant_id.eq(isp), dsl::held_until.eq(held_until.unwrap_or(now))))
        .on_conflict(dsl::tenant_id)
        .do_update()
        .set(terms)
        .execute(&mut **tx)
        .await?;
    if let Some(held_until) = held_until {
        diesel::update(dsl::payout_config.find(isp))
            .set((
                (dsl::held_until.eq(held_until), dsl::verification_status.eq(Verification::Unverified.as_str())),
                (dsl::verification_tries.eq(0), dsl::verified_at.eq(None::<Time>)),
            ))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Writes how the proof of the destination stands.
pub async fn set_verification(tx: &mut Tx, isp: IspId, to: Verification, tries: i16, now: Time) -> Result<()> {
    use payout_config::dsl;
    let verified_at = (to == Verification::Verified).then_some(now);
    diesel::update(dsl::payout_config.find(isp))
        .set((dsl::verification_status.eq(to.as_str()), dsl::verification_tries.eq(tries), dsl::verified_at.eq(verified_at)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The phone of the first owner who has one.
pub(super) async fn owner_phone(tx: &mut Tx, isp: IspId) -> Result<Option<String>> {
    Ok(auth::all_users(tx, isp, Role::Owner).await?.into_iter().find_map(|owner| owner.phone))
}

/// An operator stops the payouts of one ISP, and its owners are told why. Doing it again changes nothing.
pub async fn freeze_by_hand(app: &App, isp: IspId, by: By, reason: &str) -> Result<()> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let Some(config) = lock(tx, isp).await? else {
                return Err(Error::new(Reason::StateConflict, "It was not set yet where this ISP is paid, so nothing is. Suspend it to keep it from selling."));
            };
            if config.frozen.is_some() {
                return Ok(());
            }
            freeze(tx, isp, reason, now).await?;
            tell::owners(app, tx, isp, None, &Notice::Held { reason: reason.to_owned() }, now).await?;
            audit::record(tx, isp, by, "freeze_payouts", &isp.to_string(), json!({ "reason": reason }), now).await
        })
        .await
}

/// Nothing is paid to the ISP until an operator has looked; doing it again keeps the first reason.
pub async fn freeze(tx: &mut Tx, isp: IspId, reason: &str, now: Time) -> Result<()> {
    use payout_config::dsl;
    diesel::update(dsl::payout_config.filter(dsl::tenant_id.eq(isp).and(dsl::frozen_at.is_null())))
        .set((dsl::frozen_at.eq(now), dsl::frozen_reason.eq(reason)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Lets an ISP be paid again, once two operators say so. False: another one must say it, too.
pub async fn unfreeze(app: &App, isp: IspId, by: UserId, reason: &str) -> Result<bool> {
    use payout_config::dsl;
    let now = app.clock.now();
    let not_frozen = || Error::new(Reason::StateConflict, "Payouts of this ISP are not frozen.");
    let frozen = app.db.tx(isp, async |tx| find(tx, isp).await).await?.and_then(|config| config.frozen).ok_or_else(not_frozen)?;
    let subject = isp.to_string();
    app.db
        .tx(PLATFORM, async |tx| {
            // They agree on the same freeze: one that came meanwhile is looked at by itself.
            let content = json!({ "frozen_because": frozen });
            let ask = approvals::Ask { act: Act::Unfreeze, subject: &subject, isp: Some(isp), amount: None, content, note: reason };
            let Approval::Given(_) = approvals::ask(tx, by, &ask, now).await? else { return Ok(false) };
            tx.act_for(isp).await?;
            let same = dsl::payout_config.filter(dsl::tenant_id.eq(isp).and(dsl::frozen_at.is_not_null()).and(dsl::frozen_reason.eq(&frozen)));
            let free = (dsl::frozen_at.eq(None::<Time>), dsl::frozen_reason.eq(""));
            if diesel::update(same).set(free).execute(&mut **tx).await? == 0 {
                return Err(not_frozen());
            }
            breaks::close_of_isp(tx, BreakKind::SettlementLateSuccess, isp, &by.to_string(), reason, now).await?;
            tell::owners(app, tx, isp, None, &Notice::GoesOn, now).await?;
            audit::record(tx, isp, By::User(by), "unfreeze_payouts", &subject, json!({ "reason": reason }), now).await?;
            Ok(true)
        })
        .await
}
