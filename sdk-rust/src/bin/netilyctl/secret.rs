//! Where passwords come from: the environment, a prompt, or standard input. Never the command line, which every
//! user of a machine can read.

use std::io::{IsTerminal, stdin};

use crate::fault::Fault;

/// The secret in this environment variable, or else asked from the person, or else the first line of input.
pub fn read(variable: &str, what: &str) -> Result<String, Fault> {
    if let Ok(secret) = std::env::var(variable) {
        return Ok(secret);
    }
    let read = if stdin().is_terminal() {
        rpassword::prompt_password(format!("{what}: "))
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let missing = || Fault::Usage(format!("{what} is missing: set {variable}, or give it on standard input."));
    read.ok().filter(|secret| !secret.is_empty()).ok_or_else(missing)
}
