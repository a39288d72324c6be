//! The self-signed certificate of api-ssl, made once and kept, so that a pinned fingerprint stays good over restarts.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What api-ssl needs, and what a client pins.
pub(super) struct Tls {
    /// Takes TLS connections.
    pub acceptor: TlsAcceptor,
    /// SHA-256 of the certificate in DER, 64 lower-case hex digits.
    pub sha256: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("sha256", &self.sha256).finish_non_exhaustive()
    }
}

/// Reads the certificate kept at `base` (`….cert.der`, `….key.der`), or makes one and keeps it there.
///
/// # Errors
/// What the file system says, or that the kept files are no certificate and key.
pub(super) fn load_or_make(base: Option<&Path>) -> io::Result<Tls> {
    let files = base.map(|base| (base.with_extension("cert.der"), base.with_extension("key.der")));
    let (certificate, key) = match &files {
        Some((certificate, key)) if certificate.exists() && key.exists() => (fs::read(certificate)?, fs::read(key)?),
        _ => make()?,
    };
    if let Some((certificate_path, key_path)) = &files {
        fs::write(certificate_path, &certificate)?;
        fs::write(key_path, &key)?;
    }
    let sha256 = hex::encode(Sha256::digest(&certificate));
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), sha256 })
}

fn make() -> io::Result<(Vec<u8>, Vec<u8>)> {
    let names = vec!["router.lan".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).map_err(io::Error::other)?;
    Ok((cert.der().to_vec(), signing_key.serialize_der()))
}
