//! A TCP connection to one of some addresses: the first that answers.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use domain::effect::Trouble;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::failure::Failure;

/// Addresses that are tried.
const TRIES: usize = 8;
/// How long one address has before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Connects to one of the addresses, in their order, the two families in turns. It ends when all have failed; how long
/// that may take is the caller's to limit.
pub(super) async fn dial(who: &str, addresses: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let mut waiting = in_turns(addresses);
    let mut under_way = JoinSet::new();
    let mut failed: Vec<(SocketAddr, io::Error)> = Vec::new();
    loop {
        if let Some(address) = waiting.pop_front() {
            let address = SocketAddr::new(address, port);
            under_way.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        let ended = if waiting.is_empty() {
            under_way.join_next().await
        } else {
            match tokio::time::timeout(HEAD_START, under_way.join_next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        };
        match ended {
            Some(Ok((_, Ok(stream)))) => return Ok(stream),
            Some(Ok((address, Err(error)))) => failed.push((address, error)),
            Some(Err(error)) => return Err(Failure::new(Trouble::Unreachable, format!("{who}: {error}"))),
            None if waiting.is_empty() => return Err(failure(who, &failed)),
            None => {}
        }
    }
}

/// The best address first, then the best of the other family, and so on.
fn in_turns(addresses: &[IpAddr]) -> VecDeque<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut same, mut other): (VecDeque<_>, VecDeque<_>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = VecDeque::with_capacity(addresses.len());
    while turns.len() < TRIES && !(same.is_empty() && other.is_empty()) {
        turns.extend(same.pop_front());
        turns.extend(other.pop_front());
    }
    turns.truncate(TRIES);
    turns
}

/// One word for all: somebody who answered "no" tells most.
fn failure(who: &str, failed: &[(SocketAddr, io::Error)]) -> Failure {
    let word = |error: &io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Trouble::ConnectionRefused,
        io::ErrorKind::TimedOut => Trouble::ConnectTimeout,
        _ => Trouble::Unreachable,
    };
    let all = [Trouble::ConnectionRefused, Trouble::ConnectTimeout];
    let trouble = all
        .into_iter()
        .find(|trouble| failed.iter().any(|(_, error)| word(error) == *trouble));
    let each: Vec<String> = failed
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    Failure::new(
        trouble.unwrap_or(Trouble::Unreachable),
        format!("no connection to {who}: {}", each.join("; ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_families_take_turns_and_the_first_stays_first() {
        let given = [ip("::2"), ip("::3"), ip("::4"), ip("1.1.1.1"), ip("1.1.1.2")];
        let expected = [ip("::2"), ip("1.1.1.1"), ip("::3"), ip("1.1.1.2"), ip("::4")];
        assert_eq!(in_turns(&given), expected);
        let many: Vec<IpAddr> = (0..100).map(|n| IpAddr::from([1, 1, 1, n])).collect();
        assert_eq!(in_turns(&many).len(), TRIES);
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next() {
        let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = dial("x", &[ip("127.0.0.3"), ip("127.0.0.2")], port)
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    }
}
