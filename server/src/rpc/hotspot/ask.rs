//! From requests of the hotspot to what the slice is asked. Pure.

use std::net::IpAddr;

use netily_sdk::hotspot as pb;

use crate::collect::ResumeAsk;
use crate::error::{Error, Result};
use crate::hotspot::{Ask, PlanDraft, Status};
use crate::rpc::fields;

/// Ten gigabits a second.
const KBPS_MAX: i32 = 10_000_000;
const DEVICES_MAX: i32 = 100;
const ROUTERS_MAX: usize = 200;

/// A purchase that is asked for.
pub fn purchase(mut ask: pb::PurchaseRequest, address: IpAddr, key: &[u8]) -> Result<Ask> {
    let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, key)?;
    Ok(Ask {
        router: fields::parse("router_id", &ask.router_id)?,
        plan: fields::parse("plan_id", &ask.plan_id)?,
        phone: fields::phone("phone_number", &ask.phone_number)?,
        mac: fields::optional("mac_address", &ask.mac_address, fields::mac)?,
        client_ip: fields::optional("client_ip", &ask.client_ip, fields::ipv4)?,
        login_url: fields::optional("login_url", &ask.login_url, fields::link)?,
        request_id,
        request_hash,
        address,
    })
}

/// A paid purchase that is asked for again. Without the device there would be nobody to let in.
pub fn resume(ask: pb::ResumePurchaseRequest, address: IpAddr) -> Result<ResumeAsk> {
    Ok(ResumeAsk {
        router: fields::parse("router_id", &ask.router_id)?,
        phone: fields::phone("phone_number", &ask.phone_number)?,
        mpesa_receipt: fields::receipt("mpesa_receipt", &ask.mpesa_receipt)?,
        mac: Some(fields::mac("mac_address", &ask.mac_address)?),
        client_ip: fields::optional("client_ip", &ask.client_ip, fields::ipv4)?,
        login_url: fields::optional("login_url", &ask.login_url, fields::link)?,
        address,
    })
}

/// A plan as staff want it. No number of devices means one.
pub fn draft(plan: pb::Plan) -> Result<PlanDraft> {
    if plan.router_ids.len() > ROUTERS_MAX {
        return Err(Error::field("plan.router_ids", format!("must be at most {ROUTERS_MAX} routers; leave it empty for all")));
    }
    let router_ids = plan.router_ids.iter().enumerate().map(|(at, id)| fields::parse(&format!("plan.router_ids[{at}]"), id)).collect::<Result<_>>()?;
    Ok(PlanDraft {
        name: fields::text("plan.name", &plan.name, 60)?,
        price_minor: fields::price("plan.price", plan.price.as_ref())?,
        duration_seconds: plan.duration.map(|span| fields::seconds("plan.duration", span)).transpose()?,
        data_cap_bytes: fields::between("plan.data_cap_bytes", plan.data_cap_bytes, 0, i64::MAX)?,
        download_kbps: fields::between("plan.download_kbps", plan.download_kbps, 0, KBPS_MAX)?,
        upload_kbps: fields::between("plan.upload_kbps", plan.upload_kbps, 0, KBPS_MAX)?,
        shared_devices: fields::between("plan.shared_devices", plan.shared_devices, 0, DEVICES_MAX)?.max(1),
        weekdays: fields::weekdays("plan.weekdays", &plan.weekdays)?,
        router_ids,
    })
}

/// The status of purchases to list.
pub const fn status(status: pb::PurchaseStatus) -> Option<Status> {
    match status {
        pb::PurchaseStatus::Unspecified => None,
        pb::PurchaseStatus::AwaitingPayment => Some(Status::AwaitingPayment),
        pb::PurchaseStatus::Paid => Some(Status::Paid),
        pb::PurchaseStatus::Active => Some(Status::Active),
        pb::PurchaseStatus::Failed => Some(Status::Failed),
        pb::PurchaseStatus::Expired => Some(Status::Expired),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use netily_sdk::types::Money;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const UUID: &str = "6fa459ea-ee8a-4ca4-894e-db77e160355e";

    fn bought() -> pb::PurchaseRequest {
        pb::PurchaseRequest {
            router_id: "rtr_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f".into(),
            plan_id: "hpl_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f".into(),
            phone_number: "0712345678".into(),
            request_id: UUID.into(),
            ..pb::PurchaseRequest::default()
        }
    }

    fn sold() -> pb::Plan {
        pb::Plan { name: "Hour".into(), price: Some(Money { amount_minor: 1_000, currency_code: "KES".into() }), ..pb::Plan::default() }
    }

    #[test]
    fn each_field_of_a_purchase_is_judged_by_its_name() {
        assert!(purchase(bought(), HERE, b"key").is_ok(), "device, address and login page may be unknown");
        type Spoil = fn(&mut pb::PurchaseRequest);
        let table: [(&str, Spoil); 7] = [
            ("request_id", |ask| ask.request_id = "x".into()),
            ("router_id", |ask| ask.router_id = "rtr_1".into()),
            ("plan_id", |ask| ask.plan_id = String::new()),
            ("phone_number", |ask| ask.phone_number = "0812345678".into()),
            ("mac_address", |ask| ask.mac_address = "AA:BB".into()),
            ("client_ip", |ask| ask.client_ip = "::1".into()),
            ("login_url", |ask| ask.login_url = "javascript:alert(1)".into()),
        ];
        for (path, spoil) in table {
            let mut ask = bought();
            spoil(&mut ask);
            assert_eq!(purchase(ask, HERE, b"key").expect_err("refused").fields[0].0, path);
        }
    }

    #[test]
    fn a_resumed_purchase_needs_a_receipt_and_a_device() {
        let good = pb::ResumePurchaseRequest {
            router_id: bought().router_id,
            phone_number: "0712345678".into(),
            mpesa_receipt: "sjk7y6h4tq".into(),
            mac_address: "aa-bb-cc-dd-ee-ff".into(),
            ..pb::ResumePurchaseRequest::default()
        };
        assert_eq!(resume(good.clone(), HERE).expect("reads").mpesa_receipt, "SJK7Y6H4TQ");
        let without = |ask| resume(ask, HERE).expect_err("refused").fields[0].0.clone();
        assert_eq!(without(pb::ResumePurchaseRequest { mpesa_receipt: String::new(), ..good.clone() }), "mpesa_receipt");
        assert_eq!(without(pb::ResumePurchaseRequest { mac_address: String::new(), ..good }), "mac_address");
    }

    #[test]
    fn each_field_of_a_plan_is_judged_by_its_name() {
        let plain = draft(sold()).expect("reads");
        assert_eq!((plain.duration_seconds, plain.shared_devices), (None, 1), "without end, and for one device");
        type Spoil = fn(&mut pb::Plan);
        let table: [(&str, Spoil); 11] = [
            ("plan.name", |plan| plan.name = "x".repeat(61)),
            ("plan.price", |plan| plan.price = None),
            ("plan.price.amount_minor", |plan| plan.price = Some(Money { amount_minor: 1_050, currency_code: "KES".into() })),
            ("plan.price.currency_code", |plan| plan.price = Some(Money { amount_minor: 1_000, currency_code: "USD".into() })),
            ("plan.duration", |plan| plan.duration = Some(prost_types::Duration { seconds: 0, nanos: 0 })),
            ("plan.data_cap_bytes", |plan| plan.data_cap_bytes = -1),
            ("plan.download_kbps", |plan| plan.download_kbps = -1),
            ("plan.upload_kbps", |plan| plan.upload_kbps = KBPS_MAX + 1),
            ("plan.shared_devices", |plan| plan.shared_devices = 101),
            ("plan.weekdays", |plan| plan.weekdays = vec![1, 8]),
            ("plan.router_ids[1]", |plan| plan.router_ids = vec!["rtr_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f".into(), "hpl_1".into()]),
        ];
        for (path, spoil) in table {
            let mut plan = sold();
            spoil(&mut plan);
            assert_eq!(draft(plan).expect_err("refused").fields[0].0, path);
        }
    }
}
