//! A real receiver, and a house whose requests really leave.

use std::sync::atomic::AtomicUsize;

use gateway::flow::{Flow, Hosts, Limits};
use gateway::{Gateway, GatewayOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::*;
use crate::Network;

/// What hangs is answered when it is let go, and everything is counted.
pub struct Host {
    pub url: String,
    pub arrived: Arc<AtomicUsize>,
    pub let_go: Arc<Semaphore>,
}

impl Host {
    /// Answers what is let go with so many bytes.
    pub async fn new(bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (arrived, let_go) = (Arc::<AtomicUsize>::default(), Arc::new(Semaphore::new(0)));
        let (counts, holds) = (arrived.clone(), let_go.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (counts, holds) = (counts.clone(), holds.clone());
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        counts.fetch_add(1, Ordering::SeqCst);
                        holds.acquire().await.unwrap().forget();
                        let head = format!("HTTP/1.1 201 Created\r\nContent-Length: {bytes}\r\n\r\n");
                        let answer = [head.into_bytes(), vec![b'x'; bytes]].concat();
                        // Whoever asked may have broken it off.
                        if stream.write_all(&answer).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, arrived, let_go }
    }

    pub fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    pub async fn has(&self, count: usize) {
        while self.arrived() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A house whose requests really leave, so many at a time.
pub async fn house(concurrency: u32) -> (House, Arc<Network>) {
    let options = GatewayOptions {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        ..GatewayOptions::default()
    };
    let limits = Limits {
        concurrency,
        ..Limits::default()
    };
    let flow = Flow::new(Hosts::new(limits, []), || given::after(100));
    let network = Network::new(Gateway::new(&options).unwrap(), flow, || given::after(100));
    (House::new().await, Arc::new(network))
}
