//! What code says of TLS, held against what the operator has.

use std::collections::BTreeSet;

use domain::ProjectName;
use domain::effect::Trouble;

use super::authorities::file_name;
use super::{Believed, Tls};
use crate::failure::Failure;
use crate::request::{Demands, Origin, Trust};

impl Tls {
    /// Whom to believe for a request.
    ///
    /// # Errors
    /// `certificate`: the code asks for what the operator does not have. It is what libraries raise for all trouble of this kind.
    pub(in crate::connect) fn demanded(
        &self,
        origin: &Origin,
        project: &ProjectName,
        demands: &Demands,
    ) -> Result<Believed, Failure> {
        if let Some(certificate) = &demands.certificate {
            self.check_certificate(origin, &file_name(certificate))?;
        }
        match &demands.trust {
            Trust::Anybody if self.unverified.value.hold(&origin.host) => Ok(Believed::Anybody),
            Trust::Anybody => Err(self.must_verify(origin, project)),
            Trust::Authorities { usual, bundles } => {
                let bundles: BTreeSet<String> = bundles.iter().map(|bundle| file_name(bundle)).collect();
                for bundle in &bundles {
                    self.check_bundle(origin, bundle)?;
                }
                if *usual {
                    return Ok(Believed::Configured); // the others are among them
                }
                if bundles.is_empty() {
                    let host = origin.name();
                    return Err(refused(format!(
                        "the code's TLS context believes no authority, so nothing that {host} shows verifies. \
                         `ssl.create_default_context()` makes one that believes the usual ones"
                    )));
                }
                Ok(Believed::Only(bundles.into_iter().collect()))
            }
        }
    }

    fn check_bundle(&self, origin: &Origin, bundle: &str) -> Result<(), Failure> {
        if self.authorities.has(bundle) {
            return Ok(());
        }
        let (host, section) = (origin.name(), &self.authorities_by);
        if bundle == Trust::DATA {
            return Err(refused(format!(
                "to verify {host}, the code brings authorities that are in no file, and a server knows authorities by the names of \
                 their files. Put them into one, add it to aftercall.toml, and let the code name it (verify=\"authority.pem\"):\n\
                 {section}\nca_files = [\"/path/to/authority.pem\"]"
            )));
        }
        let path = quoted(&format!("/path/to/{bundle}"));
        Err(refused(format!(
            "to verify {host}, the code names the authorities in {bundle:?}, and the server has no file of that name. If they may be \
             believed, add to aftercall.toml:\n{section}\nca_files = [{path}]"
        )))
    }

    fn check_certificate(&self, origin: &Origin, name: &str) -> Result<(), Failure> {
        let host = origin.name();
        let shown = self.client_certificates.get(&host);
        if shown.is_some_and(|shown| shown.name == name) {
            return Ok(());
        }
        let has = match shown {
            Some(shown) => format!("the server shows it {:?}", shown.name),
            None => "the server has none for this host".to_owned(),
        };
        let section = self.certificates_by.name();
        let (certificate, key) = (quoted(&format!("/path/to/{name}")), quoted("/path/to/its.key"));
        Err(refused(format!(
            "the code shows {host} the client certificate {name:?}, and {has}. If it may be shown, add to aftercall.toml:\n\
             [{section}.client_certificates.{}]\ncertificate = {certificate}\nkey = {key}",
            quoted(&host)
        )))
    }

    fn must_verify(&self, origin: &Origin, project: &ProjectName) -> Failure {
        let (host, said) = (origin.name(), &self.unverified);
        let section = if said.value.is_empty() {
            said.section.of_project(project)
        } else {
            said.section.clone()
        };
        refused(format!(
            "the code does not want the certificate of {host} verified (verify=False), and only the operator can allow that. \
             Better is to add its authority to ca_files. Else add to aftercall.toml:\n{section}\nallow_unverified = [{}]",
            quoted(&host)
        ))
    }
}

fn refused(message: String) -> Failure {
    Failure::new(Trouble::Certificate, message)
}

/// As TOML writes text.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => quoted += &format!("\\u{:04X}", u32::from(control)),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}
