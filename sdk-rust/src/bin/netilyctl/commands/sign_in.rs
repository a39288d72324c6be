//! Signing in and out, and who is signed in.

use netily_sdk::Client;
use netily_sdk::auth::{AcceptInvitationRequest, GetMeRequest, User};
use serde_json::Value;

use crate::connection::Connection;
use crate::fault::Fault;
use crate::output::{Output, word};
use crate::{secret, table};

pub async fn login(mut connection: Connection, identifier: &str, output: &Output) -> Result<(), Fault> {
    let client = connection.guest()?;
    let password = secret::read("NETILY_PASSWORD", "Password")?;
    let user = client.sign_in(identifier, password).await?;
    connection.keep(&client, identifier)?;
    output.show(&user, person)
}

pub async fn join(mut connection: Connection, first_name: String, last_name: String, output: &Output) -> Result<(), Fault> {
    let client = connection.guest()?;
    let link = secret::read("NETILY_INVITATION", "Link of the invitation")?;
    let token = link.rsplit("#token=").next().unwrap_or_default().trim().to_owned();
    let new_password = secret::read("NETILY_NEW_PASSWORD", "New password")?;
    let user = client.accept_invitation(AcceptInvitationRequest { token, new_password, first_name, last_name }).await?;
    connection.keep(&client, &user.email)?;
    output.show(&user, person)
}

pub async fn logout(connection: Connection, output: &Output) -> Result<(), Fault> {
    let ended = connection.end().await?;
    output.say("signed_out", Value::Bool(ended), if ended { "Signed out." } else { "Nobody was signed in." })
}

pub async fn whoami(client: &Client, output: &Output) -> Result<(), Fault> {
    let user = client.auth().get_me(GetMeRequest {}).await?.user.unwrap_or_default();
    output.show(&user, person)
}

fn person(user: &User) -> String {
    table::fields(&[
        ("id", user.id.clone()),
        ("name", format!("{} {}", user.first_name, user.last_name).trim().to_owned()),
        ("e-mail", user.email.clone()),
        ("phone", user.phone_number.clone()),
        ("role", word(user.role().as_str_name(), "ROLE_")),
    ])
}
