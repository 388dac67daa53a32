//! The other side: what end functions write to. It counts what it is asked and what it has done, and behaves as a test says.

mod authority;
mod listening;
mod reply;
mod seen;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use tokio::runtime::Runtime;

pub use authority::Authority;
pub use reply::{Gate, Reply};
pub use seen::{Seen, Works};

use listening::Listening;
use seen::Book;

/// Addresses of loopback are many, and a host that fails is left alone as a whole: each receiver is a host of its own.
static NEXT_HOST: AtomicU8 = AtomicU8::new(2);

type Behaviour = Box<dyn FnMut(&Seen) -> Reply + Send>;

/// A host that counts.
pub struct Receiver {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    listening: Mutex<Option<Listening>>,
    runtime: Runtime,
}

/// What its connections share.
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    honours_keys: bool,
    behaviour: Mutex<Behaviour>,
    book: Mutex<Book>,
}

impl Receiver {
    /// One that speaks HTTP and takes each request for a new one, whatever its key.
    #[must_use]
    pub fn new() -> Self {
        Self::of(None, false)
    }

    /// One that does a request once, however often it comes with the same `Idempotency-Key`, and says done.
    #[must_use]
    pub fn honouring_keys() -> Self {
        Self::of(None, true)
    }

    /// One that speaks HTTPS.
    #[must_use]
    pub fn https(authority: &Authority, honours_keys: bool) -> Self {
        Self::of(Some(authority), honours_keys)
    }

    fn of(authority: Option<&Authority>, honours_keys: bool) -> Self {
        let host = Ipv4Addr::new(127, 0, 0, NEXT_HOST.fetch_add(1, Ordering::Relaxed).max(2));
        let shared = Arc::new(Shared {
            tls: authority.map(|authority| authority.server(IpAddr::V4(host))),
            honours_keys,
            behaviour: Mutex::new(Box::new(|_| Reply::done())),
            book: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listening = Listening::begin(&runtime, SocketAddr::from((host, 0)), &shared);
        Self {
            address: listening.address(),
            scheme: if authority.is_some() { "https" } else { "http" },
            shared,
            listening: Mutex::new(Some(listening)),
            runtime,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// `address:port`, as entries of `config/effects.yaml` name a host.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// From now on it behaves so. A key that it honours and knows is not asked about.
    pub fn behave(&self, behaviour: impl FnMut(&Seen) -> Reply + Send + 'static) {
        *lock(&self.shared.behaviour) = Box::new(behaviour);
    }

    /// It goes down: what is under way breaks off, and whoever connects is refused.
    pub fn go_down(&self) {
        let mut listening = lock(&self.listening);
        *listening = listening.take().map(|now| now.stop(&self.runtime));
    }

    /// It is there again.
    pub fn come_back(&self) {
        let mut listening = lock(&self.listening);
        *listening = listening
            .take()
            .map(|now| now.resume(&self.runtime, &self.shared));
    }

    /// Every request that arrived whole, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.book).seen.clone()
    }

    /// Keys that came with one body and then with another: nobody may do that.
    #[must_use]
    pub fn misused_keys(&self) -> Vec<String> {
        lock(&self.shared.book).misused_keys.clone()
    }

    /// What it has done: how often for each mark.
    #[must_use]
    pub fn works(&self) -> Works {
        lock(&self.shared.book).works.clone()
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that fails while it holds one has said so already.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
