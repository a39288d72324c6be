//! The sandbox as a program of its own. It only reads arguments, starts, says where everything listens, and waits to be ended.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use netily_sandbox::{Config, PayheroSetup, RouterSetup, Sandbox, SmsSetup};
use serde_json::json;
use tracing_subscriber::EnvFilter;

/// Stand-ins for PayHero, Africa's Talking, mail and MikroTik routers, on loopback, in their true wire formats.
///
/// PayHero answers under /payhero, Africa's Talking under /africastalking/version1/messaging; /phone is a page on which to
/// answer M-Pesa prompts; /control changes how everything behaves and shows what really happened. The addresses are printed
/// as one JSON line once all of them answer.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder of the truth and of the chosen ports; the same folder again continues the same world.
    #[arg(long, value_name = "DIR", default_value = ".data/sandbox")]
    dir: PathBuf,

    /// Address of the HTTP port; port 0 takes a free one at first and the same one ever after.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// A router to imitate, as NAME:USERNAME:PASSWORD; may be given more than once.
    #[arg(long = "router", value_name = "NAME:USERNAME:PASSWORD", value_parser = router)]
    routers: Vec<RouterSetup>,

    /// The PayHero key, base64(username:password).
    #[arg(long, value_name = "TOKEN", default_value_t = PayheroSetup::default().basic_token)]
    payhero_token: String,

    /// The PayHero channel that collections name.
    #[arg(long, value_name = "ID", default_value_t = PayheroSetup::default().channel_id)]
    payhero_channel: i64,

    /// The wallet channel that withdrawals spend; the same as --payhero-channel unless given.
    #[arg(long, value_name = "ID")]
    payhero_wallet_channel: Option<i64>,

    /// The PayHero account of API 2.0.0.
    #[arg(long, value_name = "ID", default_value_t = PayheroSetup::default().account_id)]
    payhero_account: i64,

    /// Africa's Talking user name.
    #[arg(long, value_name = "NAME", default_value_t = SmsSetup::default().username)]
    sms_username: String,

    /// Africa's Talking key.
    #[arg(long, value_name = "KEY", default_value_t = SmsSetup::default().api_key)]
    sms_api_key: String,
}

fn router(text: &str) -> Result<RouterSetup, String> {
    let parts: Vec<&str> = text.splitn(3, ':').collect();
    let [name, username, password] = parts[..] else {
        return Err("NAME:USERNAME:PASSWORD is expected".to_owned());
    };
    if name.is_empty() {
        return Err("the router needs a name".to_owned());
    }
    Ok(RouterSetup { name: name.to_owned(), username: username.to_owned(), password: password.to_owned(), identity: name.to_owned() })
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let names: Vec<String> = arguments.routers.iter().map(|setup| setup.name.clone()).collect();
    match Sandbox::start(config(arguments)).await {
        Ok(sandbox) => {
            announce(&sandbox, &names);
            wait_for_the_end().await;
            sandbox.stop().await;
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("netily-sandbox: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn config(arguments: Arguments) -> Config {
    Config {
        dir: arguments.dir,
        listen: arguments.listen,
        routers: arguments.routers,
        payhero: PayheroSetup {
            basic_token: arguments.payhero_token,
            channel_id: arguments.payhero_channel,
            wallet_channel_id: arguments.payhero_wallet_channel.unwrap_or(arguments.payhero_channel),
            account_id: arguments.payhero_account,
            ..PayheroSetup::default()
        },
        sms: SmsSetup { username: arguments.sms_username, api_key: arguments.sms_api_key },
    }
}

fn announce(sandbox: &Sandbox, routers: &[String]) {
    let routers: serde_json::Map<_, _> = routers.iter().filter_map(|name| Some((name.clone(), json!(sandbox.router_address(name)?.to_string())))).collect();
    println!(
        "{}",
        json!({
            "url": sandbox.url(),
            "payhero": sandbox.payhero_url(),
            "sms": sandbox.sms_url(),
            "smtp": sandbox.mail_address().to_string(),
            "phone": format!("{}/phone", sandbox.url()),
            "routers": routers,
        })
    );
}

/// Ctrl-C, or the signal that service managers send.
async fn wait_for_the_end() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => {
            let _ended = tokio::signal::ctrl_c().await;
        }
    }
}
