//! Whom the gateway believes.

use std::path::PathBuf;
use std::sync::Arc;

use domain::effect::Trouble;
use gateway::GatewayOptions;
use gateway::config::ClientCertificate;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::{Server, asked, compartment, gateway, get, options, post, read_request, send, trouble};

/// An authority of the test's own, in a folder.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key.
pub struct Leaf {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self {
            folder,
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    pub fn leaf(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        Leaf {
            certificate: params.signed_by(&key, &self.issuer).unwrap(),
            key,
        }
    }

    /// Its certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Options that trust it, and loopback.
    pub fn options(&self) -> GatewayOptions {
        GatewayOptions {
            ca_files: vec![self.file()],
            ..options()
        }
    }

    pub fn written(&self, name: &str, leaf: &Leaf) -> ClientCertificate {
        let path = |ending: &str| -> PathBuf { self.folder.path().join(format!("{name}.{ending}")) };
        std::fs::write(path("pem"), leaf.certificate.pem()).unwrap();
        std::fs::write(path("key"), leaf.key.serialize_pem()).unwrap();
        ClientCertificate {
            certificate: path("pem"),
            key: path("key"),
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        Arc::new(roots)
    }
}

/// An acceptor that shows a certificate, wants one of `clients`, and speaks what it is told to.
pub fn acceptor(leaf: &Leaf, clients: Option<&Authority>, protocols: &[&str]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(authority.roots(), provider)
                .build()
                .unwrap(),
        ),
    };
    let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
    let mut config = builder
        .with_single_cert(vec![leaf.certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

/// A server over TLS that hands over each connection whose handshake succeeds.
pub async fn serve<F, Fut>(acceptor: TlsAcceptor, on_connection: F) -> Server
where
    F: Fn(usize, TlsStream<TcpStream>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let on_connection = Arc::new(on_connection);
    Server::start(move |number, stream| {
        let (acceptor, on_connection) = (acceptor.clone(), Arc::clone(&on_connection));
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                on_connection(number, stream).await;
            }
        }
    })
    .await
}

/// Says hi by HTTP/1.1.
pub async fn hi(_: usize, mut stream: TlsStream<TcpStream>) {
    while read_request(&mut stream).await.is_some() {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            .await
            .unwrap();
    }
}

fn url(host: &str, server: &Server) -> String {
    format!("https://{host}:{}/", server.port)
}

#[tokio::test]
async fn a_certificate_that_verifies_is_believed_for_a_name_and_for_an_address() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example", "127.0.0.1"], |_| {});
    let server = serve(acceptor(&leaf, None, &["http/1.1"]), hi).await;
    let gateway = gateway(&authority.options());
    for host in ["local.example", "127.0.0.1"] {
        let whole = send(&gateway, post(&url(host, &server))).await.unwrap();
        assert_eq!(
            (whole.body.as_ref(), whole.version),
            (b"hi".as_slice(), "HTTP/1.1")
        );
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_refused_before_a_byte_of_the_request() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let names = ["local.example"].as_slice();
    let expired = authority.leaf(names, |params| {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1)
    });
    let of_tomorrow = authority.leaf(names, |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1)
    });
    let of_another = authority.leaf(&["other.example"], |_| {});
    for (what, leaf) in [
        ("unknown issuer", stranger.leaf(names, |_| {})),
        ("expired", expired),
        ("not yet valid", of_tomorrow),
        ("another name", of_another),
    ] {
        let server = serve(acceptor(&leaf, None, &[]), |_, mut stream| async move {
            let mut buffer = [0; 1];
            assert_eq!(
                stream.read(&mut buffer).await.unwrap_or(0),
                0,
                "a byte of the request came"
            );
        })
        .await;
        let failure = send(
            &gateway(&authority.options()),
            post(&url("local.example", &server)),
        )
        .await
        .unwrap_err();
        assert_eq!(failure.trouble, Trouble::Certificate, "{what}: {failure}");
        assert!(failure.message.contains("ca_files"), "{failure}");
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_no_request() {
    let authority = Authority::new();
    for said in [
        b"".as_slice(),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
    ] {
        let server = Server::start(move |_, mut stream| async move {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await.unwrap();
            stream.write_all(said).await.unwrap();
        })
        .await;
        let failure = send(
            &gateway(&authority.options()),
            post(&url("local.example", &server)),
        )
        .await
        .unwrap_err();
        assert_eq!(failure.trouble, Trouble::HandshakeBroken, "{said:?}: {failure}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_cut_by_the_connect_time_out() {
    let authority = Authority::new();
    let server = Server::start(|_, stream| async move {
        tokio::time::sleep(crate::support::PATIENCE).await;
        drop(stream);
    })
    .await;
    let mut asked = asked("POST", &url("local.example", &server));
    asked.time_outs.connect = std::time::Duration::from_millis(300);
    let sent = send(&gateway(&authority.options()), asked.check().unwrap()).await;
    assert_eq!(trouble(sent), Trouble::ConnectTimeout);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_the_host_that_it_is_for() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example", "127.0.0.1"], |_| {});
    let server = serve(acceptor(&leaf, Some(&authority), &[]), hi).await;
    let mut options = authority.options();
    let own = authority.written("client", &authority.leaf(&["client"], |_| {}));
    options
        .client_certificates
        .insert("local.example".to_owned(), own);
    let gateway = gateway(&options);
    assert_eq!(
        send(&gateway, post(&url("local.example", &server)))
            .await
            .unwrap()
            .body,
        "hi"
    );
    // In TLS 1.3 the refusal comes after the handshake: a request that the server did not read all the same.
    let failure = send(&gateway, post(&url("127.0.0.1", &server)))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::HandshakeBroken, "{failure}");
    assert!(
        failure
            .message
            .contains("[gateway.client_certificates.\"127.0.0.1\"]\ncertificate = "),
        "{failure}"
    );
}

#[tokio::test]
async fn a_session_is_resumed_only_by_who_began_it() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example"], |_| {});
    // Tells whether the handshake was a resumed one, and closes, so that the next request makes its own.
    let server = serve(acceptor(&leaf, None, &[]), |_, mut stream| async move {
        read_request(&mut stream).await;
        let kind = stream.get_ref().1.handshake_kind().unwrap();
        let kind = format!("{kind:?}");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{kind}",
            kind.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let gateway = gateway(&authority.options());
    let of = |secrets| {
        let mut asked = asked("GET", &url("local.example", &server));
        asked.compartment = compartment(secrets);
        asked.check().unwrap()
    };
    assert_eq!(send(&gateway, of(0)).await.unwrap().body, "Full");
    assert_eq!(send(&gateway, of(0)).await.unwrap().body, "Resumed");
    assert_eq!(send(&gateway, of(1)).await.unwrap().body, "Full");
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_file_that_is_no_certificate_is_told_at_the_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing").unwrap();
    let options = GatewayOptions {
        ca_files: vec![file],
        ..options()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let own = gateway::resolve::OwnAddresses::read_by(|| Ok(Vec::new())).unwrap();
    let made = gateway::Gateway::with(&options, Arc::new(crate::support::Names::default()), own);
    let error = made.err().unwrap().to_string();
    assert!(
        error.contains("ca_files") && error.contains("empty.pem"),
        "{error}"
    );
}

#[tokio::test]
async fn plain_http_goes_to_a_port_of_tls_in_vain() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["127.0.0.1"], |_| {});
    let server = serve(acceptor(&leaf, None, &[]), hi).await;
    let failure = send(&gateway(&authority.options()), get(&server.url("/")))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::NotHttp, "{failure}");
}
