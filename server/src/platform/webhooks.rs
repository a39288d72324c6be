//! Callbacks as they arrived, for operators. Phones are masked on the way out; the row keeps what was sent.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::gateways::payhero;
use crate::id::{DeliveryId, PaymentId};
use crate::page::{Cursor, PageAsk};
use crate::schema::{isp, webhook_delivery};

/// A callback.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// `HOTSPOT` and so on.
    pub kind: String,
    /// What became of it.
    pub state: String,
    /// Whose address it came to.
    pub payment_id: PaymentId,
    /// Subdomain of that payment's ISP.
    pub isp_slug: String,
    /// The body with phones masked.
    pub body: String,
    /// How often the same body came.
    pub deliveries: i32,
    /// When it first came.
    pub received_at: Time,
    /// What was made of it.
    pub note: String,
}

type Row = (DeliveryId, String, String, PaymentId, Option<String>, Vec<u8>, i32, Time, String);

/// A page of callbacks, newest first.
pub async fn list_deliveries(app: &App, state: Option<&str>, page: PageAsk) -> Result<(Vec<Delivery>, String)> {
    use webhook_delivery::dsl;
    let before = page.before();
    let rows: Vec<Row> = app
        .db
        .public(async |tx| {
            let mut query = dsl::webhook_delivery
                .left_join(isp::table.on(isp::id.eq(dsl::isp_id)))
                // Ids of callbacks are made in the order of time, so the key itself is the order.
                .filter(dsl::id.lt(before.id))
                .order(dsl::id.desc())
                .limit(page.size + 1)
                .select((dsl::id, dsl::kind, dsl::state, dsl::payment_id, isp::slug.nullable(), dsl::body, dsl::deliveries, dsl::received_at, dsl::note))
                .into_boxed();
            if let Some(state) = state {
                query = query.filter(dsl::state.eq(state.to_owned()));
            }
            Ok(query.load(&mut **tx).await?)
        })
        .await?;
    let (rows, next) = page.cut(rows, |row| Cursor { at: row.7, id: row.0.uuid() });
    let deliveries = rows.into_iter().map(|(id, kind, state, payment_id, slug, body, deliveries, received_at, note)| Delivery {
        body: payhero::redact_text(&String::from_utf8_lossy(&body)),
        isp_slug: slug.unwrap_or_default(),
        id,
        kind,
        state,
        payment_id,
        deliveries,
        received_at,
        note,
    });
    Ok((deliveries.collect(), next))
}
