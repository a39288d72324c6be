//! `netilyctl`: Netily from a terminal. Every command is a few calls of the SDK; nothing is decided here but how
//! answers are shown and with which code the program ends.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod connection;
mod credentials;
mod fault;
mod json;
mod output;
mod pages;
mod secret;
mod table;

use std::process::ExitCode;

use clap::Parser;

use args::Args;
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.json);
    match commands::run(args, &output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            output.fault(&fault);
            fault.exit_code()
        }
    }
}
