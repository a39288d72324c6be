//! From a command line to its command. One file a noun; each command is calls, then one answer shown.

mod audit;
mod breaks;
mod commission;
mod customer;
mod export;
mod invoice;
mod isp;
mod keys;
mod ledger;
mod line;
mod message;
mod password;
mod payment;
mod payout;
mod plan;
mod purchase;
mod refund;
mod repair;
mod request;
mod router;
mod service_plan;
mod session;
mod settings;
mod settlement;
mod sign_in;
mod staff;
mod subscription;
mod template;
mod trace;
mod webhook;

use crate::args::{Args, Command};
use crate::connection::Connection;
use crate::fault::Fault;
use crate::output::Output;

pub async fn run(args: Args, output: &Output) -> Result<(), Fault> {
    let connection = Connection::of(&args)?;
    match args.command {
        Command::Login { identifier } => sign_in::login(connection, &identifier, output).await,
        Command::Join { first_name, last_name } => sign_in::join(connection, first_name, last_name, output).await,
        Command::Logout => sign_in::logout(connection, output).await,
        Command::Whoami => connection.signed_in(async |client| sign_in::whoami(client, output).await).await,
        Command::Password(command) => password::run(connection, command, output).await,
        Command::Session(command) => connection.signed_in(async |client| session::run(client, command, output).await).await,
        Command::Staff(command) => connection.signed_in(async |client| staff::run(client, command, output).await).await,
        Command::Isp(command) => connection.signed_in(async |client| isp::run(client, command, output).await).await,
        Command::Router(command) => connection.signed_in(async |client| router::run(client, command, output).await).await,
        Command::Plan(command) => plan::run(connection, command, output).await,
        Command::ServicePlan(command) => connection.signed_in(async |client| service_plan::run(client, command, output).await).await,
        Command::Customer(command) => connection.signed_in(async |client| customer::run(client, command, output).await).await,
        Command::Connection(command) => connection.signed_in(async |client| line::run(client, command, output).await).await,
        Command::Invoice(command) => connection.signed_in(async |client| invoice::run(client, command, output).await).await,
        Command::Payment(command) => connection.signed_in(async |client| payment::run(client, command, output).await).await,
        Command::Request(command) => connection.signed_in(async |client| request::run(client, command, output).await).await,
        Command::Settings(command) => connection.signed_in(async |client| settings::run(client, command, output).await).await,
        Command::Purchase(command) => purchase::run(&connection.guest()?, command, output).await,
        Command::Subscription(command) => connection.signed_in(async |client| subscription::run(client, command, output).await).await,
        Command::Payout(command) => connection.signed_in(async |client| payout::run(client, command, output).await).await,
        Command::Settlement(command) => connection.signed_in(async |client| settlement::run(client, command, output).await).await,
        Command::Trace { reference } => connection.signed_in(async |client| trace::run(client, reference, output).await).await,
        Command::Break(command) => connection.signed_in(async |client| breaks::run(client, command, output).await).await,
        Command::Collection(command) => connection.signed_in(async |client| repair::collection(client, command, output).await).await,
        Command::Repair(command) => connection.signed_in(async |client| repair::run(client, command, output).await).await,
        Command::Report => connection.signed_in(async |client| breaks::report(client, output).await).await,
        Command::Ledger(command) => connection.signed_in(async |client| ledger::run(client, command, output).await).await,
        Command::Commission(command) => connection.signed_in(async |client| commission::run(client, command, output).await).await,
        Command::Export { list, from, to, isp } => connection.signed_in(async |client| export::run(client, list, [from, to, isp], output).await).await,
        Command::Message(command) => connection.signed_in(async |client| message::run(client, command, output).await).await,
        Command::Template(command) => connection.signed_in(async |client| template::run(client, command, output).await).await,
        Command::Keys(command) => connection.signed_in(async |client| keys::run(client, command, output).await).await,
        Command::Audit(command) => connection.signed_in(async |client| audit::run(client, command, output).await).await,
        Command::Webhook(command) => connection.signed_in(async |client| webhook::run(client, command, output).await).await,
    }
}
