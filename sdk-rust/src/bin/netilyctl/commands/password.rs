//! One's own password: by the current one, or by a code that was sent.

use netily_sdk::auth::{ChangePasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest};
use serde_json::Value;

use crate::args::PasswordCommand;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::output::{Output, time};
use crate::secret;

const NEW: (&str, &str) = ("NETILY_NEW_PASSWORD", "New password");

pub async fn run(connection: Connection, command: PasswordCommand, output: &Output) -> Result<(), Fault> {
    match command {
        PasswordCommand::Change => {
            let ask =
                ChangePasswordRequest { current_password: secret::read("NETILY_PASSWORD", "Current password")?, new_password: secret::read(NEW.0, NEW.1)? };
            connection
                .signed_in(async |client| {
                    client.auth().change_password(ask).await?;
                    output.say("changed", Value::Bool(true), "Your password is changed. Your other sign-ins have ended.")
                })
                .await
        }
        PasswordCommand::Forgot { identifier } => {
            let asked = connection.guest()?.auth().request_password_reset(RequestPasswordResetRequest { identifier }).await?;
            output.show(&asked, |asked| {
                format!("If there is such an account, a code is on its way. It is good until {}. Go on with `password reset`.\n", time(&asked.expires_at))
            })
        }
        PasswordCommand::Reset { identifier } => {
            let ask = ResetPasswordRequest { identifier, otp_code: secret::read("NETILY_CODE", "Code")?, new_password: secret::read(NEW.0, NEW.1)? };
            connection.guest()?.auth().reset_password(ask).await?;
            output.say("changed", Value::Bool(true), "Your password is changed. Sign in with `netilyctl login`.")
        }
    }
}
