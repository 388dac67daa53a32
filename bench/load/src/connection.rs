//! One connection that is kept open.

use anyhow::Context as _;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Target;

/// # Errors
/// Nobody listens, or not HTTP.
pub async fn open<B>(target: &Target) -> anyhow::Result<SendRequest<B>>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(target.address)
        .await
        .with_context(|| format!("nothing answers at {}", target.address))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How the connection ends is told by the request on it.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// A request that hands in `body`.
///
/// # Errors
/// A path or key that cannot be in a request.
pub fn request<B>(target: &Target, media_type: &str, body: B) -> anyhow::Result<Request<B>> {
    let mut request = Request::post(&target.path)
        .header("host", target.address.to_string())
        .header("content-type", media_type);
    if let Some(key) = &target.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    Ok(request.body(body)?)
}

/// # Errors
/// The connection broke before the answer's end.
pub async fn read(mut body: Incoming) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}
