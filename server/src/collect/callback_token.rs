//! The secret part of a payment's callback address: its ISP and id, and a MAC that only we can make. Nothing is stored,
//! nobody can guess one, and one payment's address says nothing of another's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::id::{IspId, PaymentId};

/// The kind of a callback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackKind {
    /// ISPs paying Netily.
    Subscription,
    /// Hotspot purchases.
    Hotspot,
    /// Invoices and recharges.
    Billing,
    /// Settlements.
    Payout,
}

impl CallbackKind {
    /// As it stands in the address.
    pub const fn as_path(self) -> &'static str {
        match self {
            CallbackKind::Subscription => "subscription",
            CallbackKind::Hotspot => "hotspot",
            CallbackKind::Billing => "billing",
            CallbackKind::Payout => "payout",
        }
    }

    /// From the address.
    pub fn parse(text: &str) -> Option<CallbackKind> {
        [CallbackKind::Subscription, CallbackKind::Hotspot, CallbackKind::Billing, CallbackKind::Payout].into_iter().find(|kind| kind.as_path() == text)
    }
}

/// Length of the MAC: 128 bits.
const MAC_BYTES: usize = 16;

fn mac(key: &[u8], kind: CallbackKind, ids: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"payhero callback ");
    mac.update(kind.as_path().as_bytes());
    mac.update(b" ");
    mac.update(ids);
    mac
}

/// The token of a payment.
pub fn make(key: &[u8], kind: CallbackKind, isp: IspId, payment: PaymentId) -> String {
    let mut token = [isp.uuid().into_bytes(), payment.uuid().into_bytes()].concat();
    let tag = mac(key, kind, &token).finalize().into_bytes();
    token.extend_from_slice(&tag[..MAC_BYTES]);
    URL_SAFE_NO_PAD.encode(token)
}

/// Whose token it is; `None` when we did not make it. Compares in constant time.
pub fn read(key: &[u8], kind: CallbackKind, token: &str) -> Option<(IspId, PaymentId)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 32 + MAC_BYTES)?;
    let (ids, tag) = bytes.split_at(32);
    mac(key, kind, ids).verify_truncated_left(tag).ok()?;
    let (isp, payment) = ids.split_at(16);
    Some((Uuid::from_slice(isp).ok()?.into(), Uuid::from_slice(payment).ok()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_token_of_the_same_kind_is_read() {
        let (isp, payment) = (IspId::unguessable(), PaymentId::unguessable());
        let token = make(b"key", CallbackKind::Hotspot, isp, payment);
        assert_eq!(read(b"key", CallbackKind::Hotspot, &token), Some((isp, payment)));
        assert_eq!(read(b"key", CallbackKind::Billing, &token), None);
        assert_eq!(read(b"other", CallbackKind::Hotspot, &token), None);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(b"key", CallbackKind::Hotspot, &String::from_utf8(forged).expect("ascii")), None, "changed at {at}");
        }
        for wrong in ["", "A", &token[1..], &format!("{token}AAAA")] {
            assert_eq!(read(b"key", CallbackKind::Hotspot, wrong), None);
        }
    }
}
