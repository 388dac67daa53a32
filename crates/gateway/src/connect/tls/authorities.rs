//! Whom the gateway believes: the system's authorities and the operator's, all of them or by the name of their file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::{BadOption, Section, WayOptions};

/// The system's own authorities, read when first asked for.
#[derive(Default)]
pub(in crate::connect) struct SystemAuthorities(Option<Vec<CertificateDer<'static>>>);

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

/// The authorities of one way.
pub(super) struct Authorities {
    pub(super) all: Arc<RootCertStore>,
    /// The operator's, by the last part of their file's name: code names them so.
    bundles: HashMap<String, RootCertStore>,
}

impl Authorities {
    pub(super) fn read(options: &WayOptions, system: &mut SystemAuthorities) -> Result<Self, BadOption> {
        let mut all = RootCertStore::empty();
        if options.system_ca.value {
            let (_, ignored) = all.add_parsable_certificates(system.get().iter().cloned());
            if ignored > 0 {
                tracing::debug!(
                    ignored,
                    "certificate authorities of the system that are not usable"
                );
            }
        }
        let section = &options.ca_files.section;
        let mut bundles: HashMap<String, RootCertStore> = HashMap::new();
        for file in &options.ca_files.value {
            let bundle = bundles
                .entry(file_name(&file.to_string_lossy()))
                .or_insert_with(RootCertStore::empty);
            for certificate in certificates(section, "ca_files", file)? {
                let added = bundle.add(certificate);
                added.map_err(|e| BadOption::new(section, "ca_files", format!("{}: {e}", file.display())))?;
            }
            all.extend(bundle.roots.iter().cloned());
        }
        if all.is_empty() {
            tracing::warn!("no certificate authority is known: every https request will be refused");
        }
        Ok(Self {
            all: Arc::new(all),
            bundles,
        })
    }

    pub(super) fn has(&self, bundle: &str) -> bool {
        self.bundles.contains_key(bundle)
    }

    /// Those of these bundles, and no others.
    pub(super) fn only(&self, bundles: &[String]) -> RootCertStore {
        let bundles = bundles.iter().filter_map(|name| self.bundles.get(name));
        bundles.flat_map(|bundle| bundle.roots.iter().cloned()).collect()
    }
}

/// The last part of a path, of whatever system.
pub(super) fn file_name(path: &str) -> String {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// The certificates of a file that an option names.
pub(super) fn certificates(
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
