//! TLS: whom the gateway believes, who it is to others, and what it remembers of them.

mod anybody;
mod authorities;
mod demanded;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::effect::Trouble;
use rustls::client::{ClientConfig, Resumption, WantsClientCert};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, ConfigBuilder, WantsVerifier};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Stream;
use super::hosts::Hosts;
use crate::config::{BadOption, Chosen, ClientCertificate, Section, WayOptions};
use crate::failure::Failure;
use crate::pool::Key;
use crate::request::{Compartment, Origin};
use anybody::Anybody;
use authorities::{Authorities, certificates, file_name};

pub(super) use authorities::SystemAuthorities;

/// Sessions that one compartment remembers, to shorten later handshakes.
const SESSIONS: usize = 256;
/// Compartments whose sessions are remembered.
const COMPARTMENTS: usize = 1_024;

/// Who is believed to be the host that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) enum Believed {
    /// Who proves it by the operator's authorities.
    #[default]
    Configured,
    /// Who proves it by those in files of these names, sorted: the code's own choice among the operator's.
    Only(Vec<String>),
    /// Whoever answers.
    Anybody,
}

/// Whose sessions they are: a compartment's, of the host whose client certificate is shown, of those who believe the same.
type Identity = (Compartment, Option<String>, Believed);

/// All that TLS needs. A session may be resumed only by who began it: it carries the client's identity.
pub(super) struct Tls {
    begin: ConfigBuilder<ClientConfig, WantsVerifier>,
    authorities: Authorities,
    /// By host.
    client_certificates: HashMap<String, Shown>,
    of_compartment: Mutex<HashMap<Identity, Arc<ClientConfig>>>,
    authorities_by: Section,
    certificates_by: Section,
    unverified: Chosen<Hosts>,
}

/// Who the gateway is to a host.
struct Shown {
    /// The last part of its file's name.
    name: String,
    key: Arc<SingleCertAndKey>,
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be.
    pub(super) fn new(options: &WayOptions, system: &mut SystemAuthorities) -> Result<Self, BadOption> {
        let provider = provider();
        let begin = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| BadOption::of_all("ca_files", format!("TLS itself cannot begin: {e}")))?;
        Ok(Self {
            begin,
            authorities: Authorities::read(options, system)?,
            client_certificates: client_certificates(&options.client_certificates, &provider)?,
            of_compartment: Mutex::default(),
            authorities_by: options.ca_files.section.clone(),
            certificates_by: options.client_certificates.section.clone(),
            unverified: Chosen {
                value: Hosts::read(&options.allow_unverified.value),
                section: options.allow_unverified.section.clone(),
            },
        })
    }

    /// The failure of a host that does not accept who we are, with the lines that would show it a client certificate.
    pub(super) fn with_line(&self, mut failure: Failure, origin: &Origin) -> Failure {
        let (host, section) = (origin.name(), self.certificates_by.name());
        if !self.client_certificates.contains_key(&host) {
            failure.message += &format!(
                ". If it wants a client certificate, add to aftercall.toml:\n[{section}.client_certificates.\"{host}\"]\n\
                 certificate = \"/path/to/its.pem\"\nkey = \"/path/to/its.key\""
            );
        }
        failure
    }

    fn config_for(&self, compartment: &Compartment, believed: &Believed, host: &str) -> Arc<ClientConfig> {
        let shown = self.client_certificates.get_key_value(host);
        let key = (
            compartment.clone(),
            shown.map(|(host, _)| host.clone()),
            believed.clone(),
        );
        let mut known = self.of_compartment.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(&key) {
            return Arc::clone(config);
        }
        if known.len() >= COMPARTMENTS {
            known.clear(); // costs one whole handshake per host and compartment
        }
        let begun = self.believing(believed);
        let mut config = match shown {
            None => begun.with_no_client_auth(),
            Some((_, shown)) => begun.with_client_cert_resolver(Arc::clone(&shown.key) as _),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let config = Arc::new(config);
        known.insert(key, Arc::clone(&config));
        config
    }

    fn believing(&self, believed: &Believed) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let begin = self.begin.clone();
        match believed {
            Believed::Configured => begin.with_root_certificates(Arc::clone(&self.authorities.all)),
            Believed::Only(bundles) => begin.with_root_certificates(self.authorities.only(bundles)),
            Believed::Anybody => begin
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider()))),
        }
    }

    /// The handshake. Says too whether HTTP/2 was agreed on.
    pub(super) async fn handshake(
        &self,
        key: &Key,
        io: Box<dyn Stream>,
    ) -> Result<(TlsStream<Box<dyn Stream>>, bool), Failure> {
        let Key {
            origin,
            compartment,
            believed,
        } = key;
        let host = origin.name();
        let name = ServerName::try_from(host.clone()).map_err(|_| {
            Failure::new(
                Trouble::Malformed,
                format!("{host} is no name that a certificate can have"),
            )
        })?;
        let connector = TlsConnector::from(self.config_for(compartment, believed, &host));
        let stream = connector
            .connect(name, io)
            .await
            .map_err(|error| self.failure(origin, believed, &error))?;
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((stream, is_h2))
    }

    fn failure(&self, origin: &Origin, believed: &Believed, error: &std::io::Error) -> Failure {
        let (host, section) = (origin.name(), &self.authorities_by);
        match (cause(error), believed) {
            (Some(rustls::Error::InvalidCertificate(why)), Believed::Only(bundles)) => Failure::new(
                Trouble::Certificate,
                format!(
                    "the certificate of {host} does not verify: {why}. The code believes the authorities in {} alone",
                    bundles.join(", ")
                ),
            ),
            (Some(rustls::Error::InvalidCertificate(why)), _) => Failure::new(
                Trouble::Certificate,
                format!(
                    "the certificate of {host} does not verify: {why}. If it is of an authority of your own, add to \
                     aftercall.toml:\n{section}\nca_files = [\"/path/to/the/authority.pem\"]"
                ),
            ),
            (why, _) => {
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

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Who the gateway is to which host.
fn client_certificates(
    files: &Chosen<BTreeMap<String, ClientCertificate>>,
    provider: &CryptoProvider,
) -> Result<HashMap<String, Shown>, BadOption> {
    let bad = |problem: String| BadOption::new(&files.section, "client_certificates", problem);
    let read = |(host, files_of_host): (&String, &ClientCertificate)| {
        let ClientCertificate { certificate, key } = files_of_host;
        let chain = certificates(&files.section, "client_certificates", certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|e| bad(format!("{}: {e}", key.display())))?;
        let key = CertifiedKey::from_der(chain, key, provider)
            .map_err(|e| bad(format!("{}: {e}", certificate.display())))?;
        let shown = Shown {
            name: file_name(&certificate.to_string_lossy()),
            key: Arc::new(SingleCertAndKey::from(key)),
        };
        Ok((host.to_ascii_lowercase(), shown))
    };
    files.value.iter().map(read).collect()
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
