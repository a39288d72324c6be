//! Does what is due for the connections of an ISP: one transaction a customer. Whatever stops it, the next run goes on.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use std::time::{Duration, Instant};

use super::account;
use super::cycle::{Act, Asked, Due, Facts, Reminder, due, remind_at};
use super::extend::{GRACE, grace, next_period};
use super::invoice::{self, ForPeriod, Invoice, Line, NewInvoice, Status};
use super::paid;
use super::settle::settle;
use super::terms::{self, Terms};
use crate::alert::{self, News};
use crate::app::App;
use crate::clock::{Time, in_kenya};
use crate::connection::{self, Billing, Connection};
use crate::customer;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::id::{ConnectionId, CustomerId, IspId};
use crate::jobs::{self, Kind, Outcome};
use crate::money::Money;
use crate::notify::{self, Note, Template, To};
use crate::schema;

/// Connections that are read at once.
const BATCH: i64 = 100;
/// A run ends before its lease does, and goes on in the next.
const RUN_FOR: Duration = Duration::from_secs(40);
/// A connection that could not be looked at is looked at again after this.
const AFTER_A_FAULT: TimeDelta = TimeDelta::hours(1);
/// How often ISPs with something due are looked for.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(1);
/// More acts than any connection has at one moment.
const ACTS_MAX: usize = 20;

/// The sweep: asks for a run of each ISP with connections that are due.
pub async fn sweep(app: &App) -> Result<Outcome> {
    use schema::connection::dsl;
    let now = app.clock.now();
    let isps: Vec<IspId> =
        app.db.across(async |tx| Ok(dsl::connection.filter(dsl::next_act_at.le(now)).select(dsl::tenant_id).distinct().load(&mut **tx).await?)).await?;
    for isp in isps {
        app.db.tx(isp, async |tx| jobs::enqueue(tx, Kind::BillingRun, isp, isp.uuid(), now, now).await).await?;
    }
    Ok(Outcome::Again(now + SWEEP_EVERY))
}

/// The job `billing_run` of one ISP.
pub async fn run(app: &App, isp: IspId) -> Result<Outcome> {
    let begun = Instant::now();
    loop {
        let now = app.clock.now();
        let due = app.db.tx(isp, async |tx| due_now(tx, isp, now).await).await?;
        if due.is_empty() {
            return Ok(Outcome::Done);
        }
        for (id, customer) in due {
            if let Err(cause) = app.db.tx(isp, async |tx| look_at(app, tx, isp, customer, id, now).await).await {
                // One customer's trouble must not keep the others waiting.
                tracing::error!(connection = %id, %cause, "what is due for a connection could not be done");
                app.db.tx(isp, async |tx| connection::look_again(tx, isp, id, Some(now + AFTER_A_FAULT)).await).await?;
            }
            failpoint::reached("billing_run", "committed");
            if begun.elapsed() > RUN_FOR {
                return Ok(Outcome::Again(now));
            }
        }
    }
}

async fn due_now(tx: &mut Tx, isp: IspId, now: Time) -> Result<Vec<(ConnectionId, CustomerId)>> {
    use schema::connection::dsl;
    let due = dsl::connection.filter(dsl::tenant_id.eq(isp).and(dsl::next_act_at.le(now)));
    Ok(due.order(dsl::next_act_at).limit(BATCH).select((dsl::id, dsl::customer_id)).load(&mut **tx).await?)
}

/// Does what is due for one connection, and notes when to look again.
pub async fn look(app: &App, tx: &mut Tx, isp: IspId, id: ConnectionId, now: Time) -> Result<()> {
    let customer = connection::get(tx, isp, id).await?.customer_id;
    look_at(app, tx, isp, customer, id, now).await
}

async fn look_at(app: &App, tx: &mut Tx, isp: IspId, customer: CustomerId, id: ConnectionId, now: Time) -> Result<()> {
    let balance = account::lock(tx, isp, customer).await?;
    let mut seen = Seen::read(tx, isp, id, balance).await?;
    for _ in 0..ACTS_MAX {
        match due(&seen.facts()?, now) {
            Due::Now(Act::Issue) if seen.balance == Money::ZERO => {
                // Nothing pays it yet, so the invoice is all that is new.
                seen.asked = Some(issue(app, tx, isp, &seen, now).await?);
            }
            Due::Now(act) => {
                carry_out(app, tx, isp, seen, act, now).await?;
                let balance = account::balance(tx, isp, customer).await?;
                seen = Seen::read(tx, isp, id, balance).await?;
            }
            Due::Later(at) => return connection::look_again(tx, isp, id, Some(at)).await,
            Due::Never => return connection::look_again(tx, isp, id, None).await,
        }
    }
    Err(Error::internal(format!("{id} always has something due")))
}

/// What decides what is due for a connection. Line, invoice and balance are locked.
struct Seen {
    line: Connection,
    terms: Terms,
    asked: Option<Invoice>,
    /// Open invoices for anything but a period, those due first in front.
    owed: Vec<Invoice>,
    balance: Money,
    served: bool,
}

impl Seen {
    async fn read(tx: &mut Tx, isp: IspId, id: ConnectionId, balance: Money) -> Result<Seen> {
        let line = connection::lock(tx, isp, id).await?;
        let terms = terms::next(tx, isp, line.plan_id, line.plan_version).await?;
        let served = customer::get(tx, isp, line.customer_id).await?.status()?.is_served();
        let (mut owed, mut asked) = (invoice::open_of(tx, isp, line.customer_id).await?, None);
        if let Some(found) = owed.iter().position(|open| open.is_period() && open.connection_id == Some(id)) {
            asked = Some(owed.swap_remove(found));
        }
        owed.retain(|open| !open.is_period());
        owed.sort_by_key(|open| (open.due_at, open.id.uuid()));
        Ok(Seen { line, terms, asked, owed, balance, served })
    }

    /// The first invoice that no reminder was sent of.
    fn unreminded(&self) -> Option<&Invoice> {
        self.owed.iter().find(|open| open.reminded < Reminder::Overdue as i16)
    }

    fn facts(&self) -> Result<Facts> {
        let line = &self.line;
        Ok(Facts {
            billing: line.billing()?,
            status: line.status()?,
            suspended: line.suspended()?,
            paid_until: line.paid_until,
            price: self.terms.price_minor,
            balance: self.balance,
            asked: self.asked.as_ref().map(|invoice| Asked { due_at: invoice.due_at, reminded: invoice.reminded }),
            remind_at: remind_at(line.period_start, line.paid_until, line.reminded_of),
            served: self.served,
            owes_since: self.owed.iter().map(|open| open.due_at).min(),
            unreminded_since: self.unreminded().map(|open| open.due_at),
        })
    }
}

/// The open invoice of a connection's period, locked.
pub(super) async fn open_period(tx: &mut Tx, isp: IspId, line: &Connection) -> Result<Option<Invoice>> {
    use schema::invoice::dsl;
    let open = dsl::invoice.filter(dsl::tenant_id.eq(isp).and(dsl::connection_id.eq(line.id)).and(dsl::kind.eq("PERIOD")).and(dsl::status.eq("OPEN")));
    Ok(open.for_update().select(Invoice::as_select()).first(&mut **tx).await.optional()?)
}

async fn carry_out(app: &App, tx: &mut Tx, isp: IspId, seen: Seen, act: Act, now: Time) -> Result<()> {
    let line = &seen.line;
    match (act, &seen.asked) {
        (Act::Issue, _) => issue(app, tx, isp, &seen, now).await.map(drop),
        (Act::Renew, _) => match paid::recharge(tx, isp, line.customer_id, &seen.terms, now).await? {
            true => Ok(()),
            false => Err(Error::internal(format!("{} could not be renewed", line.id))),
        },
        (Act::CutOff, _) => {
            connection::cut_off(tx, isp, line, now).await?;
            tell(app, tx, isp, line, News::CutOff, Template::ServiceSuspended, &[], now).await
        }
        (Act::RemindOfEnd, _) => {
            connection::reminded(tx, isp, line).await?;
            let until = line.paid_until.map(|until| in_kenya(until).format("%d %b %Y %H:%M").to_string()).unwrap_or_default();
            tell(app, tx, isp, line, News::PaidUntilSoon { until: &until }, Template::PaidUntilSoon, &[("until", until.as_str())], now).await
        }
        (Act::RemindOfDebt, _) => {
            let invoice = seen.unreminded().ok_or_else(|| Error::internal("a reminder of no invoice"))?;
            remind(app, tx, isp, line, invoice, Reminder::Overdue, now).await
        }
        (Act::Remind(reminder), Some(invoice)) => remind(app, tx, isp, line, invoice, reminder, now).await,
        (Act::Remind(_), None) => Err(Error::internal("a reminder of no invoice")),
    }
}

/// Makes the invoice of the next period, which the balance pays at once as far as it reaches.
async fn issue(app: &App, tx: &mut Tx, isp: IspId, seen: &Seen, now: Time) -> Result<Invoice> {
    let Seen { line, terms, .. } = seen;
    let (start, end, _) = next_period(line.paid_until, line.anchor_day, terms.period()?, grace(Billing::Invoiced), now)
        .ok_or_else(|| Error::internal(format!("{} would never end", line.id)))?;
    // What is not on yet has the days of grace to be paid in; they come after the day for what is.
    let due_at = line.paid_until.map_or(now + GRACE, |until| until.max(now));
    let new = NewInvoice {
        customer: line.customer_id,
        connection: Some(line.id),
        period: Some(ForPeriod { plan: (terms.plan_id, terms.version), start, end }),
        lines: vec![Line { description: format!("{}, {} to {}", terms.name, day(start), day(end)), quantity: 1, unit_minor: terms.price_minor }],
        due_at,
        note: String::new(),
        request: None,
    };
    let (mut made, _) = invoice::make(tx, isp, new, now).await?;
    if seen.balance > Money::ZERO {
        settle(tx, isp, line.customer_id, None, now).await?;
        made = invoice::get(tx, isp, made.id).await?;
    }
    failpoint::reached("billing_run", "issued");
    tell_of_invoice(app, tx, isp, &made, now).await?;
    Ok(made)
}

/// An alert and a mail about a new invoice as it stands, unless the balance has paid it.
pub(super) async fn tell_of_invoice(app: &App, tx: &mut Tx, isp: IspId, invoice: &Invoice, now: Time) -> Result<()> {
    if invoice.status()? != Status::Open {
        return Ok(());
    }
    let (owed, due) = (invoice.owed().to_string(), day(invoice.due_at));
    let person = customer::person(tx, isp, invoice.customer_id).await?;
    let lang = person.user.lang();
    let news = News::Invoiced { number: &invoice.invoice_number, amount: &owed, due: &due };
    alert::raise(tx, isp, invoice.customer_id, alert::Kind::Billing, &news.words(lang), &invoice.id.to_string(), now).await?;
    let Some(mailbox) = person.user.email.clone() else { return Ok(()) };
    let facts = [("name", person.user.first_name.as_str()), ("number", &invoice.invoice_number), ("amount", &owed), ("due", &due)];
    let note =
        Note { template: Template::InvoiceIssued, to: To::Mailbox(mailbox), user: Some(person.user.id), lang, facts: &facts, text: None, expires_at: None };
    notify::queue(app, tx, isp, note, now).await?;
    Ok(())
}

/// A day in Kenya: `04 Jan 2027`.
fn day(at: Time) -> String {
    in_kenya(at).format("%d %b %Y").to_string()
}

async fn remind(app: &App, tx: &mut Tx, isp: IspId, line: &Connection, invoice: &Invoice, reminder: Reminder, now: Time) -> Result<()> {
    let row = schema::invoice::table.find((isp, invoice.id));
    diesel::update(row).set(schema::invoice::reminded.eq(reminder as i16)).execute(&mut **tx).await?;
    let (number, amount) = (invoice.invoice_number.as_str(), invoice.owed().to_string());
    let (due, until) = (day(invoice.due_at), in_kenya(invoice.due_at + GRACE).format("%d %b %Y %H:%M").to_string());
    let common = [("number", number), ("amount", amount.as_str())];
    match reminder {
        Reminder::Before | Reminder::Today => {
            let news = News::InvoiceDue { number, amount: &amount, due: &due };
            tell(app, tx, isp, line, news, Template::InvoiceDue, &[&common[..], &[("due", &due)]].concat(), now).await
        }
        Reminder::Overdue => {
            let news = News::InvoiceOverdue { number, amount: &amount, until: &until };
            tell(app, tx, isp, line, news, Template::InvoiceOverdue, &[&common[..], &[("until", &until)]].concat(), now).await
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "whom, and the same thing in an alert and a message")]
async fn tell(app: &App, tx: &mut Tx, isp: IspId, line: &Connection, news: News<'_>, template: Template, facts: &[(&str, &str)], now: Time) -> Result<()> {
    let person = customer::person(tx, isp, line.customer_id).await?;
    alert::raise(tx, isp, line.customer_id, alert::Kind::Billing, &news.words(person.user.lang()), &line.id.to_string(), now).await?;
    customer::write_to(app, tx, isp, &person, template, facts, now).await
}
