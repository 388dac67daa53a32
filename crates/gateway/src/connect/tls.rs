//! TLS: whom the gateway believes, who it is to others, and what it remembers of them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use domain::effect::Trouble;
use rustls::client::{ClientConfig, Resumption};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Stream;
use crate::config::{BadOption, ClientCertificate, Section, WayOptions};
use crate::failure::Failure;
use crate::request::{Compartment, Origin};

/// Sessions that one compartment remembers, to shorten later handshakes.
const SESSIONS: usize = 256;
/// Compartments whose sessions are remembered.
const COMPARTMENTS: usize = 1_024;

/// Whose sessions they are: a compartment's, and of the host whose client certificate is shown.
type Identity = (Compartment, Option<String>);

/// All that TLS needs. A session may be resumed only by who began it: it carries the client's identity.
pub(super) struct Tls {
    plain: ClientConfig,
    with_certificate: HashMap<String, ClientConfig>,
    of_compartment: Mutex<HashMap<Identity, Arc<ClientConfig>>>,
    authorities_by: Section,
    certificates_by: Section,
}

/// The system's own authorities, read when first asked for.
#[derive(Default)]
pub(super) struct SystemAuthorities(Option<Vec<CertificateDer<'static>>>);

impl SystemAuthorities {
    fn get(&mut self) -> &[CertificateDer<'static>] {
        self.0.get_or_insert_with(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "a certificate authority of the system cannot be read");
            }
            found.certs
        })
    }
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be.
    pub(super) fn new(options: &WayOptions, system: &mut SystemAuthorities) -> Result<Self, BadOption> {
        let roots = Arc::new(roots(options, system)?);
        let certificates = &options.client_certificates;
        let mut with_certificate = HashMap::new();
        for (host, files) in &certificates.value {
            let config = config(&roots, &certificates.section, Some(files))?;
            with_certificate.insert(host.to_ascii_lowercase(), config);
        }
        Ok(Self {
            plain: config(&roots, &certificates.section, None)?,
            with_certificate,
            of_compartment: Mutex::default(),
            authorities_by: options.ca_files.section.clone(),
            certificates_by: certificates.section.clone(),
        })
    }

    /// The failure of a host that does not accept who we are, with the lines that would show it a client certificate.
    pub(super) fn with_line(&self, mut failure: Failure, origin: &Origin) -> Failure {
        let (host, section) = (origin.name(), self.certificates_by.name());
        if !self.with_certificate.contains_key(&host) {
            failure.message += &format!(
                ". If it wants a client certificate, add to aftercall.toml:\n[{section}.client_certificates.\"{host}\"]\n\
                 certificate = \"/path/to/its.pem\"\nkey = \"/path/to/its.key\""
            );
        }
        failure
    }

    fn config_for(&self, compartment: &Compartment, host: &str) -> Arc<ClientConfig> {
        let own = self.with_certificate.get_key_value(host);
        let key = (compartment.clone(), own.map(|(host, _)| host.clone()));
        let mut known = self.of_compartment.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(&key) {
            return Arc::clone(config);
        }
        if known.len() >= COMPARTMENTS {
            known.clear(); // costs one whole handshake per host and compartment
        }
        let mut config = own.map_or(&self.plain, |(_, config)| config).clone();
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let config = Arc::new(config);
        known.insert(key, Arc::clone(&config));
        config
    }

    /// The handshake. Says too whether HTTP/2 was agreed on.
    pub(super) async fn handshake(
        &self,
        origin: &Origin,
        compartment: &Compartment,
        io: Box<dyn Stream>,
    ) -> Result<(TlsStream<Box<dyn Stream>>, bool), Failure> {
        let host = origin.name();
        let name = ServerName::try_from(host.clone()).map_err(|_| {
            Failure::new(
                Trouble::Malformed,
                format!("{host} is no name that a certificate can have"),
            )
        })?;
        let connector = TlsConnector::from(self.config_for(compartment, &host));
        let stream = connector
            .connect(name, io)
            .await
            .map_err(|error| self.failure(origin, &error))?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((stream, is_h2))
    }

    fn failure(&self, origin: &Origin, error: &std::io::Error) -> Failure {
        let (host, section) = (origin.name(), &self.authorities_by);
        match cause(error) {
            Some(rustls::Error::InvalidCertificate(why)) => Failure::new(
                Trouble::Certificate,
                format!(
                    "the certificate of {host} does not verify: {why}. If it is of an authority of your own, add to \
                     aftercall.toml:\n{section}\nca_files = [\"/path/to/the/authority.pem\"]"
                ),
            ),
            why => {
                let broken = Failure::new(
                    Trouble::HandshakeBroken,
                    format!("the TLS handshake with {host} broke off: {error}"),
                );
                if why.is_some_and(refuses_the_handshake) {
                    self.with_line(broken, origin)
                } else {
                    broken
                }
            }
        }
    }
}

fn roots(options: &WayOptions, system: &mut SystemAuthorities) -> Result<RootCertStore, BadOption> {
    let mut roots = RootCertStore::empty();
    if options.system_ca.value {
        let (_, ignored) = roots.add_parsable_certificates(system.get().iter().cloned());
        if ignored > 0 {
            tracing::debug!(
                ignored,
                "certificate authorities of the system that are not usable"
            );
        }
    }
    let section = &options.ca_files.section;
    for file in &options.ca_files.value {
        for certificate in certificates(section, "ca_files", file)? {
            let added = roots.add(certificate);
            added.map_err(|e| BadOption::new(section, "ca_files", format!("{}: {e}", file.display())))?;
        }
    }
    if roots.is_empty() {
        tracing::warn!("no certificate authority is known: every https request will be refused");
    }
    Ok(roots)
}

fn certificates(
    section: &Section,
    option: &'static str,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, BadOption> {
    let bad = |problem: String| BadOption::new(section, option, format!("{}: {problem}", file.display()));
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|e| bad(e.to_string()))?;
    if certificates.is_empty() {
        return Err(bad("holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

fn config(
    roots: &Arc<RootCertStore>,
    section: &Section,
    own: Option<&ClientCertificate>,
) -> Result<ClientConfig, BadOption> {
    let bad = |problem: String| BadOption::new(section, "client_certificates", problem);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(e.to_string()))?
        .with_root_certificates(Arc::clone(roots));
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let chain = certificates(section, "client_certificates", &files.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&files.key)
                .map_err(|e| bad(format!("{}: {e}", files.key.display())))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| bad(format!("{}: {e}", files.certificate.display())))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// What TLS says, if it was TLS that failed.
pub(crate) fn cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    if let Some(io) = error.downcast_ref::<std::io::Error>()
        && let Some(inner) = io.get_ref()
    {
        return cause(inner);
    }
    error.source().and_then(cause)
}

/// Whether the other side says by this that it does not take our part of the handshake. In TLS 1.3 we hear so only after
/// our request was written, which it then has not read.
pub(crate) fn refuses_the_handshake(error: &rustls::Error) -> bool {
    use AlertDescription as Alert;
    let rustls::Error::AlertReceived(alert) = error else {
        return false;
    };
    matches!(
        alert,
        Alert::HandshakeFailure
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::CertificateRequired
    )
}
