//! Which server, which ISP and which sign-in a command uses: arguments first, then the newest login.

use std::path::PathBuf;

use netily_sdk::{Client, Error};

use crate::args::Args;
use crate::credentials::{Credentials, SignIn};
use crate::fault::Fault;

const DEFAULT_URL: &str = "http://127.0.0.1:8000";

/// A server, an ISP, and the file of sign-ins.
pub struct Connection {
    pub url: String,
    pub tenant: Option<String>,
    pub credentials: Credentials,
}

impl Connection {
    pub fn of(args: &Args) -> Result<Self, Fault> {
        let config: Option<PathBuf> = args.config.clone();
        let credentials = Credentials::open(config)?;
        let last = credentials.last();
        let url = args.url.clone().or_else(|| last.map(|last| last.url.clone()));
        // The ISP of the newest login means nothing at another server.
        let last_here = last.filter(|last| args.url.as_ref().is_none_or(|url| *url == last.url));
        let tenant = args.tenant.clone().or_else(|| last_here.and_then(|last| last.tenant.clone()));
        Ok(Self { url: url.unwrap_or_else(|| DEFAULT_URL.to_owned()), tenant: tenant.filter(|slug| !slug.is_empty()), credentials })
    }

    /// A client with nobody signed in.
    pub fn guest(&self) -> Result<Client, Fault> {
        let builder = Client::builder(&self.url);
        let builder = match &self.tenant {
            Some(slug) => builder.tenant(slug),
            None => builder,
        };
        builder.build().map_err(|error| Fault::Usage(error.message))
    }

    /// Runs one command as the person of the environment, or of the login for this server and ISP. Renewed tokens are
    /// kept whatever the outcome; a sign-in made for this one command is ended again.
    pub async fn signed_in(mut self, command: impl AsyncFnOnce(&Client) -> Result<(), Fault>) -> Result<(), Fault> {
        let client = self.guest()?;
        if let Some((identifier, password)) = from_environment() {
            client.sign_in(identifier, password).await?;
            let outcome = command(&client).await;
            // The answer stands already; tokens that could not be ended expire by themselves.
            let _ended = client.sign_out().await;
            return outcome;
        }
        let kept = self.credentials.find(&self.url, self.tenant.as_deref());
        client.set_tokens(kept.map(SignIn::tokens));
        let outcome = command(&client).await;
        self.credentials.update(&self.url, self.tenant.as_deref(), client.tokens())?;
        outcome
    }

    pub fn keep(&mut self, client: &Client, identifier: &str) -> Result<(), Fault> {
        let Some(tokens) = client.tokens() else {
            return Ok(());
        };
        self.credentials.add(SignIn::new(&self.url, self.tenant.as_deref(), identifier, tokens))
    }

    /// Forgets the login here, and tells the server.
    pub async fn end(mut self) -> Result<bool, Fault> {
        let client = self.guest()?;
        let Some(kept) = self.credentials.find(&self.url, self.tenant.as_deref()) else {
            return Ok(false);
        };
        client.set_tokens(Some(kept.tokens()));
        let told: Result<(), Error> = client.sign_out().await;
        self.credentials.update(&self.url, self.tenant.as_deref(), None)?;
        told?;
        Ok(true)
    }
}

fn from_environment() -> Option<(String, String)> {
    Some((std::env::var("NETILY_IDENTIFIER").ok()?, std::env::var("NETILY_PASSWORD").ok()?))
}
