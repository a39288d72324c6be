//! The way of some money, from a phone to the ISP.

use netily_sdk::Client;
use netily_sdk::{payout, platform};

use super::settlement::{is_operator, steps};
use crate::fault::Fault;
use crate::output::Output;

pub async fn run(client: &Client, reference: String, output: &Output) -> Result<(), Fault> {
    if is_operator(client).await? {
        let found = client.platform().trace(platform::TraceRequest { reference }).await?;
        return output.show(&found, |found| format!("{}{} ({})\n", steps(&found.steps), found.summary, found.isp_slug));
    }
    let found = client.payout().trace(payout::TraceRequest { reference }).await?;
    output.show(&found, |found| format!("{}{}\n", steps(&found.steps), found.summary))
}
