//! Text messages and e-mails that the ISP sent.

use netily_sdk::Client;
use netily_sdk::notify::{Channel, ListMessagesRequest, ListMessagesResponse, Message, MessageState, RetryMessageRequest};

use crate::args::{MessageCommand, SendState, Way};
use crate::fault::Fault;
use crate::output::{Output, time, word};
use crate::{pages, table};

pub async fn run(client: &Client, command: MessageCommand, output: &Output) -> Result<(), Fault> {
    match command {
        MessageCommand::List { state, channel, limit } => {
            let state = state.map_or(MessageState::Unspecified, |state| match state {
                SendState::Queued => MessageState::Queued,
                SendState::Sent => MessageState::Sent,
                SendState::Delivered => MessageState::Delivered,
                SendState::Failed => MessageState::Failed,
                SendState::Expired => MessageState::Expired,
            });
            let channel = channel.map_or(Channel::Unspecified, |channel| match channel {
                Way::Sms => Channel::Sms,
                Way::Email => Channel::Email,
            });
            let notify = client.notify();
            let page = async |page_size, page_token| {
                let ask = ListMessagesRequest { state: state.into(), channel: channel.into(), page_size, page_token };
                notify.list_messages(ask).await
            };
            let listed = pages::read(limit.limit, |page| (&mut page.messages, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        MessageCommand::Retry { id } => {
            let queued = client.notify().retry_message(RetryMessageRequest { id }).await?;
            output.show(&queued.message.unwrap_or_default(), one)
        }
    }
}

fn one(message: &Message) -> String {
    table::fields(&[
        ("id", message.id.clone()),
        ("kind", kind(message)),
        ("to", message.recipient.clone()),
        ("state", state(message)),
        ("attempts", message.attempts.to_string()),
        ("problem", message.problem.clone()),
        ("written", time(&message.created_at)),
        ("sent", time(&message.sent_at)),
        ("text", message.body.clone()),
    ])
}

fn all(listed: &ListMessagesResponse) -> String {
    let row = |message: &Message| {
        [
            time(&message.created_at),
            kind(message),
            message.recipient.clone(),
            state(message),
            message.attempts.to_string(),
            message.problem.clone(),
            message.id.clone(),
        ]
    };
    let rows: Vec<_> = listed.messages.iter().map(row).collect();
    let headings = ["written", "kind", "to", "state", "attempts", "problem", "id"];
    table::rows(headings, &rows, "No messages.") + pages::more(&listed.next_page_token)
}

fn kind(message: &Message) -> String {
    super::template::name(message.kind())
}

fn state(message: &Message) -> String {
    word(message.state().as_str_name(), "MESSAGE_STATE_")
}
