//! The demo's own secrets: made at random once, kept in its folder, readable by nobody else.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rand::Rng as _;

fn random() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// The secrets of the folder, made now if it has none.
pub fn load(dir: &Path) -> Result<HashMap<String, String>, Box<dyn std::error::Error + Send + Sync>> {
    let path = dir.join("secrets.json");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Ok(serde_json::from_str(&text)?);
    }
    let secrets = HashMap::from([
        ("NETILY_TOKEN_KEYS".to_owned(), format!("demo:{}", random())),
        ("NETILY_ENCRYPTION_KEYS".to_owned(), format!("1:{}", random())),
        ("NETILY_CALLBACK_KEY".to_owned(), random()),
    ]);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(serde_json::to_string_pretty(&secrets)?.as_bytes())?;
    Ok(secrets)
}
