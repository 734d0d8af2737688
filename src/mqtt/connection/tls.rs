//! Whom we trust and who we are; the one place that names rustls.
//!
//! Owns reading the PEM files and making a configuration of them: the authorities that are configured and nobody else, TLS 1.2 and 1.3, ring.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::config::Tls;

/// Why the TLS files are of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("{path} cannot be read as {what} in PEM: {why}")]
    File { path: PathBuf, what: &'static str, why: String },
    #[error("the certificate in {chain} and the key in {key} do not go together: {why}")]
    Pair { chain: PathBuf, key: PathBuf, why: rustls::Error },
    #[error("TLS cannot be set up: {0}")]
    SetUp(rustls::Error),
}

/// A client configuration from the files as they are now.
pub(super) fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca, "an authority's certificate")? {
        roots.add(certificate).map_err(|e| file_error(&tls.ca, "an authority's certificate", &e))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::SetUp)?
        .with_root_certificates(roots);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates(&client.chain, "a certificate chain")?;
            let key = PrivateKeyDer::from_pem_file(&client.key)
                .map_err(|e| file_error(&client.key, "a private key", &e))?;
            builder.with_client_auth_cert(chain, key).map_err(|why| TlsError::Pair {
                chain: client.chain.clone(),
                key: client.key.clone(),
                why,
            })?
        }
    };
    Ok(Arc::new(config))
}

/// Whether an I/O error is TLS's own: a refusal, and not a lost connection.
pub(super) fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

fn certificates(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|e| file_error(path, what, &e))?;
    if certificates.is_empty() {
        return Err(file_error(path, what, &"there is none in it"));
    }
    Ok(certificates)
}

fn file_error(path: &Path, what: &'static str, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_owned(), what, why: why.to_string() }
}
