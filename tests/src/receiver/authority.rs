//! A certificate authority of a test's own.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// Signs the certificates of receivers.
pub struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    /// A new one, whose certificate is written to this file, for `gateway.ca_files`.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(file, certificate.pem()).unwrap();
        Self(Issuer::new(params, key))
    }

    /// What a server at this address shows.
    pub(super) fn server(&self, address: IpAddr) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![address.to_string()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
        Arc::new(config.unwrap())
    }
}
