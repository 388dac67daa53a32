//! What an operator sets: the section `[gateway]`, and those of projects and environments below it.

mod way;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::flow::Limits;
use crate::request::REQUEST_LIMIT;

pub(crate) use way::{Chosen, WayOptions};
pub use way::{OwnOptions, Place, Section};

/// Bytes of one answer's body that are taken.
pub const ANSWER_LIMIT: u64 = 8 * 1024 * 1024;
/// Names that exist as long as the Internet does (RFC 2606 and IANA's own): if none of them resolves, nothing does.
pub const CONTROL_NAMES: [&str; 2] = ["example.com", "iana.org"];

/// How the gateway goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayOptions {
    /// Networks that user code may reach beside the public Internet: `["10.0.0.0/8"]`. Default: none.
    pub allow: Vec<IpNet>,
    /// Files of certificate authorities (PEM) to trust beside the system's. Code may name one, by the last part of its path, to
    /// believe no other. Default: none.
    pub ca_files: Vec<PathBuf>,
    /// Whether the system's own certificate authorities are trusted. Default: yes.
    pub system_ca: bool,
    /// Client certificates to show, by host.
    pub client_certificates: BTreeMap<String, ClientCertificate>,
    /// A forward proxy, `http://[user:password@]host:port`; empty for none. Through it the guarantee that no inner address is
    /// reached is the proxy's: it resolves the names. Addresses spelt out in a URL are checked all the same.
    pub proxy: String,
    /// Hosts that are reached without the proxy: `example.com` (itself and below), `*` (all), an address or a network.
    pub no_proxy: Vec<String>,
    /// Hosts whose certificate is not verified where code asks for that, listed as in `no_proxy`. Default: none.
    pub allow_unverified: Vec<String>,
    /// What projects and environments have in place of the options above.
    pub projects: BTreeMap<Place, OwnOptions>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
            proxy: String::new(),
            no_proxy: Vec::new(),
            allow_unverified: Vec::new(),
            projects: BTreeMap::new(),
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
            return Err(BadOption::of_all("request_limit", problem));
        }
        if !(1..=ANSWER_LIMIT).contains(&self.answer_limit) {
            let given = self.answer_limit;
            let problem = format!("{given} bytes: from 1 to {ANSWER_LIMIT} are possible");
            return Err(BadOption::of_all("answer_limit", problem));
        }
        check_limits("limits", &self.limits)?;
        self.hosts
            .values()
            .try_for_each(|limits| check_limits("hosts", limits))
    }
}

fn check_limits(option: &'static str, limits: &Limits) -> Result<(), BadOption> {
    if limits.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
        return Err(BadOption::of_all(
            option,
            "rate: requests per second, more than 0; leave it out for no limit",
        ));
    }
    if limits.burst == 0 || limits.concurrency == 0 {
        let fix = "burst and concurrency: at least 1; `aftercall pause` stops a host";
        return Err(BadOption::of_all(option, fix));
    }
    Ok(())
}

/// An option that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{section} {option}: {problem}")]
pub struct BadOption {
    /// Whose.
    pub section: Section,
    /// Which one.
    pub option: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl BadOption {
    pub(crate) fn new(section: &Section, option: &'static str, problem: impl Into<String>) -> Self {
        Self {
            section: section.clone(),
            option,
            problem: problem.into(),
        }
    }

    pub(crate) fn of_all(option: &'static str, problem: impl Into<String>) -> Self {
        Self::new(&Section::default(), option, problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_is_told_with_its_place() {
        let of = |change: fn(&mut GatewayOptions)| {
            let mut options = GatewayOptions::default();
            change(&mut options);
            options.check()
        };
        let host = |limits| ("crm.example".to_owned(), limits);
        let bad: [(&str, Result<(), BadOption>); 6] = [
            ("request_limit", of(|o| o.request_limit = 0)),
            ("request_limit", of(|o| o.request_limit = 301)),
            ("answer_limit", of(|o| o.answer_limit = 8_388_609)),
            ("rate", of(|o| o.limits.rate = Some(0.0))),
            ("rate", of(|o| o.limits.rate = Some(f64::NAN))),
            (
                "concurrency",
                GatewayOptions {
                    hosts: BTreeMap::from([host(Limits {
                        concurrency: 0,
                        ..Limits::default()
                    })]),
                    ..GatewayOptions::default()
                }
                .check(),
            ),
        ];
        for (told, checked) in bad {
            let error = checked.unwrap_err().to_string();
            assert!(error.starts_with("[gateway] ") && error.contains(told), "{error}");
        }
        let most = GatewayOptions {
            request_limit: 300,
            answer_limit: 8_388_608,
            hosts: BTreeMap::from([host(Limits {
                rate: Some(0.5),
                ..Limits::default()
            })]),
            ..GatewayOptions::default()
        };
        assert!(most.check().is_ok());
    }
}
