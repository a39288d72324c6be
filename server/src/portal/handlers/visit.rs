//! Who visits a captive page: the ISP from the host, the router from the path, the device and the language from what
//! was sent. Judges form only; whether there is such a router is for the slices.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use askama::Template;
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use rand::Rng as _;

use super::answer;
use super::refused::Refused;
use crate::actor::Tenant;
use crate::app::App;
use crate::gateways::routeros::MacAddress;
use crate::host;
use crate::id::{RouterId, SessionId};
use crate::portal::{Branding, Device, ErrorKind, Fields, FormTarget, Frame, Lang, SafeLink, paths};
use crate::{isp, router};

/// One visit to a page of a router.
pub struct Visit {
    /// The doors.
    pub app: Arc<App>,
    /// The ISP.
    pub tenant: Tenant,
    /// What was sent: the parameters of the address, or the fields of the form.
    pub fields: Fields,
    /// The device, as far as the router told.
    pub device: Device,
    /// Language of the page.
    pub lang: Lang,
    /// Where the call came from; the unspecified address when the server was not told.
    pub address: IpAddr,
    place: Place,
    nonce: String,
}

/// What the path names, where it is well-formed.
#[derive(Default)]
struct Place {
    router: Option<RouterId>,
    session: Option<SessionId>,
    paper: String,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let fields = Fields::parse(parts.uri.query().unwrap_or_default());
        let lang = lang(parts, &fields);
        let tenant = match tenant(parts, app).await {
            Ok(tenant) => tenant,
            Err(refused) => return Err(refused.say(Frame { lang, nonce: nonce(), branding: Branding::unknown(), router_id: None, device: Device::default() })),
        };
        let address = app.config.address_of(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0), &parts.headers);
        let place = place(parts, app).await;
        Ok(Visit { app: app.clone(), tenant, device: Device::read(&fields), fields, lang, address, place, nonce: nonce() })
    }
}

impl Visit {
    /// What was sent is a form, not the address.
    pub fn sent(self, parts: &Parts, fields: Fields) -> Visit {
        Visit { lang: lang(parts, &fields), device: Device::read(&fields), fields, ..self }
    }

    /// The router in the path. It may not exist.
    pub fn router(&self) -> Result<RouterId, ErrorKind> {
        self.place.router.ok_or(ErrorKind::UnknownRouter)
    }

    /// The purchase in the path. It may not exist.
    pub fn session(&self) -> Result<SessionId, ErrorKind> {
        self.place.session.ok_or(ErrorKind::PurchaseNotFound)
    }

    /// The token of the paper in the path.
    pub fn paper(&self) -> &str {
        &self.place.paper
    }

    /// The device's hardware address.
    pub fn mac(&self) -> Option<MacAddress> {
        self.device.mac.as_deref().and_then(MacAddress::parse)
    }

    /// The device's address on the WiFi; hotspots speak IPv4 only.
    pub fn client_ip(&self) -> Option<Ipv4Addr> {
        self.device.ip.as_deref().and_then(|ip| ip.parse().ok())
    }

    /// The router's login address.
    pub fn login_url(&self) -> Option<String> {
        self.device.link_login_only.as_ref().map(|link| SafeLink::as_str(link).to_owned())
    }

    /// A field as the person typed it; empty when it was not sent.
    pub fn typed(&self, name: &str) -> String {
        self.fields.get(name).unwrap_or_default().to_owned()
    }

    /// The look of the ISP, once its router is known to exist.
    pub async fn look(&self) -> Result<isp::Branding, Refused> {
        let at = self.router()?;
        let isp = self.tenant.id;
        let look = self.app.db.tx(isp, async |tx| {
            router::store::get(tx, isp, at).await?;
            isp::look(tx, isp).await
        });
        Ok(look.await?)
    }

    /// What all pages have in common.
    pub fn frame(&self, look: isp::Branding) -> Frame {
        self.framed(branding(look))
    }

    /// The answer with a page whose frame is this visit's.
    pub fn page(&self, status: StatusCode, page: &impl Template, forms: FormTarget) -> Result<Response, Refused> {
        Ok(answer::page(status, page, &self.nonce, forms)?)
    }

    /// 303 to the page of a purchase, with everything carried along.
    pub fn to_purchase(&self, at: RouterId, id: SessionId) -> Result<Response, Refused> {
        let path = paths::purchase(&at.to_string(), &id.to_string());
        Ok(answer::see_other(&paths::with_state(&path, &self.device, self.lang, &[]))?)
    }

    /// The handler's answer, or the page that says why there is none.
    pub async fn answer(&self, result: Result<Response, Refused>) -> Response {
        match result {
            Ok(answer) => answer,
            // The database may be what broke: it is not asked again for the look.
            Err(broken @ Refused::Broken(_)) => broken.say(self.framed(Branding::unknown())),
            Err(refused) => {
                let isp = self.tenant.id;
                let look = self.app.db.tx(isp, async |tx| isp::look(tx, isp).await).await;
                refused.say(self.framed(look.map_or_else(|_| Branding::unknown(), branding)))
            }
        }
    }

    fn framed(&self, branding: Branding) -> Frame {
        let router_id = self.place.router.map(|id| id.to_string());
        Frame { lang: self.lang, nonce: self.nonce.clone(), branding, router_id, device: self.device.clone() }
    }
}

async fn tenant(parts: &Parts, app: &App) -> Result<Tenant, Refused> {
    let label = host::authority(&parts.uri, &parts.headers).and_then(|here| host::label(here, &app.config.base_domain));
    Ok(isp::tenant(&app.db, &label.ok_or(ErrorKind::UnknownIsp)?).await?)
}

async fn place(parts: &mut Parts, app: &Arc<App>) -> Place {
    let mut place = Place::default();
    let Ok(params) = RawPathParams::from_request_parts(parts, app).await else { return place };
    for (name, value) in &params {
        match name {
            "router_id" => place.router = value.parse().ok(),
            "session_id" => place.session = value.parse().ok(),
            "token" => value.clone_into(&mut place.paper),
            _ => {}
        }
    }
    place
}

fn lang(parts: &Parts, fields: &Fields) -> Lang {
    let preferred = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Lang::choose(fields.get("lang"), preferred)
}

/// 128 random bits, fresh for each answer.
fn nonce() -> String {
    let mut random = [0u8; 16];
    rand::rng().fill_bytes(&mut random);
    hex::encode(random)
}

/// The look as pages want it: what is empty is missing.
fn branding(look: isp::Branding) -> Branding {
    let filled = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    Branding {
        display_name: look.display_name,
        logo_url: filled(look.logo_url),
        primary_color: look.primary_color,
        welcome_title: look.welcome_title,
        welcome_message: look.welcome_message,
        support_phone: filled(look.support_phone),
    }
}
