//! What a sandbox is told at its start. It decides no behaviour: that is changed while it runs, by the control side.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Everything a sandbox needs to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the truth and the chosen ports are kept. The same folder again continues the same world.
    pub dir: PathBuf,
    /// Address of the HTTP port. Port 0 chooses one at the first start of `dir` and keeps it from then on.
    pub listen: SocketAddr,
    /// The routers to imitate, each on a port of its own.
    pub routers: Vec<RouterSetup>,
    /// The PayHero account to imitate.
    pub payhero: PayheroSetup,
    /// The Africa's Talking account to imitate.
    pub sms: SmsSetup,
}

impl Config {
    /// A sandbox on any free loopback port, with the default accounts and no routers.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            routers: Vec::new(),
            payhero: PayheroSetup::default(),
            sms: SmsSetup::default(),
        }
    }
}

/// One router to imitate.
#[derive(Clone, Debug)]
pub struct RouterSetup {
    /// The name by which the control side calls it.
    pub name: String,
    /// User of the RouterOS API.
    pub username: String,
    /// Password of that user.
    pub password: String,
    /// What `/system/identity/print` answers.
    pub identity: String,
}

/// The PayHero account: its key, its channels and what its wallets hold on the first day.
#[derive(Clone, Debug)]
pub struct PayheroSetup {
    /// `base64(username:password)`, as the dashboard shows it, without the word `Basic`.
    pub basic_token: String,
    /// The channel that collections name. Money of this channel fills the payments wallet only if it is the wallet channel.
    pub channel_id: i64,
    /// The wallet channel, which withdrawals spend. By default the same as `channel_id`.
    pub wallet_channel_id: i64,
    /// The account (team) of API 2.0.0.
    pub account_id: i64,
    /// The name that prompts and messages show as the receiver.
    pub merchant: String,
    /// Whole shillings in the payments wallet when the folder is new.
    pub wallet_opening_kes: i64,
    /// Whole shillings in the service wallet (fee float) when the folder is new.
    pub service_opening_kes: i64,
}

impl Default for PayheroSetup {
    fn default() -> Self {
        Self {
            basic_token: "c2FuZGJveDpzYW5kYm94".to_owned(),
            channel_id: 4021,
            wallet_channel_id: 4021,
            account_id: 183,
            merchant: "NETILY".to_owned(),
            wallet_opening_kes: 0,
            service_opening_kes: 100_000,
        }
    }
}

/// The Africa's Talking account.
#[derive(Clone, Debug)]
pub struct SmsSetup {
    /// The application's user name, sent in the form.
    pub username: String,
    /// The key, sent in the header `apiKey`.
    pub api_key: String,
}

impl Default for SmsSetup {
    fn default() -> Self {
        Self { username: "sandbox".to_owned(), api_key: "atsk_sandbox".to_owned() }
    }
}
