//! What the operations on every menu share: asking for rows by their properties, the id of what was added, removing what may be gone.

use super::client::{Command, Connection};
use super::error::Error;
use super::reply::Row;

pub(super) fn print(path: &'static str, properties: &[&str]) -> Command {
    Command::new(path).proplist(properties)
}

pub(super) async fn rows<T>(router: &mut Connection, command: Command, read: fn(&Row) -> T) -> Result<Vec<T>, Error> {
    Ok(router.call(&command).await?.rows.iter().map(read).collect())
}

pub(super) async fn added(router: &mut Connection, command: Command) -> Result<String, Error> {
    let ret = router.call(&command).await?.ret;
    ret.ok_or_else(|| Error::Protocol("an add was answered without an id".to_owned()))
}

/// Whether there was something to remove.
pub(super) async fn remove(router: &mut Connection, path: &'static str, id: &str) -> Result<bool, Error> {
    match router.call(&Command::new(path).set(".id", id)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_no_such_item() => Ok(false),
        Err(error) => Err(error),
    }
}
