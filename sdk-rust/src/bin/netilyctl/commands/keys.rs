//! The keys that sign access tokens.

use netily_sdk::Client;
use netily_sdk::platform::{RotateTokenKeysRequest, RotateTokenKeysResponse, TokenKey};

use crate::args::KeysCommand;
use crate::fault::Fault;
use crate::output::{Output, time};
use crate::table;

pub async fn run(client: &Client, command: KeysCommand, output: &Output) -> Result<(), Fault> {
    let KeysCommand::Rotate = command;
    let rotated = client.platform().rotate_token_keys(RotateTokenKeysRequest {}).await?;
    output.show(&rotated, all)
}

fn all(rotated: &RotateTokenKeysResponse) -> String {
    let row = |key: &TokenKey| {
        let made = if key.created_at.is_some() { time(&key.created_at) } else { "configured".to_owned() };
        [key.id.clone(), made, if key.signs { "signs and verifies" } else { "verifies" }.to_owned()]
    };
    let rows: Vec<_> = rotated.keys.iter().map(row).collect();
    table::rows(["key", "made", "does"], &rows, "No keys.")
}
