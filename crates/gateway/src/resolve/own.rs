//! The machine's own addresses. They come and go: containers start, tunnels open.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How old the list may grow. A connection to an address that it does not know yet is recognised once it stands.
const FRESH_FOR: Duration = Duration::from_secs(30);

type Read = Box<dyn Fn() -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The addresses of all interfaces.
pub struct OwnAddresses {
    read: Read,
    known: Mutex<(Instant, Vec<IpAddr>)>,
}

impl OwnAddresses {
    /// Asks the system.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn of_system() -> io::Result<Self> {
        Self::read_by(|| {
            let interfaces = if_addrs::get_if_addrs()?;
            Ok(interfaces.iter().map(if_addrs::Interface::ip).collect())
        })
    }

    /// Asks somebody else.
    ///
    /// # Errors
    /// It does not tell.
    pub fn read_by(read: impl Fn() -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> io::Result<Self> {
        let known = Mutex::new((Instant::now(), read()?));
        Ok(Self {
            read: Box::new(read),
            known,
        })
    }

    /// The addresses, at most 30 s old. If the system stops telling, those that it told last.
    pub(crate) fn current(&self) -> Vec<IpAddr> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() >= FRESH_FOR {
            match (self.read)() {
                Ok(addresses) => known.1 = addresses,
                Err(error) => {
                    tracing::warn!(%error, "this machine's own addresses cannot be read: the last ones stay refused");
                }
            }
            known.0 = Instant::now();
        }
        known.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_comes_later_is_known_half_a_minute_later_and_survives_a_failure() {
        let step = Arc::new(AtomicU8::new(1));
        let steps = Arc::clone(&step);
        let own = OwnAddresses::read_by(move || match steps.load(Ordering::Relaxed) {
            0 => Err(io::Error::other("netlink is gone")),
            last => Ok(vec![IpAddr::from([8, 8, 8, last])]),
        })
        .unwrap();
        step.store(2, Ordering::Relaxed);
        assert_eq!(own.current(), [IpAddr::from([8, 8, 8, 1])]);
        tokio::time::advance(FRESH_FOR).await;
        assert_eq!(own.current(), [IpAddr::from([8, 8, 8, 2])]);
        step.store(0, Ordering::Relaxed);
        tokio::time::advance(FRESH_FOR).await;
        assert_eq!(own.current(), [IpAddr::from([8, 8, 8, 2])]);
    }

    #[test]
    fn the_system_tells_of_loopback() {
        let own = OwnAddresses::of_system().unwrap().current();
        assert!(own.contains(&IpAddr::from([127, 0, 0, 1])), "{own:?}");
    }
}
