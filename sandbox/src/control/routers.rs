//! Routers: what they hold, their power switch, and the devices that join and use the WiFi. The routers themselves decide.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Refused, read};
use crate::routeros::RouterHandle;
use crate::world::World;

/// The names and addresses.
pub(super) async fn list(State(world): State<Arc<World>>) -> Answer {
    let routers = world.routers.iter().map(|(name, router)| {
        json!({
            "name": name,
            "address": router.address().to_string(),
            "tls_address": router.tls_address().to_string(),
            "certificate_sha256": router.certificate_sha256(),
        })
    });
    Ok(Json(json!({"routers": routers.collect::<Vec<_>>()})))
}

/// Everything that a router holds.
pub(super) async fn show(State(world): State<Arc<World>>, Path(name): Path<String>) -> Answer {
    Ok(Json(router(&world, &name)?.snapshot().await))
}

/// Power, version and manners.
pub(super) async fn set_state(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let wanted: Value = read(&body)?;
    router.set_state(wanted).await.map_err(Refused::bad)?;
    Ok(Json(router.snapshot().await))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    mac: String,
    ip: String,
}

/// A device joins the WiFi.
pub(super) async fn join_host(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let device: Device = read(&body)?;
    router.join_host(&device.mac, &device.ip).await.map_err(Refused::conflict)?;
    Ok(Json(json!({"mac": device.mac, "ip": device.ip})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Traffic {
    user: String,
    #[serde(default)]
    bytes_in: u64,
    #[serde(default)]
    bytes_out: u64,
    #[serde(default)]
    seconds: u64,
}

/// A device that is online uses the WiFi for a while.
pub(super) async fn traffic(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let used: Traffic = read(&body)?;
    let outcome = router.traffic(&used.user, used.bytes_in, used.bytes_out, used.seconds).await;
    outcome.map_err(Refused::conflict)?;
    Ok(Json(router.snapshot().await))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaver {
    mac: String,
}

/// A device leaves the WiFi.
pub(super) async fn leave_host(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let device: Leaver = read(&body)?;
    router.leave_host(&device.mac).await.map_err(Refused::conflict)?;
    Ok(Json(json!({"mac": device.mac})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    mac: String,
    ip: String,
    username: String,
    password: String,
}

/// A device's browser submits the router's login form.
pub(super) async fn log_in(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let form: Login = read(&body)?;
    let outcome = router.browser_login(&form.mac, &form.ip, &form.username, &form.password).await;
    outcome.map_err(Refused::conflict)?;
    Ok(Json(json!({"username": form.username})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dial {
    name: String,
    password: String,
    #[serde(default)]
    caller_id: String,
}

/// A subscriber's box dials in over PPPoE.
pub(super) async fn dial(State(world): State<Arc<World>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let router = router(&world, &name)?;
    let dialled: Dial = read(&body)?;
    let outcome = router.ppp_dial(&dialled.name, &dialled.password, &dialled.caller_id).await;
    outcome.map_err(Refused::conflict)?;
    Ok(Json(json!({"name": dialled.name})))
}

fn router<'a>(world: &'a World, name: &str) -> Result<&'a RouterHandle, Refused> {
    world.routers.get(name).ok_or_else(|| Refused::missing(format!("there is no router {name}")))
}
