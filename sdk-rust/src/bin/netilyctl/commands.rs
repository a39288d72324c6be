//! From a command line to its command. One file a noun; each command is calls, then one answer shown.

mod commission;
mod customer;
mod isp;
mod ledger;
mod message;
mod plan;
mod purchase;
mod request;
mod router;
mod service_plan;
mod settings;
mod sign_in;
mod template;
mod webhook;

use crate::args::{Args, Command};
use crate::connection::Connection;
use crate::fault::Fault;
use crate::output::Output;

pub async fn run(args: Args, output: &Output) -> Result<(), Fault> {
    let connection = Connection::of(&args)?;
    match args.command {
        Command::Login { identifier } => sign_in::login(connection, &identifier, output).await,
        Command::Logout => sign_in::logout(connection, output).await,
        Command::Whoami => connection.signed_in(async |client| sign_in::whoami(client, output).await).await,
        Command::Isp(command) => connection.signed_in(async |client| isp::run(client, command, output).await).await,
        Command::Router(command) => connection.signed_in(async |client| router::run(client, command, output).await).await,
        Command::Plan(command) => plan::run(connection, command, output).await,
        Command::ServicePlan(command) => connection.signed_in(async |client| service_plan::run(client, command, output).await).await,
        Command::Customer(command) => connection.signed_in(async |client| customer::run(client, command, output).await).await,
        Command::Request(command) => connection.signed_in(async |client| request::run(client, command, output).await).await,
        Command::Settings(command) => connection.signed_in(async |client| settings::run(client, command, output).await).await,
        Command::Purchase(command) => purchase::run(&connection.guest()?, command, output).await,
        Command::Ledger(command) => connection.signed_in(async |client| ledger::run(client, command, output).await).await,
        Command::Commission(command) => connection.signed_in(async |client| commission::run(client, command, output).await).await,
        Command::Message(command) => connection.signed_in(async |client| message::run(client, command, output).await).await,
        Command::Template(command) => connection.signed_in(async |client| template::run(client, command, output).await).await,
        Command::Webhook(command) => connection.signed_in(async |client| webhook::run(client, command, output).await).await,
    }
}
