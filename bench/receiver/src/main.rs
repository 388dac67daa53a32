//! A back end over HTTPS, on one thread, as cheap as one can be: every GET finds a customer, every POST makes a record, and
//! `/hang` never answers. Tells its address as one line; its certificate, which it makes itself, is in a file.
#![allow(clippy::print_stdout, reason = "a program's one line of output")]

use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use clap::Parser;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The only name that the certificate has.
const NAME: &str = "127.0.0.1";
const CUSTOMER: &[u8] =
    br#"{"id": "C-104233", "name": "Ana Lopez", "plan": "business", "owner": "team-north", "open": 2}"#;
const RECORD: &[u8] = br#"{"id": "R-1", "status": "created"}"#;

#[derive(Parser)]
struct Arguments {
    /// Where the certificate is written, PEM: who calls must trust it.
    #[arg(long)]
    certificate: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let own = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    fs::write(&arguments.certificate, own.cert.pem())
        .with_context(|| format!("{} cannot be written", arguments.certificate.display()))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((NAME, 0)).await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, acceptor.clone()));
    }
}

/// Until the caller goes, or says what nobody understands: then it sees a broken connection.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor) {
    // Else answers wait for the caller's acknowledgement.
    let Ok(()) = stream.set_nodelay(true) else { return };
    let Ok(secured) = acceptor.accept(stream).await else {
        return;
    };
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(secured), service_fn(answer))
        .await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    body.collect().await?;
    if head.uri.path() == "/hang" {
        return pending().await;
    }
    let (status, text) = match head.method {
        Method::POST => (StatusCode::CREATED, RECORD),
        _ => (StatusCode::OK, CUSTOMER),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text)));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
