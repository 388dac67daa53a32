//! A server that is reached by TLS, over a real connection, with certificates of an authority of our own.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cli::CliError;
use cli::client::Client;
use cli::configuration::{Configuration, Said};
use domain::Code;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority, its certificate in PEM.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Serves one document over TLS, as this host. Answers the port.
    async fn serve_as(&self, host: &str) -> u16 {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let (acceptor, listener) = (
            TlsAcceptor::from(Arc::new(config)),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us goes.
                let Ok(stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let service = service_fn(|request: Request<Incoming>| async move {
                    let told = json!({"path": request.uri().path(), "key": request.headers()["authorization"].to_str().unwrap()});
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(told.to_string()))))
                });
                let connection = hyper::server::conn::http1::Builder::new();
                connection
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .unwrap();
            }
        });
        port
    }
}

fn client(server: &str, ca_file: Option<&Path>) -> Result<Client, Box<CliError>> {
    let mut flags = vec![
        ("server".to_owned(), server.to_owned()),
        ("key".to_owned(), "ac_x".to_owned()),
    ];
    flags.extend(ca_file.map(|file| ("ca_file".to_owned(), file.display().to_string())));
    let said = Said {
        flags,
        working_folder: std::env::temp_dir(),
        ..Said::default()
    };
    Client::new(&Configuration::resolve(said)?)
}

async fn ask(server: &str, ca_file: &Path) -> Result<Value, Box<CliError>> {
    client(server, Some(ca_file))?.get("/v1/status").await
}

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_is_named_and_by_its_own_name_only() {
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let port = ours.serve_as("localhost").await;
    let address = format!("https://localhost:{port}");
    let trusted = file("ours.pem", &ours.pem);
    let told = ask(&address, &trusted).await.unwrap();
    assert_eq!(told, json!({"path": "/v1/status", "key": "Bearer ac_x"}));
    // Several in a file, as systems have them.
    let both = file("both.pem", &format!("{}{}", other.pem, ours.pem));
    ask(&address, &both).await.unwrap();

    let strange = file("other.pem", &other.pem);
    for (address, file) in [
        (address.clone(), &strange),
        (format!("https://127.0.0.1:{port}"), &trusted),
    ] {
        let error = ask(&address, file).await.unwrap_err();
        assert_eq!(error.code, Code::ServerUnreachable, "{error:?}");
        assert!(error.message.contains("certificate"), "{error:?}");
    }
    // This system does not know our authority, and says what to do, or has none at all and says so.
    let error = match client(&address, None) {
        Ok(client) => client.get::<Value>("/v1/status").await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.fix.as_ref().unwrap().contains("--ca-file"), "{error:?}");
}

#[tokio::test]
async fn a_file_that_holds_no_authority_is_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for file in [empty.as_path(), Path::new("/nonexistent/ca.pem")] {
        let error = client("https://localhost:1", Some(file)).unwrap_err();
        assert_eq!(error.code, Code::BadConfiguration);
        assert!(error.message.contains(&file.display().to_string()), "{error:?}");
    }
}
