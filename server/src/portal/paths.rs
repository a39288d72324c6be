//! The addresses of the captive pages, as patterns for the server's table and as finished links for the pages.
//! All state lives in the address: the captive sheet of a phone has no storage and forgets cookies.

use form_urlencoded::{Serializer, byte_serialize};

use super::view::Device;
use crate::lang::Lang;

/// GET shows the plans, POST starts a purchase.
pub const PLANS: &str = "/hotspot/{router_id}";
/// GET shows how a purchase stands.
pub const PURCHASE: &str = "/hotspot/{router_id}/purchase/{session_id}";
/// GET asks for phone and receipt, POST finds the purchase.
pub const RESUME: &str = "/hotspot/{router_id}/resume";
/// GET asks for the phone that got a prompt nobody wanted, POST stops prompts to it.
pub const NOT_ME: &str = "/hotspot/{router_id}/not-me";

/// GET says what the paper is whose code was scanned.
pub const PAPER: &str = "/paper/{token}";

/// Path of the page of a paper.
pub fn paper(token: &str) -> String {
    format!("/paper/{}", segment(token))
}

/// Path of the plans page.
pub fn plans(router_id: &str) -> String {
    format!("/hotspot/{}", segment(router_id))
}

/// Path of the page of one purchase.
pub fn purchase(router_id: &str, session_id: &str) -> String {
    format!("/hotspot/{}/purchase/{}", segment(router_id), segment(session_id))
}

/// Path of "Already paid?".
pub fn resume(router_id: &str) -> String {
    format!("/hotspot/{}/resume", segment(router_id))
}

/// Path of "This was not me".
pub fn not_me(router_id: &str) -> String {
    format!("/hotspot/{}/not-me", segment(router_id))
}

/// A path with everything the router told us, the language, and `extra` parameters behind it.
pub fn with_state(path: &str, device: &Device, lang: Lang, extra: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(device.pairs()).append_pair("lang", lang.code()).extend_pairs(extra);
    format!("{path}?{}", query.finish())
}

fn segment(id: &str) -> String {
    byte_serialize(id.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portal::Fields;

    #[test]
    fn state_survives_the_way_through_an_address() {
        let query = "mac=aa-bb-cc-dd-ee-ff&ip=10.5.50.20&link-login-only=http%3A%2F%2F10.5.50.1%2Flogin\
                     &link-orig=http%3A%2F%2Fnews.example%2F%3Fa%3D1%26b%3D2&chap-id=%5C371&chap-challenge=%5C357%5C015";
        let device = Device::read(&Fields::parse(query));
        let link = with_state(&plans("rtr_1"), &device, Lang::Swahili, &[("plan", "hpl_2")]);
        let (path, query) = link.split_once('?').unwrap();
        assert_eq!(path, "/hotspot/rtr_1");
        let fields = Fields::parse(query);
        assert_eq!(Device::read(&fields), device);
        assert_eq!((fields.get("lang"), fields.get("plan")), (Some("sw"), Some("hpl_2")));
        assert_eq!(device.mac.as_deref(), Some("AA:BB:CC:DD:EE:FF"));
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        assert_eq!(plans("../a?b=\"c"), "/hotspot/..%2Fa%3Fb%3D%22c");
    }
}
