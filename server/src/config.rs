//! Configuration from the environment, read once, every fault reported at once. Secrets have no default.
//! `.env.example` documents each name.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use http::HeaderMap;
use secrecy::SecretString;

use crate::gateways::mail::Settings as MailSettings;
use crate::gateways::payhero::{Generation, Settings as PayheroSettings};
use crate::gateways::sms::Settings as SmsSettings;
use crate::host;
use crate::money::{Money, Rate};

/// Where PayHero shall send its callbacks; the token of a payment is appended to each.
#[derive(Clone, Debug)]
pub struct Callbacks {
    /// ISPs paying Netily.
    pub subscription: String,
    /// Hotspot purchases.
    pub hotspot: String,
    /// Invoices and recharges.
    pub billing: String,
    /// Settlements.
    pub payout: String,
}

/// Bounds of payments to ISPs.
#[derive(Clone, Copy, Debug)]
pub struct Payouts {
    /// The most of one payment; more is paid in several.
    pub cap_per_payment: Money,
    /// The most that one ISP is paid in a day.
    pub cap_per_isp_day: Money,
    /// The most that all ISPs are paid in a day.
    pub cap_per_day: Money,
    /// How long a changed destination is not paid.
    pub hold: TimeDelta,
    /// What a withdrawal between two payouts costs the ISP.
    pub withdraw_fee: Money,
    /// Operators are told when less of Netily's own money is left in the wallet that payouts are paid from.
    pub low_payments: Money,
    /// The same of the wallet that the charges of prompts are paid from.
    pub low_service: Money,
}

/// Everything that can be set.
#[derive(Clone)]
pub struct Config {
    /// PostgreSQL as the role netily_app.
    pub database_url: SecretString,
    /// Connections of one process.
    pub database_connections: usize,
    /// Where `serve` listens.
    pub listen: SocketAddr,
    /// Domain below which each ISP has its subdomain.
    pub base_domain: String,
    /// Netily's part of a payment unless an ISP has its own.
    pub commission_rate: Rate,
    /// Keys that sign access tokens: id and secret. The first signs, all verify.
    pub token_keys: Vec<(String, Vec<u8>)>,
    /// Keys that seal secrets at rest: id and key. The first seals, all open.
    pub encryption_keys: Vec<(u8, [u8; 32])>,
    /// Key of the tokens in callback addresses.
    pub callback_key: Vec<u8>,
    /// The payment gateway.
    pub payhero: PayheroSettings,
    /// Where its callbacks go.
    pub callbacks: Callbacks,
    /// Networks of private addresses in which routers may be.
    pub router_networks: Vec<Network>,
    /// Networks of our own proxies, whose word on where a call comes from is taken.
    pub proxy_networks: Vec<Network>,
    /// The provider of text messages.
    pub sms: SmsSettings,
    /// A second one, for what the first does not take.
    pub sms_fallback: Option<SmsSettings>,
    /// Text messages that one ISP may send at once, and in a day.
    pub sms_per_isp_day: i32,
    /// The most that one operator may move by an act; above it two must ask for the same.
    pub two_person_above: Money,
    /// Bounds of payments to ISPs.
    pub payouts: Payouts,
    /// Folder of the journal outside the database; none: it is not kept.
    pub journal: Option<std::path::PathBuf>,
    /// A pulse of the workers that is older means that the past may have been lost: nobody is paid until it was compared.
    pub pulse_gap: TimeDelta,
    /// The mail server.
    pub mail: MailSettings,
    /// Where browsers find an ISP's pages: an origin in which `{isp}` stands for its subdomain.
    pub public_url: String,
}

/// The subdomain of the platform's own pages; no ISP may have it.
pub const PLATFORM_LABEL: &str = "admin";

/// An IPv4 or IPv6 network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: std::net::IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is inside.
    pub fn contains(&self, other: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        match (self.address, other) {
            (V4(mine), V4(theirs)) => self.bits == 0 || (mine.to_bits() ^ theirs.to_bits()) >> (32 - u32::from(self.bits)) == 0,
            (V6(mine), V6(theirs)) => self.bits == 0 || (mine.to_bits() ^ theirs.to_bits()) >> (128 - u32::from(self.bits)) == 0,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Network, Self::Err> {
        const WANTED: &str = "must be a network, as 10.99.0.0/16";
        let (address, bits) = text.trim().split_once('/').ok_or(WANTED)?;
        let address: std::net::IpAddr = address.parse().map_err(|_| WANTED)?;
        let bits: u8 = bits.parse().map_err(|_| WANTED)?;
        if bits > if address.is_ipv4() { 32 } else { 128 } { Err(WANTED) } else { Ok(Network { address, bits }) }
    }
}

/// Limit of a call that sends a message, and of its connection.
const MESSAGE_TIMEOUTS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(10));

/// Reads names one by one and remembers what was wrong with them.
struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn is_set(&self, name: &str) -> bool {
        (self.get)(name).is_some_and(|value| !value.trim().is_empty())
    }

    fn read<T: Default, E: std::fmt::Display>(&mut self, name: &str, default: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> T {
        let value = (self.get)(name).filter(|value| !value.trim().is_empty());
        let Some(text) = value.as_deref().or(default) else {
            self.faults.push(format!("{name} is not set"));
            return T::default();
        };
        parse(text.trim()).unwrap_or_else(|fault| {
            self.faults.push(format!("{name} {fault}"));
            T::default()
        })
    }

    fn text(&mut self, name: &str, default: Option<&str>) -> String {
        self.read(name, default, |text| Ok::<_, String>(text.to_owned()))
    }

    fn url(&mut self, name: &str) -> String {
        self.read(name, None, |text| {
            let url = reqwest::Url::parse(text).map_err(|_| "must be an http or https address")?;
            if matches!(url.scheme(), "http" | "https") { Ok(format!("{}/", text.trim_end_matches('/'))) } else { Err("must be an http or https address") }
        })
    }

    fn parsed<T: FromStr + Default>(&mut self, name: &str, default: Option<&str>, wanted: &str) -> T {
        self.read(name, default, |text| text.parse().map_err(|_| wanted.to_owned()))
    }

    fn optional<T: FromStr>(&mut self, name: &str, wanted: &str) -> Option<T> {
        self.read(name, Some(""), |text| if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| wanted.to_owned()) })
    }
}

/// A provider of text messages, from the four names with this prefix.
fn sms(reader: &mut Reader<'_>, prefix: &str) -> SmsSettings {
    let settings = SmsSettings {
        base_url: reader.url(&format!("{prefix}BASE_URL")),
        username: reader.text(&format!("{prefix}USERNAME"), None),
        api_key: SecretString::from(reader.text(&format!("{prefix}API_KEY"), None)),
        sender: reader.text(&format!("{prefix}SENDER"), Some("")),
        connect_timeout: MESSAGE_TIMEOUTS.0,
        total_timeout: MESSAGE_TIMEOUTS.1,
    };
    if let (false, Err(fault)) = (settings.base_url.is_empty(), settings.check()) {
        reader.faults.push(format!("{prefix}BASE_URL cannot be used: {fault}"));
    }
    settings
}

/// `http://{isp}.localhost:8000`: an origin with the place of the subdomain.
fn public_url(text: &str) -> Result<String, &'static str> {
    const WANTED: &str = "must be the address of the pages with {isp} for the subdomain, as https://{isp}.netily.io";
    let text = text.trim_end_matches('/');
    let url = reqwest::Url::parse(&text.replacen("{isp}", "isp", 1)).map_err(|_| WANTED)?;
    let host = text.split_once("://").map(|(_, rest)| rest).filter(|rest| rest.starts_with("{isp}.") && rest.matches('{').count() == 1);
    let origin =
        matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if origin && host.is_some() { Ok(text.to_owned()) } else { Err(WANTED) }
}

fn networks(text: &str) -> Result<Vec<Network>, &'static str> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(Network::from_str).collect()
}

/// `id:hex,id:hex`: names and secrets of at least 32 bytes.
fn keys(text: &str) -> Result<Vec<(String, Vec<u8>)>, &'static str> {
    const WANTED: &str = "must be id:hex[,id:hex…] with at least 64 hex digits each (openssl rand -hex 32)";
    text.split(',')
        .map(|pair| {
            let (id, hex) = pair.trim().split_once(':').ok_or(WANTED)?;
            let key = hex::decode(hex).ok().filter(|key| key.len() >= 32).ok_or(WANTED)?;
            if id.is_empty() { Err(WANTED) } else { Ok((id.to_owned(), key)) }
        })
        .collect()
}

fn encryption_keys(text: &str) -> Result<Vec<(u8, [u8; 32])>, &'static str> {
    const WANTED: &str = "must be number:hex[,number:hex…] with 64 hex digits each (openssl rand -hex 32)";
    keys(text).map_err(|_| WANTED)?.into_iter().map(|(id, key)| Ok((id.parse().map_err(|_| WANTED)?, key.try_into().map_err(|_| WANTED)?))).collect()
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Config, String> {
        Config::read(&|name| std::env::var(name).ok())
    }

    /// Reads names from a map: for the demo and for tests.
    pub fn from_map(map: &HashMap<String, String>) -> Result<Config, String> {
        Config::read(&|name| map.get(name).cloned())
    }

    fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Config, String> {
        let mut reader = Reader { get, faults: Vec::new() };
        let database_url = SecretString::from(reader.text("DATABASE_URL", None));
        let database_connections = reader.parsed("NETILY_DATABASE_CONNECTIONS", Some("16"), "must be a number of connections");
        let listen: Option<SocketAddr> =
            reader.read("NETILY_LISTEN", Some("127.0.0.1:8000"), |text| text.parse().map(Some).map_err(|_| "must be address:port, as 127.0.0.1:8000"));
        let base_domain = reader.text("NETILY_BASE_DOMAIN", None).to_ascii_lowercase();
        let commission_rate: Option<Rate> = reader.read("NETILY_COMMISSION_RATE", Some("0.05"), |text| text.parse().map(Some));
        let token_keys = reader.read("NETILY_TOKEN_KEYS", None, keys);
        let encryption_keys = reader.read("NETILY_ENCRYPTION_KEYS", None, encryption_keys);
        let callback_key = reader.read("NETILY_CALLBACK_KEY", None, |text| {
            hex::decode(text).ok().filter(|key| key.len() >= 32).ok_or("must be at least 64 hex digits (openssl rand -hex 32)")
        });
        let router_networks = reader.read("NETILY_ROUTER_NETWORKS", Some(""), networks);
        let proxy_networks = reader.read("NETILY_PROXY_NETWORKS", Some(""), networks);
        let base_url = reader.url("PAYHERO_BASE_URL");
        let auth = SecretString::from(reader.text("PAYHERO_AUTH", None));
        let generation: Option<Generation> = reader.read("PAYHERO_GENERATION", Some("legacy"), |text| match text {
            "legacy" => Ok(Some(Generation::Legacy)),
            "v2" => Ok(Some(Generation::V2)),
            _ => Err("must be legacy or v2"),
        });
        let channel_id: Option<i64> = reader.optional("PAYHERO_CHANNEL_ID", "must be the number of a channel");
        let payout_channel_id: Option<i64> = reader.optional("PAYHERO_PAYOUT_CHANNEL_ID", "must be the number of a wallet channel");
        let account_id: Option<i64> = reader.optional("PAYHERO_ACCOUNT_ID", "must be the number of an account");
        let provider = reader.text("PAYHERO_PROVIDER", Some("sasapay"));
        let network_code: Option<String> = reader.optional("PAYHERO_NETWORK_CODE", "must be a network code");
        let callbacks = Callbacks {
            subscription: reader.url("PAYHERO_SUBSCRIPTION_CALLBACK"),
            hotspot: reader.url("PAYHERO_HOTSPOT_CALLBACK"),
            billing: reader.url("PAYHERO_BILLING_CALLBACK"),
            payout: reader.url("PAYHERO_PAYOUT_CALLBACK"),
        };
        let first_sms = sms(&mut reader, "SMS_");
        let has_fallback = ["BASE_URL", "USERNAME", "API_KEY"].iter().any(|name| reader.is_set(&format!("SMS_FALLBACK_{name}")));
        let sms_fallback = has_fallback.then(|| sms(&mut reader, "SMS_FALLBACK_"));
        let sms_per_isp_day: i32 = reader.read("NETILY_SMS_PER_ISP_DAY", Some("1000"), |text| {
            text.parse().ok().filter(|number| *number > 0).ok_or("must be a number of text messages, at least 1")
        });
        let mut shillings = |name, default| {
            reader.read(name, Some(default), |text| {
                text.parse().ok().filter(|amount| *amount >= 10).and_then(Money::from_shillings).ok_or("must be whole shillings, at least 10")
            })
        };
        let (cap_per_payment, cap_per_isp_day, cap_per_day) = (
            shillings("NETILY_PAYOUT_CAP_PER_PAYMENT", "150000"),
            shillings("NETILY_PAYOUT_CAP_PER_ISP_DAY", "500000"),
            shillings("NETILY_PAYOUT_CAP_PER_DAY", "5000000"),
        );
        let two_person_above = shillings("NETILY_TWO_PERSON_ABOVE", "5000");
        let mut from_zero = |name, default| {
            reader.read(name, Some(default), |text| {
                text.parse()
                    .ok()
                    .filter(|amount| (0..=1_000_000).contains(amount))
                    .and_then(Money::from_shillings)
                    .ok_or("must be whole shillings, 0 to 1000000")
            })
        };
        let (withdraw_fee, low_payments, low_service) =
            (from_zero("NETILY_WITHDRAW_FEE", "0"), from_zero("NETILY_LOW_FLOAT_PAYMENTS", "1000"), from_zero("NETILY_LOW_FLOAT_SERVICE", "1000"));
        let hold = reader.read("NETILY_PAYOUT_HOLD_HOURS", Some("24"), |text| {
            text.parse().ok().filter(|hours| (0..=720).contains(hours)).map(TimeDelta::hours).ok_or("must be hours, 0 to 720")
        });
        let journal: Option<std::path::PathBuf> = reader.optional("NETILY_JOURNAL", "must be a folder");
        let pulse_gap = reader.read("NETILY_PULSE_GAP_SECONDS", Some("30"), |text| {
            text.parse().ok().filter(|seconds| (15..=3_600).contains(seconds)).map(TimeDelta::seconds).ok_or("must be seconds, 15 to 3600")
        });
        let mail = MailSettings {
            url: SecretString::from(reader.text("SMTP_URL", None)),
            from: reader.text("MAIL_FROM", None),
            connect_timeout: MESSAGE_TIMEOUTS.0,
            total_timeout: MESSAGE_TIMEOUTS.1,
        };
        if reader.is_set("SMTP_URL")
            && reader.is_set("MAIL_FROM")
            && let Err(fault) = mail.check()
        {
            reader.faults.push(format!("SMTP_URL or MAIL_FROM cannot be used: {fault}"));
        }
        let public_url = reader.read("NETILY_PUBLIC_URL", None, public_url);
        if generation == Some(Generation::Legacy) && channel_id.is_none() {
            reader.faults.push("PAYHERO_CHANNEL_ID is not set, and PAYHERO_GENERATION=legacy needs it".to_owned());
        }
        if generation == Some(Generation::V2) && account_id.is_none() {
            reader.faults.push("PAYHERO_ACCOUNT_ID is not set, and PAYHERO_GENERATION=v2 needs it".to_owned());
        }
        let (Some(listen), Some(commission_rate), Some(generation), true) = (listen, commission_rate, generation, reader.faults.is_empty()) else {
            return Err(format!("The configuration has {} fault(s):\n  {}", reader.faults.len(), reader.faults.join("\n  ")));
        };
        let payhero = PayheroSettings {
            base_url,
            auth,
            generation,
            channel_id,
            account_id,
            payout_channel_id: payout_channel_id.or(channel_id),
            provider,
            network_code,
            connect_timeout: Duration::from_secs(3),
            total_timeout: Duration::from_secs(20),
        };
        Ok(Config {
            database_url,
            database_connections,
            listen,
            base_domain,
            commission_rate,
            token_keys,
            encryption_keys,
            callback_key,
            payhero,
            callbacks,
            router_networks,
            proxy_networks,
            sms: first_sms,
            sms_fallback,
            sms_per_isp_day,
            two_person_above,
            payouts: Payouts { cap_per_payment, cap_per_isp_day, cap_per_day, hold, withdraw_fee, low_payments, low_service },
            journal,
            pulse_gap,
            mail,
            public_url,
        })
    }

    /// The network address that a request comes from.
    pub fn address_of(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
        host::address(peer, headers, |address| self.proxy_networks.iter().any(|network| network.contains(address)))
    }

    /// The address of a page: `https://yellow.netily.io/verify?token=…` of the label `yellow` and the path `verify?token=…`. The
    /// platform's own pages have the label [`PLATFORM_LABEL`].
    pub fn link(&self, label: &str, path: &str) -> String {
        format!("{}/{}", self.public_url.replacen("{isp}", label, 1), path.trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let map = HashMap::from([
            ("NETILY_COMMISSION_RATE".to_owned(), "5%".to_owned()),
            ("NETILY_LISTEN".to_owned(), "nowhere".to_owned()),
            ("PAYHERO_BASE_URL".to_owned(), "ftp://x".to_owned()),
            ("SMS_BASE_URL".to_owned(), "http://api.africastalking.com".to_owned()),
            ("SMS_FALLBACK_API_KEY".to_owned(), "key".to_owned()),
            ("NETILY_SMS_PER_ISP_DAY".to_owned(), "0".to_owned()),
            ("SMTP_URL".to_owned(), "smtp://mail.example".to_owned()),
            ("MAIL_FROM".to_owned(), "no-reply@netily.io".to_owned()),
            ("NETILY_PUBLIC_URL".to_owned(), "https://netily.io".to_owned()),
        ]);
        let faults = Config::from_map(&map).err().expect("faults");
        for name in [
            "DATABASE_URL is not set",
            "NETILY_BASE_DOMAIN is not set",
            "NETILY_TOKEN_KEYS is not set",
            "NETILY_ENCRYPTION_KEYS is not set",
            "NETILY_COMMISSION_RATE must be",
            "NETILY_LISTEN must be",
            "PAYHERO_BASE_URL must be",
            "PAYHERO_AUTH is not set",
            "PAYHERO_HOTSPOT_CALLBACK is not set",
            "SMS_BASE_URL cannot be used",
            "SMS_API_KEY is not set",
            "SMS_FALLBACK_USERNAME is not set",
            "SMTP_URL or MAIL_FROM cannot be used",
            "NETILY_PUBLIC_URL must be",
            "NETILY_SMS_PER_ISP_DAY must be",
        ] {
            assert!(faults.contains(name), "{name} in {faults}");
        }
    }

    #[test]
    fn a_public_address_names_the_isp_as_its_first_label() {
        for good in ["https://{isp}.netily.io", "http://{isp}.localhost:8000/"] {
            assert_eq!(public_url(good).as_deref(), Ok(good.trim_end_matches('/')));
        }
        for wrong in [
            "",
            "https://netily.io",
            "https://netily.io/{isp}",
            "https://{isp}.{isp}.io",
            "ftp://{isp}.netily.io",
            "https://{isp}.netily.io/app",
            "{isp}.netily.io",
        ] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses() {
        let network: Network = "10.99.0.0/16".parse().expect("a network");
        assert!(network.contains("10.99.3.4".parse().expect("an address")));
        assert!(!network.contains("10.98.3.4".parse().expect("an address")));
        assert!("10.99.0.0".parse::<Network>().is_err() && "10.99.0.0/33".parse::<Network>().is_err());
    }
}
