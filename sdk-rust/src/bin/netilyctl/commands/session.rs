//! One's own sign-ins.

use netily_sdk::Client;
use netily_sdk::auth::{ActiveSignIn, EndOtherSignInsRequest, EndSignInRequest, ListSignInsRequest, ListSignInsResponse};
use serde_json::Value;

use crate::args::SessionCommand;
use crate::fault::Fault;
use crate::output::{Output, time};
use crate::{pages, table};

pub async fn run(client: &Client, command: SessionCommand, output: &Output) -> Result<(), Fault> {
    let auth = client.auth();
    match command {
        SessionCommand::List(limit) => {
            let page = async |page_size, page_token| auth.list_sign_ins(ListSignInsRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.sign_ins, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        SessionCommand::End { id } => {
            auth.end_sign_in(EndSignInRequest { id }).await?;
            output.say("ended", Value::Bool(true), "The sign-in has ended.")
        }
        SessionCommand::EndOthers => {
            let ended = auth.end_other_sign_ins(EndOtherSignInsRequest {}).await?;
            output.show(&ended, |ended| format!("{} other sign-ins have ended.\n", ended.ended))
        }
    }
}

fn all(listed: &ListSignInsResponse) -> String {
    let row = |one: &ActiveSignIn| {
        [
            time(&one.created_at),
            time(&one.last_used_at),
            one.address.clone(),
            if one.browser { "browser" } else { "program" }.to_owned(),
            one.user_agent.clone(),
            if one.current { "this one" } else { "" }.to_owned(),
            one.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.sign_ins.iter().map(row).collect();
    table::rows(["began", "last used", "address", "kind", "calls itself", "current", "id"], &rows, "None.") + pages::more(&listed.next_page_token)
}
