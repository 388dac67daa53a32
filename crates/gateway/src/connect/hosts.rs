//! Hosts as an operator lists them.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

/// A list of hosts.
#[derive(Debug, Default)]
pub(super) struct Hosts(Vec<Entry>);

#[derive(Debug)]
enum Entry {
    All,
    /// A domain and all below it.
    Domain(String),
    Network(IpNet),
}

impl Hosts {
    /// Each a name with all below it, an address, a network, or `*`.
    pub(super) fn read(entries: &[String]) -> Self {
        Self(entries.iter().map(|entry| Entry::read(entry)).collect())
    }

    pub(super) fn hold(&self, host: &Host<String>) -> bool {
        self.0.iter().any(|entry| entry.holds(host))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Entry {
    fn read(entry: &str) -> Self {
        let entry = entry.trim().to_ascii_lowercase();
        if entry == "*" {
            return Self::All;
        }
        if let Ok(network) = entry.parse::<IpNet>() {
            return Self::Network(network);
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Self::Network(address.into());
        }
        Self::Domain(entry.trim_start_matches("*.").trim_start_matches('.').to_owned())
    }

    fn holds(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::from(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::from(*address)),
            (Self::Domain(domain), Host::Domain(name)) => {
                let above = name.strip_suffix(domain.as_str());
                !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
            _ => false,
        }
    }
}
