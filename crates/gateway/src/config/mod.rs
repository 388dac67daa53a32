//! What an operator sets: the section `[gateway]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::flow::Limits;
use crate::request::REQUEST_LIMIT;

/// Bytes of one answer's body that are taken.
pub const ANSWER_LIMIT: u64 = 8 * 1024 * 1024;
/// Names that exist as long as the Internet does (RFC 2606 and IANA's own): if none of them resolves, nothing does.
pub const CONTROL_NAMES: [&str; 2] = ["example.com", "iana.org"];

/// How the gateway goes out. Every field may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayOptions {
    /// Networks that user code may reach beside the public Internet: `["10.0.0.0/8"]`. Default: none.
    pub allow: Vec<IpNet>,
    /// Files of certificate authorities (PEM) to trust beside the system's. Default: none.
    pub ca_files: Vec<PathBuf>,
    /// Whether the system's own certificate authorities are trusted. Default: yes.
    pub system_ca: bool,
    /// Client certificates to show, by host.
    pub client_certificates: BTreeMap<String, ClientCertificate>,
    /// A forward proxy, `http://[user:password@]host:port`. Through it the guarantee that no inner address is reached is
    /// the proxy's: it resolves the names. Addresses spelt out in a URL are checked all the same.
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy: `example.com` (itself and below), `*` (all), an address or a network.
    pub no_proxy: Vec<String>,
    /// Names of which one resolves if any does. If a name does not exist and none of these does either, the resolver is
    /// called broken, and the run waits. Default: [`CONTROL_NAMES`].
    pub control_names: Vec<String>,
    /// Limits of every host that `hosts` does not name.
    pub limits: Limits,
    /// Limits of single hosts, by name: each in place of all of `limits`.
    pub hosts: BTreeMap<String, Limits>,
    /// Seconds that one request may take in all. Default and most: [`REQUEST_LIMIT`].
    pub request_limit: u64,
    /// Bytes of one answer's body that are taken. Default and most: [`ANSWER_LIMIT`].
    pub answer_limit: u64,
}

/// Who the gateway is to a host that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate and what leads to its authority (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            ca_files: Vec::new(),
            system_ca: true,
            client_certificates: BTreeMap::new(),
            proxy: None,
            no_proxy: Vec::new(),
            control_names: CONTROL_NAMES.map(str::to_owned).to_vec(),
            limits: Limits::default(),
            hosts: BTreeMap::new(),
            request_limit: REQUEST_LIMIT.as_secs(),
            answer_limit: ANSWER_LIMIT,
        }
    }
}

impl GatewayOptions {
    /// How long one request may take in all.
    #[must_use]
    pub fn request_limit(&self) -> Duration {
        Duration::from_secs(self.request_limit)
    }

    /// Checks what no type can hold.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn check(&self) -> Result<(), BadOption> {
        let most = REQUEST_LIMIT.as_secs();
        if !(1..=most).contains(&self.request_limit) {
            let given = self.request_limit;
            let problem = format!("{given} s: from 1 to {most} s are possible");
            return Err(BadOption::new("request_limit", problem));
        }
        if !(1..=ANSWER_LIMIT).contains(&self.answer_limit) {
            let given = self.answer_limit;
            let problem = format!("{given} bytes: from 1 to {ANSWER_LIMIT} are possible");
            return Err(BadOption::new("answer_limit", problem));
        }
        check_limits("limits", &self.limits)?;
        self.hosts
            .values()
            .try_for_each(|limits| check_limits("hosts", limits))
    }
}

fn check_limits(option: &'static str, limits: &Limits) -> Result<(), BadOption> {
    if limits.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
        return Err(BadOption::new(
            option,
            "rate: requests per second, more than 0; leave it out for no limit",
        ));
    }
    if limits.burst == 0 || limits.concurrency == 0 {
        let fix = "burst and concurrency: at least 1; `aftercall pause` stops a host";
        return Err(BadOption::new(option, fix));
    }
    Ok(())
}

/// An option that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("[gateway] {option}: {problem}")]
pub struct BadOption {
    /// Which one.
    pub option: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl BadOption {
    pub(crate) fn new(option: &'static str, problem: impl Into<String>) -> Self {
        Self {
            option,
            problem: problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_is_the_default_and_a_misspelt_option_is_told() {
        let empty: GatewayOptions = toml::from_str("").unwrap();
        assert_eq!(empty, GatewayOptions::default());
        let error = toml::from_str::<GatewayOptions>("alow = []")
            .unwrap_err()
            .to_string();
        assert!(error.contains("alow") && error.contains("allow"), "{error}");
    }

    #[test]
    fn a_number_out_of_range_is_told_with_its_place() {
        for (text, told) in [
            ("request_limit = 0", "request_limit"),
            ("request_limit = 301", "request_limit"),
            ("answer_limit = 8388609", "answer_limit"),
            ("[limits]\nrate = 0.0", "rate"),
            ("[limits]\nrate = nan", "rate"),
            ("[hosts.'crm.example']\nconcurrency = 0", "concurrency"),
        ] {
            let options: GatewayOptions = toml::from_str(text).unwrap();
            let error = options.check().unwrap_err().to_string();
            assert!(
                error.starts_with("[gateway] ") && error.contains(told),
                "{text}: {error}"
            );
        }
        let most = "request_limit = 300\nanswer_limit = 8388608\n[hosts.'crm.example']\nrate = 0.5";
        assert!(toml::from_str::<GatewayOptions>(most).unwrap().check().is_ok());
    }
}
