//! Speaking to a server that is reached by `https://`: TLS by rustls, trusting this system's certificates or a file's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Code;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::CliError;

/// Whom to trust.
#[derive(Clone)]
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    /// The file that says so; else it is the system.
    file: Option<PathBuf>,
}

impl Trust {
    /// The authorities whose certificates are in this file (PEM) and no others; without one, those of this system.
    ///
    /// # Errors
    /// `AC0803` if there is no certificate to be had.
    pub(super) fn load(file: Option<PathBuf>) -> Result<Self, Box<CliError>> {
        let roots = match &file {
            Some(file) => from_file(file)?,
            None => from_system()?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                CliError::fault(
                    Code::Internal,
                    format!("TLS cannot be set up: {error}"),
                    "please report this",
                )
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            file,
        })
    }

    /// Makes sure that the other end is the host that was asked for, and encrypts from here on.
    pub(super) async fn secure(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Box<dyn std::error::Error>> {
        let name = ServerName::try_from(host.to_owned())?;
        Ok(TlsConnector::from(Arc::clone(&self.config))
            .connect(name, stream)
            .await?)
    }

    /// What to do about a server that is not trusted.
    pub(super) fn fix(&self) -> String {
        match &self.file {
            Some(file) => format!(
                "look whether it runs there, by this name, with a certificate that an authority in {} made",
                file.display()
            ),
            None => "look whether it runs there, by this name; if its certificate is of a private authority, name that one's file with --ca-file".to_owned(),
        }
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn from_file(file: &Path) -> Result<RootCertStore, Box<CliError>> {
    let bad = |why: String| {
        CliError::usage(
            Code::BadConfiguration,
            format!("ca_file: {}: {why}", file.display()),
            "name a file with the authority's certificate in PEM (-----BEGIN CERTIFICATE-----)",
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| bad(error.to_string()))? {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("no certificate is in it".to_owned()));
    }
    Ok(roots)
}

fn from_system() -> Result<RootCertStore, Box<CliError>> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A system's collection may hold some that are too old to be read; the rest still counts.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why: String = found.errors.iter().map(|error| format!(": {error}")).collect();
        return Err(CliError::usage(
            Code::BadConfiguration,
            format!("this system has no certificates of authorities to trust{why}"),
            "install them (the package ca-certificates), or name a file of your own with --ca-file",
        ));
    }
    Ok(roots)
}
