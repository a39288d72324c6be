//! The end of what names a customer, for good.
//!
//! Goes: names, phone, e-mail address, id number, password, search words, codes and links, sign-ins, messages (where to and what),
//! alerts, the words of service requests; of purchases and payments by the proven phone, and of payments for the customer, the phone itself,
//! the device, and what the gateway told us of the number; the name and password of the line (its name only once
//! its router was told to forget it); what staff wrote beside cash.
//! Stays, since the law on taxes asks for books of five years and names nobody: the customer code and its dates, amounts, receipts, invoices and
//! the ledger, that messages were sent, that requests were made, and the audit log, which holds ids, and network addresses of sign-ins,
//! and never a name.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::export::proven_phone;
use crate::app::App;
use crate::audit::{self, By};
use crate::auth;
use crate::billing;
use crate::clock::Time;
use crate::connection;
use crate::customer::{self, Person, Status, search};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, IspId, PaymentId, SettlementId, UserId};
use crate::schema::{
    alert, balance_withdrawal, code_sending, customer as customer_table, customer_payment, gateway_key, hotspot_session, link, message, offline_payment,
    offline_payment_void, one_time_code, payment, prompt_block, refresh_token, refund, service_request, settlement, sign_in, sign_in_failure, user_account,
    webhook_delivery,
};

/// States of a payment whose prompt may still ring, and which therefore needs its phone.
const ON_ITS_WAY: [&str; 4] = ["CREATED", "SUBMITTING", "PENDING", "UNKNOWN"];

/// Erases a customer; doing it again changes nothing. `STATE_CONFLICT` while a payment is on its way. `reason` stays in the audit log.
pub async fn erase(app: &App, isp: IspId, by: By, id: CustomerId, reason: &str) -> Result<Person> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let user = customer::get(tx, isp, id).await?.user_id;
            billing::account::lock(tx, isp, id).await?;
            // The account before the customer, as everywhere.
            auth::lock_user(tx, isp, user).await?;
            customer::lock(tx, isp, id).await?;
            let person = customer::person(tx, isp, id).await?;
            if person.customer.erased_at.is_some() {
                return Ok(person);
            }
            if names(reason, &person) {
                return Err(Error::field("reason", "must not name the person: it stays in the audit log for good"));
            }
            let proven = proven_phone(&person).map(str::to_owned);
            forget_payments(tx, isp, id, proven.as_deref()).await?;
            if let Some(phone) = &proven {
                forget_purchases(tx, isp, phone).await?;
            }
            billing::leave(tx, isp, by, id, now).await?;
            connection::forget(tx, isp, by, id, now).await?;
            forget_messages(tx, isp, &person).await?;
            forget_sign_ins(tx, isp, &person).await?;
            forget_words(tx, isp, id).await?;
            forget_person(tx, isp, &person, now).await?;
            search::write(tx, isp, id).await?; // by the code staff still find what is left
            let facts = json!({ "from": person.customer.status()?.as_str(), "reason": reason });
            audit::record(tx, isp, by, "erase_customer", &id.to_string(), facts, now).await?;
            customer::person(tx, isp, id).await
        })
        .await
}

/// Whether a text holds a name, the phone or the e-mail address of a person. Pure.
fn names(text: &str, person: &Person) -> bool {
    let user = &person.user;
    let theirs = search::words(&search::Searchable {
        first_name: &user.first_name,
        last_name: &user.last_name,
        phone: user.phone.as_deref(),
        email: user.email.as_deref(),
        code: "",
    });
    let words =
        search::words(&search::Searchable { first_name: &text.replace(|c: char| !c.is_alphanumeric() && !"'’`@.+_".contains(c), " "), ..Default::default() });
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let phone = user.phone.as_deref().and_then(|phone| phone.get(3..)).is_some_and(|national| digits.contains(national));
    phone || words.iter().any(|word| theirs.contains(word.trim_end_matches('.')))
}

/// Payments for a customer, and by the proven phone, keep their money and lose the phone and what staff wrote.
async fn forget_payments(tx: &mut Tx, isp: IspId, id: CustomerId, proven: Option<&str>) -> Result<()> {
    let own = customer_payment::table.filter(customer_payment::tenant_id.eq(isp).and(customer_payment::customer_id.eq(id)));
    let theirs = payment::id.eq_any(own.select(customer_payment::payment_id)).or(payment::phone.nullable().is_not_distinct_from(proven));
    let payments: Vec<(PaymentId, String, String, Option<String>, String)> = payment::table
        .filter(payment::tenant_id.eq(isp).and(theirs).and(payment::phone.ne("")))
        .for_update()
        .select((payment::id, payment::state, payment::subject, payment::checkout_id, payment::phone))
        .load(&mut **tx)
        .await?;
    if payments.iter().any(|(_, state, ..)| ON_ITS_WAY.contains(&state.as_str())) {
        return Err(Error::new(Reason::StateConflict, "A payment of this person is on its way. Try again when it has ended."));
    }
    for (id, _, subject, checkout, phone) in &payments {
        let bare = subject.replace(phone.as_str(), "erased");
        diesel::update(payment::table.find((isp, *id)))
            .set((payment::phone.eq(""), payment::subject.eq(bare), payment::checkout_id.eq(None::<String>)))
            .execute(&mut **tx)
            .await?;
        forget_limits(tx, phone).await?;
        // The checkout id of M-Pesa ends in the phone.
        if let Some(checkout) = checkout {
            diesel::delete(gateway_key::table.find(("CHECKOUT", checkout))).execute(&mut **tx).await?;
        }
    }
    let ids: Vec<PaymentId> = payments.iter().map(|(id, ..)| *id).collect();
    diesel::update(webhook_delivery::table.filter(webhook_delivery::isp_id.eq(isp).and(webhook_delivery::payment_id.eq_any(&ids))))
        .set(webhook_delivery::body.eq(Vec::<u8>::new()))
        .execute(&mut **tx)
        .await?;
    forget_refunds(tx, isp, &ids).await?;
    diesel::update(offline_payment::table.filter(offline_payment::tenant_id.eq(isp).and(offline_payment::customer_id.eq(id))))
        .set((offline_payment::note.eq(""), offline_payment::reference.eq("")))
        .execute(&mut **tx)
        .await?;
    let cash = offline_payment::table.filter(offline_payment::tenant_id.eq(isp).and(offline_payment::customer_id.eq(id)));
    let taken_back = offline_payment_void::table.filter(offline_payment_void::tenant_id.eq(isp));
    diesel::update(taken_back.filter(offline_payment_void::offline_payment_id.eq_any(cash.select(offline_payment::id))))
        .set(offline_payment_void::reason.eq(""))
        .execute(&mut **tx)
        .await?;
    diesel::update(balance_withdrawal::table.filter(balance_withdrawal::tenant_id.eq(isp).and(balance_withdrawal::customer_id.eq(id))))
        .set(balance_withdrawal::reason.eq(""))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What went back of payments keeps its money and loses what operators wrote, and the phone.
async fn forget_refunds(tx: &mut Tx, isp: IspId, payments: &[PaymentId]) -> Result<()> {
    let theirs = refund::table.filter(refund::tenant_id.eq(isp).and(refund::payment_id.eq_any(payments)));
    let ids: Vec<SettlementId> = theirs.clone().select(refund::id).load(&mut **tx).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let sent = settlement::table.filter(settlement::tenant_id.eq(isp).and(settlement::id.eq_any(&ids)));
    let states: Vec<String> = sent.clone().for_update().select(settlement::state).load(&mut **tx).await?;
    if states.iter().any(|state| !matches!(state.as_str(), "COMPLETED" | "FAILED")) {
        return Err(Error::new(Reason::StateConflict, "A refund to this person is on its way. Try again when it has ended."));
    }
    diesel::update(sent.filter(settlement::phone.ne(""))).set(settlement::phone.eq("")).execute(&mut **tx).await?;
    diesel::update(theirs.filter(refund::note.ne(""))).set(refund::note.eq("")).execute(&mut **tx).await?;
    let told: Vec<PaymentId> = ids.iter().map(|id| PaymentId::from(id.uuid())).collect();
    diesel::update(webhook_delivery::table.filter(webhook_delivery::isp_id.eq(isp).and(webhook_delivery::payment_id.eq_any(told))))
        .set(webhook_delivery::body.eq(Vec::<u8>::new()))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Purchases by a phone keep what was bought and lose the phone and the device.
async fn forget_purchases(tx: &mut Tx, isp: IspId, phone: &str) -> Result<()> {
    let bought = hotspot_session::table.filter(hotspot_session::tenant_id.eq(isp).and(hotspot_session::phone.eq(phone)));
    // The router knows the device of a purchase that runs; with its end it means nothing any more.
    diesel::update(bought.filter(hotspot_session::status.eq_any(["FAILED", "EXPIRED"])))
        .set((hotspot_session::mac.eq(None::<String>), hotspot_session::client_ip.eq(None::<String>), hotspot_session::login_url.eq(None::<String>)))
        .execute(&mut **tx)
        .await?;
    diesel::update(bought).set(hotspot_session::phone.eq("")).execute(&mut **tx).await?;
    diesel::delete(prompt_block::table.find((isp, phone))).execute(&mut **tx).await?;
    Ok(())
}

/// That messages were sent stays; where to and what they said goes. One that waits is not sent.
async fn forget_messages(tx: &mut Tx, isp: IspId, person: &Person) -> Result<()> {
    let targets: Vec<&str> = [person.user.phone.as_deref(), person.user.email.as_deref()].into_iter().flatten().collect();
    let theirs = message::user_id.eq(person.user.id).or(message::user_id.is_null().and(message::recipient.eq_any(targets)));
    let theirs = message::table.filter(message::tenant_id.eq(isp)).filter(theirs.assume_not_null());
    diesel::update(theirs.clone().filter(message::state.eq("QUEUED"))).set(message::state.eq("FAILED")).execute(&mut **tx).await?;
    diesel::update(theirs)
        .set((
            (message::recipient.eq(""), message::subject.eq(""), message::problem.eq("")),
            (message::body.eq(None::<String>), message::body_sealed.eq(None::<Vec<u8>>)),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn forget_sign_ins(tx: &mut Tx, isp: IspId, person: &Person) -> Result<()> {
    let user = person.user.id;
    let theirs = sign_in::table.filter(sign_in::tenant_id.eq(isp).and(sign_in::user_id.eq(user)));
    let tokens = refresh_token::table.filter(refresh_token::tenant_id.eq(isp)).filter(refresh_token::sign_in_id.eq_any(theirs.select(sign_in::id)));
    diesel::delete(tokens).execute(&mut **tx).await?;
    diesel::delete(theirs).execute(&mut **tx).await?;
    diesel::delete(link::table.filter(link::tenant_id.eq(isp).and(link::user_id.eq(user)))).execute(&mut **tx).await?;
    let codes = one_time_code::table.filter(one_time_code::tenant_id.eq(isp));
    diesel::delete(codes.filter(one_time_code::target.like(format!("%/{user}")))).execute(&mut **tx).await?;
    for identifier in [&person.user.phone, &person.user.email].into_iter().flatten() {
        diesel::delete(codes.filter(one_time_code::target.eq(identifier))).execute(&mut **tx).await?;
        let hash = Sha256::digest(identifier.as_bytes()).to_vec();
        diesel::delete(sign_in_failure::table.find((isp, hash))).execute(&mut **tx).await?;
        forget_limits(tx, identifier).await?;
    }
    if let Some(phone) = &person.user.phone {
        diesel::delete(code_sending::table.find((isp, phone))).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Limits name whom they hold back; these end by themselves within a day.
async fn forget_limits(tx: &mut Tx, identifier: &str) -> Result<()> {
    diesel::sql_query("DELETE FROM public.rate_limit WHERE right(key, length($1) + 1) = '/' || $1").bind::<Text, _>(identifier).execute(&mut **tx).await?;
    Ok(())
}

/// What people wrote. That there was a request, of what kind and how it ended, stays.
async fn forget_words(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<()> {
    diesel::update(service_request::table.filter(service_request::tenant_id.eq(isp).and(service_request::customer_id.eq(id))))
        .set((service_request::subject.eq(""), service_request::description.eq(""), service_request::reply.eq("")))
        .execute(&mut **tx)
        .await?;
    diesel::delete(alert::table.filter(alert::tenant_id.eq(isp).and(alert::customer_id.eq(id)))).execute(&mut **tx).await?;
    Ok(())
}

async fn forget_person(tx: &mut Tx, isp: IspId, person: &Person, now: Time) -> Result<()> {
    let user: UserId = person.user.id;
    diesel::update(user_account::table.find((isp, user)))
        .set((
            (user_account::email.eq(None::<String>), user_account::phone.eq(None::<String>), user_account::password_hash.eq(None::<String>)),
            (user_account::first_name.eq(""), user_account::last_name.eq(""), user_account::disabled_at.eq(now)),
        ))
        .execute(&mut **tx)
        .await?;
    diesel::update(customer_table::table.find((isp, person.customer.id)))
        .set((
            (customer_table::status.eq(Status::Closed.as_str()), customer_table::closed_at.eq(person.customer.closed_at.unwrap_or(now))),
            (customer_table::status_reason.eq(""), customer_table::id_number.eq(None::<String>), customer_table::erased_at.eq(now)),
            (customer_table::phone_verified_at.eq(None::<Time>), customer_table::email_verified_at.eq(None::<Time>)),
            customer_table::request_hash.eq(Vec::<u8>::new()),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
