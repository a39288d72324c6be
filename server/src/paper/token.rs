//! The secret part of the address that a paper's QR code leads to: whose paper it is, which one, and a MAC that only we can make. Nothing
//! is stored, and nobody can guess one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::id::IspId;

/// What a paper is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An invoice.
    Invoice,
    /// A payment by prompt.
    Payment,
    /// Money that the ISP took itself.
    OfflinePayment,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Invoice, Kind::Payment, Kind::OfflinePayment];

    const fn byte(self) -> u8 {
        match self {
            Kind::Invoice => b'i',
            Kind::Payment => b'p',
            Kind::OfflinePayment => b'o',
        }
    }
}

/// Length of the MAC: 96 bits, which keeps the QR code coarse enough for an old phone.
const MAC_BYTES: usize = 12;

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(b"netily paper ");
    mac.update(text);
    mac
}

/// The token of a paper of an ISP. The ISP itself is named by the host, and bound by the MAC.
pub fn make(key: &[u8], isp: IspId, kind: Kind, id: Uuid) -> String {
    let mut token = vec![kind.byte()];
    token.extend_from_slice(id.as_bytes());
    let tag = mac(key, &[isp.uuid().as_bytes(), token.as_slice()].concat()).finalize().into_bytes();
    token.extend_from_slice(&tag[..MAC_BYTES]);
    URL_SAFE_NO_PAD.encode(token)
}

/// Which paper it is; `None` when we did not make it for this ISP. Compares in constant time.
pub fn read(key: &[u8], isp: IspId, token: &str) -> Option<(Kind, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 17 + MAC_BYTES)?;
    let (said, tag) = bytes.split_at(17);
    mac(key, &[isp.uuid().as_bytes(), said].concat()).verify_truncated_left(tag).ok()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.byte() == said[0])?;
    Some((kind, Uuid::from_slice(&said[1..]).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_token_of_the_same_isp_is_read() {
        let (isp, id) = (IspId::unguessable(), Uuid::new_v4());
        let token = make(b"key", isp, Kind::Invoice, id);
        assert_eq!(read(b"key", isp, &token), Some((Kind::Invoice, id)));
        assert_eq!(read(b"other", isp, &token), None);
        assert_eq!(read(b"key", IspId::unguessable(), &token), None);
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(read(b"key", isp, &String::from_utf8(forged).expect("ascii")), None, "changed at {at}");
        }
        for wrong in ["", "A", &format!("{token}AAAA")] {
            assert_eq!(read(b"key", isp, wrong), None);
        }
    }
}
