//! The one binary. Parses what is asked for, sets up logging and signals, and hands over.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use netily::app::App;
use netily::clock::Clock;
use netily::config::Config;
use netily::notify::delivery;
use netily::{auth, demo, migrations, platform, serve, worker};
use tokio_util::sync::CancellationToken;

type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Netily: small internet providers sell WiFi and home internet and are paid by M-Pesa.
#[derive(Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "serve, work and migrate read their configuration from the environment; .env.example documents every name."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try everything on this machine: own database, stand-ins for the outside, two ISPs.
    Demo(demo::Options),
    /// Answer gRPC, gRPC-web, callbacks and pages. Any number may run.
    Serve,
    /// Do the jobs: prompts, questions to the gateway, routers. Any number may run.
    Work,
    /// Print the path to which Africa's Talking shall report deliveries; it ends with a secret.
    SmsReportPath,
    /// Bring the database at DATABASE_OWNER_URL to the schema of this version.
    Migrate,
    /// Invite an operator of the platform, as the first one must be: the link that is printed is good for 24 hours and one use.
    Operator(Operator),
    /// A backup was restored: stop payouts, make what was under way safe, and say what to do next. Before anything else is started.
    Restored(RestoredOptions),
    /// After a restore: make the payments of the lost time anew from the journal. They are asked about, and credited if they were paid.
    ReplayJournal {
        /// Its folder; NETILY_JOURNAL when absent.
        folder: Option<std::path::PathBuf>,
    },
    /// Seal every secret at rest with the first of NETILY_ENCRYPTION_KEYS. Then the other keys can go.
    Reseal,
}

#[derive(clap::Args)]
struct RestoredOptions {
    /// Why, for those who ask why nobody is paid.
    #[arg(long)]
    reason: String,
    /// How far numbers of customers and invoices are moved on: more than were given out in the lost time.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    gap: i64,
}

#[derive(clap::Args)]
struct Operator {
    /// E-mail address; the invitation goes there too.
    email: String,
    /// Given name.
    #[arg(long)]
    first_name: String,
    /// Family name.
    #[arg(long)]
    last_name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(matches!(arguments.command, Command::Demo(_)));
    let stop = stop_on_signal();
    let ended = match arguments.command {
        Command::Demo(options) => demo::demo(options, stop).await,
        Command::Serve => run_serve(stop).await,
        Command::Work => run_work(stop).await,
        Command::SmsReportPath => print_sms_report_path(),
        Command::Migrate => run_migrate().await,
        Command::Operator(operator) => run_operator(operator).await,
        Command::Restored(options) => run_restored(options).await,
        Command::ReplayJournal { folder } => run_replay(folder).await,
        Command::Reseal => run_reseal().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("netily: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn open() -> Result<Arc<App>, Trouble> {
    Ok(App::open(Config::from_env()?, Clock::default(), false)?)
}

async fn run_serve(stop: CancellationToken) -> Result<(), Trouble> {
    let app = open()?;
    let listener =
        tokio::net::TcpListener::bind(app.config.listen).await.map_err(|cause| format!("NETILY_LISTEN={} cannot be used: {cause}", app.config.listen))?;
    tracing::info!(address = %listener.local_addr()?, "serving");
    auth::tell_of_groups();
    Ok(serve::serve(app, listener, stop).await?)
}

async fn run_work(stop: CancellationToken) -> Result<(), Trouble> {
    let app = open()?;
    tracing::info!("working");
    worker::work(app, stop).await;
    Ok(())
}

fn print_sms_report_path() -> Result<(), Trouble> {
    println!("/api/v1/webhooks/africastalking/delivery/{}/", delivery::token(&Config::from_env()?.callback_key));
    Ok(())
}

async fn run_migrate() -> Result<(), Trouble> {
    let url = std::env::var("DATABASE_OWNER_URL").map_err(|_| "DATABASE_OWNER_URL is not set: the address of the database as netily_owner")?;
    let ran = migrations::up(&url.into()).await?;
    match ran.len() {
        0 => println!("The database is up to date."),
        _ => ran.iter().for_each(|name| println!("ran {name}")),
    }
    Ok(())
}

async fn run_operator(operator: Operator) -> Result<(), Trouble> {
    let link = auth::staff::invite_operator(&*open()?, &operator.email, &operator.first_name, &operator.last_name).await?;
    println!("{link}");
    Ok(())
}

async fn run_restored(options: RestoredOptions) -> Result<(), Trouble> {
    print!("{}", platform::restored(&*open()?, &options.reason, options.gap).await?.text());
    Ok(())
}

async fn run_replay(folder: Option<std::path::PathBuf>) -> Result<(), Trouble> {
    let app = open()?;
    let folder = folder.or_else(|| app.config.journal.clone()).ok_or("say the folder of the journal, or set NETILY_JOURNAL")?;
    print!("{}", platform::replay(&app, &folder).await?.text());
    Ok(())
}

async fn run_reseal() -> Result<(), Trouble> {
    let done = platform::reseal(&*open()?).await?;
    println!("sealed anew: {} keys of tokens, {} passwords of routers, {} messages", done.token_keys, done.routers, done.messages);
    Ok(())
}

/// Structured lines for machines, plain ones for the person at a demo. Never holds a password, token or full phone.
fn log_to_stderr(for_people: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("NETILY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(if for_people { "warn" } else { "info" }));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if for_people { log.compact().init() } else { log.json().init() }
}

/// Cancelled by SIGTERM or Ctrl-C; a second Ctrl-C ends the process at once.
fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else { return };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        told.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}
