//! From a host to the addresses that may be connected to.

mod cache;
mod own;
mod system;

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::address::{Denied, Reach};
use domain::effect::Trouble;
use ipnet::IpNet;
use url::Host;

pub use cache::Cached;
pub use own::OwnAddresses;
pub use system::SystemResolver;

use crate::config::Chosen;
use crate::failure::Failure;
use crate::request::Origin;

/// Addresses of one name that are looked at: more are no help, and a hostile zone may hold thousands.
const ADDRESSES_PER_NAME: usize = 32;

/// Asks for the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a name, best first. Never empty.
    ///
    /// # Errors
    /// `no_such_name`: it does not exist, while names do resolve. `resolver_down`: nobody knows.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Failure>;
}

/// The rule of addresses, with what it has to know of this machine.
pub(crate) struct Gate {
    allowed: Chosen<Vec<IpNet>>,
    own: Arc<OwnAddresses>,
}

impl Gate {
    /// The rule, with the networks that the operator allows.
    pub(crate) fn new(allowed: Chosen<Vec<IpNet>>, own: Arc<OwnAddresses>) -> Self {
        Self { allowed, own }
    }

    /// The rule as it is now.
    pub(crate) fn reach(&self) -> Reach {
        Reach {
            allowed: self.allowed.value.clone(),
            own: self.own.current(),
        }
    }

    /// The rule for a connection that is there: the machine's own end of it is an address of this machine, whether the
    /// list knew it or not. A connection to oneself has the same address at both ends.
    pub(crate) fn check_connected(&self, host: &Origin, own: IpAddr, other: IpAddr) -> Result<(), Failure> {
        let reach = Reach {
            allowed: self.allowed.value.clone(),
            own: vec![own],
        };
        reach
            .check(other)
            .map_err(|denied| self.refusal(host, &[denied]))?;
        Ok(())
    }

    /// An address that is spelt out in a URL, checked; `None` if the URL has a name.
    pub(crate) fn check_literal(&self, origin: &Origin) -> Result<Option<IpAddr>, Failure> {
        let address: IpAddr = match &origin.host {
            Host::Domain(_) => return Ok(None),
            Host::Ipv4(address) => (*address).into(),
            Host::Ipv6(address) => (*address).into(),
        };
        let checked = self.reach().check(address);
        checked
            .map(Some)
            .map_err(|denied| self.refusal(origin, &[denied]))
    }

    /// Says what is denied, and the line that would allow it.
    fn refusal(&self, origin: &Origin, denied: &[Denied]) -> Failure {
        let host = origin.name();
        let what: Vec<String> = denied.iter().map(ToString::to_string).collect();
        let networks: Vec<String> = denied
            .iter()
            .map(|denied| format!("\"{}\"", IpNet::from(denied.address)))
            .collect();
        let is_literal = !matches!(origin.host, Host::Domain(_));
        let lead = if is_literal {
            String::new()
        } else {
            format!("{host}: ")
        };
        Failure::new(
            Trouble::Forbidden,
            format!(
                "{lead}{}. User code reaches the public Internet only. If it may reach this, add to aftercall.toml:\n\
                 {}\nallow = [{}]",
                what.join(", "),
                self.allowed.section,
                networks.join(", ")
            ),
        )
    }
}

/// The addresses to connect to, best first: those of the host that may be.
///
/// # Errors
/// `forbidden`: none may be. Else what the resolver says.
pub(crate) async fn addresses(
    origin: &Origin,
    resolver: &Arc<dyn Resolve>,
    gate: &Gate,
) -> Result<Vec<IpAddr>, Failure> {
    if let Some(address) = gate.check_literal(origin)? {
        return Ok(vec![address]);
    }
    let mut found = resolver.resolve(&origin.name()).await?;
    found.truncate(ADDRESSES_PER_NAME);
    let reach = gate.reach();
    let mut allowed = Vec::with_capacity(found.len());
    let mut denied = Vec::new();
    for address in found {
        match reach.check(address) {
            // Two spellings of one place are one place.
            Ok(address) if allowed.contains(&address) => {}
            Ok(address) => allowed.push(address),
            Err(refused) => denied.push(refused),
        }
    }
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    if denied.is_empty() {
        let name = origin.name();
        return Err(Failure::new(
            Trouble::ResolverDown,
            format!("the resolver gave no address for {name}"),
        ));
    }
    Err(gate.refusal(origin, &denied))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(allowed: &[&str]) -> Gate {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        let allowed = Chosen {
            value: allowed,
            ..Chosen::default()
        };
        Gate::new(
            allowed,
            Arc::new(OwnAddresses::read_by(|| Ok(Vec::new())).unwrap()),
        )
    }

    #[test]
    fn a_connection_to_oneself_is_recognised_by_its_two_ends() {
        let origin = Origin {
            is_https: true,
            host: Host::Domain("public.example".to_owned()),
            port: 443,
        };
        let (own, other) = (IpAddr::from([8, 8, 8, 8]), IpAddr::from([8, 8, 4, 4]));
        let refused = gate(&[]).check_connected(&origin, own, own).unwrap_err();
        assert_eq!(refused.trouble, Trouble::Forbidden);
        assert!(refused.message.contains("allow = [\"8.8.8.8/32\"]"), "{refused}");
        assert!(gate(&[]).check_connected(&origin, own, other).is_ok());
        assert!(gate(&["8.8.8.8/32"]).check_connected(&origin, own, own).is_ok());
    }
}
