//! "Already paid?": finds a paid purchase by phone and receipt and lets this device in instead. The captive sheet was
//! closed, the phone changed its address, or we never learnt that the payment went through.

use std::net::{IpAddr, Ipv4Addr};

use chrono::TimeDelta;

use super::check::adopt_receipt;
use crate::app::App;
use crate::error::{Error, Reason, Result};
use crate::gateways::routeros::MacAddress;
use crate::hotspot::session::{self, Session, Status};
use crate::hotspot::{grant, limits};
use crate::id::{IspId, RouterId};
use crate::phone::Phone;
use crate::router;

/// How old a payment may be whose end we never learnt.
const UNFINISHED_SINCE: TimeDelta = TimeDelta::hours(72);

/// Who asks.
#[derive(Clone, Debug)]
pub struct ResumeAsk {
    /// Where the device is now.
    pub router: RouterId,
    /// Who paid.
    pub phone: Phone,
    /// The receipt in the M-Pesa message.
    pub mpesa_receipt: String,
    /// The device.
    pub mac: Option<MacAddress>,
    /// Its address on the WiFi.
    pub client_ip: Option<Ipv4Addr>,
    /// The router's login address.
    pub login_url: Option<String>,
    /// Where the call came from.
    pub address: IpAddr,
}

/// Finds the purchase and moves it to this device.
pub async fn resume(app: &App, isp: IspId, ask: &ResumeAsk) -> Result<Session> {
    let now = app.clock.now();
    // The try is counted also when nothing is found, so it has a transaction of its own.
    app.db.tx(isp, async |tx| limits::allow_resume(tx, isp, &ask.phone, ask.address, now).await).await?;
    app.db.tx(isp, async |tx| router::store::get(tx, isp, ask.router).await.map(drop)).await?;
    let session = match paid(app, isp, ask).await? {
        Some(session) => session,
        None => {
            claim(app, isp, ask).await?;
            paid(app, isp, ask).await?.ok_or_else(|| {
                Error::new(Reason::ReceiptNotFound, "No payment with this phone and receipt was found. Check both, or wait a minute if you have just paid.")
            })?
        }
    };
    if session.row.router_id != ask.router {
        return Err(Error::new(Reason::ReceiptNotFound, "This payment was made at another WiFi spot. Please connect there."));
    }
    match session.status {
        Status::Paid | Status::Active => {
            let device = grant::Device { mac: ask.mac, ip: ask.client_ip, login_url: ask.login_url.clone() };
            app.db.tx(isp, async |tx| grant::move_to(tx, isp, &session, &device, now).await).await
        }
        Status::Expired => Err(Error::new(Reason::PurchaseEnded, "The time of this payment is over. Please buy again.")),
        Status::AwaitingPayment | Status::Failed => Err(Error::new(Reason::ReceiptNotFound, "This payment has not gone through.")),
    }
}

async fn paid(app: &App, isp: IspId, ask: &ResumeAsk) -> Result<Option<Session>> {
    app.db.tx(isp, async |tx| session::of_receipt(tx, isp, ask.phone.digits(), &ask.mpesa_receipt).await).await
}

/// Asks the gateway whether the receipt pays for one of this phone's purchases whose end we never learnt.
async fn claim(app: &App, isp: IspId, ask: &ResumeAsk) -> Result<()> {
    let since = app.clock.now() - UNFINISHED_SINCE;
    let unfinished = app.db.tx(isp, async |tx| session::unfinished_of_phone(tx, isp, ask.phone.digits(), since).await).await?;
    for payment in unfinished {
        adopt_receipt(app, isp, payment, &ask.mpesa_receipt).await?;
    }
    Ok(())
}
