//! Everything that is held about one customer, as a JSON document for that person. It names nobody else: staff are "staff".

use chrono::SecondsFormat;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::alert;
use crate::app::App;
use crate::audit::{self, By};
use crate::billing::{invoice, seen};
use crate::clock::Time;
use crate::connection;
use crate::customer::{self, Person};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId, UserId};
use crate::isp;
use crate::money::Money;
use crate::page::PageAsk;
use crate::schema::{audit_event, customer_entry, hotspot_session, message, payment, sign_in};
use crate::service_request;

/// The most of each kind that one document holds, the newest first. It says when there was more.
const MOST: i64 = 2_000;

/// The document, in UTF-8.
pub async fn export(app: &App, isp: IspId, by: By, id: CustomerId) -> Result<Vec<u8>> {
    let now = app.clock.now();
    let document = app
        .db
        .tx(isp, async |tx| {
            let person = customer::person(tx, isp, id).await?;
            let user = person.user.id;
            let phone = proven_phone(&person);
            let document = json!({
                "exported_at": at(now),
                "internet_provider": isp::name(tx, isp).await?,
                "profile": profile(&person)?,
                "service_requests": service_requests(tx, isp, id).await?,
                "alerts": alerts(tx, isp, id).await?,
                "messages": messages(tx, isp, user).await?,
                "sign_ins": sign_ins(tx, isp, user).await?,
                "purchases": purchases(tx, isp, phone).await?,
                "payments": payments(tx, isp, phone).await?,
                "connections": connections(tx, isp, id).await?,
                "invoices": invoices(tx, isp, id).await?,
                "payments_for_the_account": account_payments(tx, isp, id).await?,
                "account": account(tx, isp, id).await?,
                "history": history(tx, isp, id, user).await?,
            });
            audit::record(tx, isp, by, "export_customer", &id.to_string(), json!({}), now).await?;
            Ok(document)
        })
        .await?;
    serde_json::to_vec_pretty(&document).map_err(Error::internal)
}

/// The phone, if it is proven: what was bought by a number that anybody may have typed is perhaps another person's.
pub(super) fn proven_phone(person: &Person) -> Option<&str> {
    person.user.phone.as_deref().filter(|_| person.customer.proven().phone)
}

fn at(time: Time) -> Value {
    json!(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn maybe(time: Option<Time>) -> Value {
    time.map_or(Value::Null, at)
}

fn shillings(amount: Money) -> Value {
    json!({ "amount_minor": amount.minor(), "currency_code": "KES" })
}

/// A list, and whether there was more than it holds.
fn list<T>(mut rows: Vec<T>, show: impl Fn(T) -> Value) -> Value {
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let complete = rows.len() <= most;
    rows.truncate(most);
    json!({ "complete": complete, "items": rows.into_iter().map(show).collect::<Vec<_>>() })
}

fn profile(person: &Person) -> Result<Value> {
    let (customer, user) = (&person.customer, &person.user);
    Ok(json!({
        "customer_code": customer.customer_code,
        "status": customer.status()?.as_str(),
        "status_reason": customer.status_reason,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone_number": user.phone,
        "phone_verified_at": maybe(customer.phone_verified_at),
        "email": user.email,
        "email_verified_at": maybe(customer.email_verified_at),
        "id_number": customer.id_number,
        "language": user.lang().code(),
        "registered_by": customer.registered_by,
        "registered_at": at(customer.created_at),
        "approved_at": maybe(customer.approved_at),
        "closed_at": maybe(customer.closed_at),
    }))
}

async fn service_requests(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let (rows, _) = service_request::of_customer(tx, isp, id, PageAsk { size: MOST, after: None }).await?;
    let shown = rows.into_iter().map(|row| {
        Ok(json!({
            "id": row.id.to_string(), "asked_at": at(row.created_at), "category": row.category()?.as_str(), "subject": row.subject,
            "description": row.description, "status": row.status()?.as_str(), "reply": row.reply, "replied_at": maybe(row.replied_at),
        }))
    });
    let shown: Vec<Value> = shown.collect::<Result<_>>()?;
    Ok(list(shown, |row| row))
}

async fn alerts(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let (rows, _) = alert::list(tx, isp, id, false, PageAsk { size: MOST, after: None }).await?;
    Ok(list(rows, |row| json!({ "at": at(row.created_at), "kind": row.kind, "title": row.title, "message": row.message, "read_at": maybe(row.read_at) })))
}

type MessageRow = (String, String, String, String, Option<String>, String, Time, Option<Time>);

/// Texts that hold a code or a link are sealed, and never shown.
async fn messages(tx: &mut Tx, isp: IspId, user: UserId) -> Result<Value> {
    let rows: Vec<MessageRow> = message::table
        .filter(message::tenant_id.eq(isp).and(message::user_id.eq(user)))
        .order((message::created_at.desc(), message::id.desc()))
        .limit(MOST + 1)
        .select((
            (message::channel, message::template, message::recipient, message::subject),
            (message::body, message::state, message::created_at, message::sent_at),
        ))
        .load::<((String, String, String, String), (Option<String>, String, Time, Option<Time>))>(&mut **tx)
        .await?
        .into_iter()
        .map(|((channel, template, recipient, subject), (body, state, created, sent))| (channel, template, recipient, subject, body, state, created, sent))
        .collect();
    Ok(list(rows, |(channel, template, recipient, subject, body, state, created, sent)| {
        json!({
            "at": at(created), "channel": channel, "template": template, "recipient": recipient, "subject": subject, "text": body, "state": state,
            "sent_at": maybe(sent),
        })
    }))
}

type SignInRow = (Time, Time, Option<Time>, Option<String>, String, String);

async fn sign_ins(tx: &mut Tx, isp: IspId, user: UserId) -> Result<Value> {
    let rows: Vec<SignInRow> = sign_in::table
        .filter(sign_in::tenant_id.eq(isp).and(sign_in::user_id.eq(user)))
        .order((sign_in::created_at.desc(), sign_in::id.desc()))
        .limit(MOST + 1)
        .select((sign_in::created_at, sign_in::last_used_at, sign_in::ended_at, sign_in::ended_reason, sign_in::address, sign_in::user_agent))
        .load(&mut **tx)
        .await?;
    Ok(list(rows, |(created, used, ended, reason, address, program)| {
        json!({
            "at": at(created), "last_used_at": at(used), "ended_at": maybe(ended), "ended_reason": reason, "network_address": address, "program": program,
        })
    }))
}

type PurchaseRow = (Time, String, Money, String, Option<String>, Option<String>, Option<Time>, Option<Time>);

async fn purchases(tx: &mut Tx, isp: IspId, phone: Option<&str>) -> Result<Value> {
    let rows: Vec<PurchaseRow> = match phone {
        Some(phone) => {
            hotspot_session::table
                .filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::phone.eq(phone)))
                .order((hotspot_session::created_at.desc(), hotspot_session::id.desc()))
                .limit(MOST + 1)
                .select((
                    hotspot_session::created_at,
                    hotspot_session::plan_name,
                    hotspot_session::price_minor,
                    hotspot_session::status,
                    hotspot_session::mac,
                    hotspot_session::client_ip,
                    hotspot_session::activated_at,
                    hotspot_session::expires_at,
                ))
                .load(&mut **tx)
                .await?
        }
        None => Vec::new(),
    };
    Ok(list(rows, |(created, plan, price, status, mac, ip, activated, expires)| {
        json!({
            "at": at(created), "plan": plan, "price": shillings(price), "status": status, "device": mac, "device_address": ip,
            "activated_at": maybe(activated), "expires_at": maybe(expires),
        })
    }))
}

type PaymentRow = (Time, String, Money, String, Option<String>, Option<Time>);

async fn payments(tx: &mut Tx, isp: IspId, phone: Option<&str>) -> Result<Value> {
    let rows: Vec<PaymentRow> = match phone {
        Some(phone) => {
            payment::table
                .filter(payment::tenant_id.eq(isp).and(payment::phone.eq(phone)))
                .order((payment::created_at.desc(), payment::id.desc()))
                .limit(MOST + 1)
                .select((payment::created_at, payment::purpose, payment::amount_minor, payment::state, payment::mpesa_receipt, payment::completed_at))
                .load(&mut **tx)
                .await?
        }
        None => Vec::new(),
    };
    Ok(list(rows, |(created, purpose, amount, state, receipt, completed)| {
        json!({
            "at": at(created), "purpose": purpose, "amount": shillings(amount), "state": state, "mpesa_receipt": receipt, "completed_at": maybe(completed),
        })
    }))
}

async fn connections(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let filter = connection::Filter { customer: Some(id), ..Default::default() };
    let (rows, _) = connection::list(tx, isp, filter, PageAsk { size: MOST, after: None }).await?;
    let shown = rows.into_iter().map(|row| {
        Ok(json!({
            "at": at(row.created_at), "status": row.status()?.as_str(), "billing": row.billing()?.as_str(), "access": row.access()?.as_str(),
            "username": row.username, "paid_until": maybe(row.paid_until), "suspended_note": row.suspended_note, "ended_at": maybe(row.ended_at),
        }))
    });
    let shown: Vec<Value> = shown.collect::<Result<_>>()?;
    Ok(list(shown, |row| row))
}

async fn invoices(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let filter = invoice::Filter { customer: Some(id), ..Default::default() };
    let (rows, _) = invoice::list(tx, isp, filter, PageAsk { size: MOST, after: None }).await?;
    let shown = rows.into_iter().map(|row| {
        Ok(json!({
            "number": row.invoice_number, "issued_at": at(row.issued_at), "due_at": at(row.due_at), "status": row.status()?.as_str(),
            "total": shillings(row.total_minor), "paid": shillings(row.paid_minor), "note": row.note, "void_reason": row.void_reason,
        }))
    });
    let shown: Vec<Value> = shown.collect::<Result<_>>()?;
    Ok(list(shown, |row| row))
}

/// Payments for the customer's account, from whichever phone, and what the ISP took itself.
async fn account_payments(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let filter = seen::Filter { customer: Some(id), ..Default::default() };
    let (rows, _) = seen::list(tx, isp, filter, PageAsk { size: MOST, after: None }).await?;
    let shown = rows.into_iter().map(|row| {
        Ok(json!({
            "at": at(row.created_at), "purpose": row.purpose()?.as_str(), "amount": shillings(row.amount_minor), "receipt": row.receipt,
            "offline": row.offline, "completed_at": maybe(row.completed_at),
        }))
    });
    let shown: Vec<Value> = shown.collect::<Result<_>>()?;
    Ok(list(shown, |row| row))
}

/// Each movement of the account.
async fn account(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<Value> {
    let rows: Vec<(Time, String, Money, String)> = customer_entry::table
        .filter(customer_entry::tenant_id.eq(isp).and(customer_entry::customer_id.eq(id)))
        .order(customer_entry::id.desc())
        .limit(MOST + 1)
        .select((customer_entry::created_at, customer_entry::kind, customer_entry::amount_minor, customer_entry::note))
        .load(&mut **tx)
        .await?;
    Ok(list(rows, |(when, kind, amount, note)| json!({ "at": at(when), "kind": kind, "amount": shillings(amount), "note": note })))
}

/// What was done to the account, from the audit log.
async fn history(tx: &mut Tx, isp: IspId, id: CustomerId, user: UserId) -> Result<Value> {
    let rows: Vec<(Time, String, String, Value)> = audit_event::table
        .filter(audit_event::tenant_id.eq(isp).and(audit_event::subject.eq_any([id.to_string(), user.to_string()])))
        .order((audit_event::at.desc(), audit_event::id.desc()))
        .limit(MOST + 1)
        .select((audit_event::at, audit_event::act, audit_event::actor, audit_event::facts))
        .load(&mut **tx)
        .await?;
    let themselves = user.to_string();
    Ok(list(rows, |(when, act, actor, facts)| {
        let by = if actor == themselves {
            "you"
        } else if actor.starts_with(UserId::PREFIX) {
            "staff"
        } else {
            "netily"
        };
        json!({ "at": at(when), "act": act, "by": by, "facts": facts })
    }))
}
