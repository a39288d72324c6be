//! Signing in as a customer. Who was refused or has closed the account is told so, but only after the right password.

use secrecy::SecretString;

use super::profile::{self, Profile};
use crate::actor::{Origin, Role};
use crate::app::App;
use crate::auth::{self, Grant};
use crate::customer::Status;
use crate::error::{Error, Reason, Result};
use crate::id::IspId;

/// A sign-in of a customer.
pub struct LoggedIn {
    /// The customer.
    pub profile: Profile,
    /// What keeps the sign-in.
    pub grant: Grant,
}

/// Signs a customer in by phone number or e-mail address.
pub async fn login(app: &App, isp: IspId, identifier: &str, password: &SecretString, origin: &Origin) -> Result<LoggedIn> {
    let user = auth::check_password(app, isp, identifier, password, origin.address, &[Role::Customer]).await?;
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            let profile = profile::profile(tx, isp, user.id).await?;
            match profile.customer.status()? {
                Status::Rejected => Err(Error::new(Reason::CustomerNotActive, "Your registration was refused. Ask your internet provider.")),
                Status::Closed => Err(Error::new(Reason::CustomerNotActive, "This account is closed.")),
                Status::Pending | Status::Active | Status::Suspended => {
                    let grant = auth::open_session(app, tx, isp, &profile.user, origin, now).await?;
                    Ok(LoggedIn { profile, grant })
                }
            }
        })
        .await
}
