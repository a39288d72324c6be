//! Registering a router: the address is judged, the password sealed, nothing is called yet.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;

use super::store::{self, Router};
use crate::allowance::{self, Thing};
use crate::app::App;
use crate::error::{Error, Reason, Result, is_duplicate};
use crate::id::{IspId, RequestId, RouterId};
use crate::schema::router;

/// A router to be registered.
#[derive(Clone, Debug)]
pub struct NewRouter {
    /// Name for people.
    pub name: String,
    /// Host name or address of the API.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The pinned certificate; `None` calls without TLS.
    pub certificate_sha256: Option<[u8; 32]>,
    /// API user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// Name of the hotspot server.
    pub hotspot_server: String,
    /// The client's id of the request.
    pub request_id: RequestId,
    /// Hash of the request's content.
    pub request_hash: Vec<u8>,
}

/// Stores the router.
pub async fn register(app: &App, isp: IspId, new: NewRouter) -> Result<Router> {
    // One answer for a refused address and for a name that does not resolve: it must not tell what is inside our network.
    if app.router_addresses.resolve(&new.host, new.port).await.is_none() {
        return Err(Error {
            fields: vec![("host".into(), "must be an address that the platform may call".into())],
            ..Error::new(Reason::AddressRefused, "The platform cannot call this address.")
        });
    }
    let now = app.clock.now();
    let id = RouterId::sortable(now);
    let sealed = app.seal.seal(&Router::row(isp, id), &new.password)?;
    app.db
        .tx(isp, async |tx| {
            let before: Option<Router> = router::table
                .filter(router::tenant_id.eq(isp).and(router::request_id.eq(new.request_id.0)))
                .select(Router::as_select())
                .first(&mut **tx)
                .await
                .optional()?;
            if let Some(before) = before {
                return if before.request_hash == new.request_hash {
                    Ok(before)
                } else {
                    Err(Error::new(Reason::RequestIdReused, "This request_id was used before with other content."))
                };
            }
            allowance::allow(tx, isp, Thing::Router).await?;
            diesel::insert_into(router::table)
                .values((
                    (
                        router::tenant_id.eq(isp),
                        router::id.eq(id),
                        router::name.eq(&new.name),
                        router::host.eq(&new.host),
                        router::port.eq(i32::from(new.port)),
                    ),
                    (router::use_tls.eq(new.certificate_sha256.is_some()), router::certificate_sha256.eq(new.certificate_sha256.map(Vec::from))),
                    (router::username.eq(&new.username), router::password_sealed.eq(&sealed), router::hotspot_server.eq(&new.hotspot_server)),
                    (router::request_id.eq(new.request_id.0), router::request_hash.eq(&new.request_hash), router::created_at.eq(now)),
                ))
                .execute(&mut **tx)
                .await
                .map_err(|cause| {
                    if is_duplicate(&cause) {
                        Error {
                            fields: vec![("name".into(), "is used by another router".into())],
                            ..Error::new(Reason::AlreadyExists, "Another router has this name.")
                        }
                    } else {
                        cause.into()
                    }
                })?;
            store::get(tx, isp, id).await
        })
        .await
}
