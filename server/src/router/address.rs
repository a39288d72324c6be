//! Which addresses the platform may call on behalf of an ISP. A router's host is typed by a person, so it is resolved
//! once per call, judged, and called at exactly that address: a name cannot point elsewhere in between.

use std::net::{IpAddr, SocketAddr};

use crate::config::Network;

/// What may be called.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Private networks in which routers may be (the far ends of tunnels).
    pub networks: Vec<Network>,
    /// Loopback: in the demo and in tests only, where the routers are stand-ins.
    pub loopback: bool,
}

impl Allowed {
    /// Whether an address may be called. Public unicast always; private only where configured; nothing else.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address.is_loopback() {
            return self.loopback;
        }
        if address.is_unspecified() || address.is_multicast() || special(address) {
            return false;
        }
        if private(address) { self.networks.iter().any(|network| network.contains(address)) } else { true }
    }

    /// Resolves a host and gives the first address that may be called.
    pub async fn resolve(&self, host: &str, port: u16) -> Option<SocketAddr> {
        tokio::net::lookup_host((host, port)).await.ok()?.find(|address| self.permits(address.ip()))
    }
}

/// Link-local (which holds the metadata services of clouds), documentation, benchmarking, reserved and broadcast ranges.
fn special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 198 && (b & 0xfe) == 18)
                || (a == 192 && b == 0 && c == 0)
        }
        IpAddr::V6(v6) => (v6.segments()[0] & 0xffc0) == 0xfe80 || v6.segments()[..2] == [0x2001, 0x0db8] || v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0],
    }
}

/// Private use, and the range of carriers.
fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && (v4.octets()[1] & 0xc0) == 64),
        IpAddr::V6(v6) => (v6.segments()[0] & 0xfe00) == 0xfc00,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_and_configured_addresses_may_be_called() {
        let allowed = Allowed { networks: vec!["10.99.0.0/16".parse().expect("a network")], loopback: false };
        for (address, may) in [
            ("41.90.1.2", true),
            ("10.99.3.4", true),
            ("2c0f:fe38::1", true),
            ("10.98.3.4", false),
            ("192.168.88.1", false),
            ("172.16.0.1", false),
            ("100.64.0.1", false),
            ("fd00::1", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
            ("255.255.255.255", false),
            ("192.0.2.1", false),
            ("198.18.0.1", false),
            ("240.0.0.1", false),
            ("64:ff9b::7f00:1", false),
        ] {
            assert_eq!(allowed.permits(address.parse().expect("an address")), may, "{address}");
        }
        let demo = Allowed { loopback: true, ..Allowed::default() };
        assert!(demo.permits("127.0.0.1".parse().expect("an address")));
        assert!(!demo.permits("169.254.169.254".parse().expect("an address")));
    }
}
