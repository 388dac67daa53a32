//! By way of the operator's proxy.

use domain::effect::Trouble;
use gateway::GatewayOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Names, Server, gateway_with, get, options, post, read_request, send, trouble};
use crate::tls::{Authority, acceptor, serve};

/// A proxy that lets the password through and leads every tunnel to one port.
pub async fn proxy(to: u16) -> Server {
    Server::start(move |_, mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            let status = if request.contains("Proxy-Authorization: Basic dTpw\r\n") {
                200
            } else {
                407
            };
            let line = request.lines().next().unwrap().to_owned();
            if !line.starts_with("CONNECT ") || status != 200 {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{line}",
                    line.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                continue;
            }
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
                .unwrap();
            let mut onward = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await; // either side may close
            return;
        }
    })
    .await
}

fn with_proxy(options: GatewayOptions, user: &str, proxy: &Server) -> GatewayOptions {
    GatewayOptions {
        // What the proxy reaches is its own affair.
        allow: Vec::new(),
        proxy: format!("http://{user}127.0.0.1:{}", proxy.port),
        no_proxy: vec!["past.example".to_owned()],
        ..options
    }
}

#[tokio::test]
async fn plain_http_is_asked_of_the_proxy_by_its_whole_url() {
    let proxy = proxy(0).await;
    let gateway = gateway_with(&with_proxy(options(), "u:p@", &proxy), Names::default());
    let whole = send(&gateway, get("http://outside.example/x?y")).await.unwrap();
    assert_eq!(
        (whole.status, whole.body.as_ref()),
        (200, b"GET http://outside.example/x?y HTTP/1.1".as_slice())
    );
}

#[tokio::test]
async fn https_goes_through_a_tunnel_and_ends_at_the_host_itself() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["outside.example"], |_| {});
    let server = serve(acceptor(&leaf, None, &[]), |_, mut stream| async move {
        while let Some(request) = read_request(&mut stream).await {
            assert!(!request.contains("Proxy-Authorization"), "{request}");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                .await
                .unwrap();
        }
    })
    .await;
    let proxy = proxy(server.port).await;
    let gateway = gateway_with(&with_proxy(authority.options(), "u:p@", &proxy), Names::default());
    for _ in 0..2 {
        let whole = send(&gateway, post("https://outside.example/")).await.unwrap();
        assert_eq!(whole.body, "hi");
    }
    assert_eq!(
        (proxy.connections(), server.connections()),
        (1, 1),
        "tunnels are kept too"
    );
}

#[tokio::test]
async fn what_the_proxy_forbids_is_forbidden() {
    let proxy = proxy(0).await;
    let gateway = gateway_with(&with_proxy(options(), "", &proxy), Names::default());
    let failure = send(&gateway, post("https://outside.example/"))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::Forbidden, "{failure}");
    assert!(failure.message.contains("407"), "{failure}");
}

#[tokio::test]
async fn a_proxy_is_no_way_to_an_address_that_is_spelt_out_and_names_go_past_it_that_should() {
    let proxy = proxy(0).await;
    let names = Names::default().with("past.example", &[&["10.0.0.1"]]);
    let gateway = gateway_with(&with_proxy(options(), "u:p@", &proxy), names);
    for url in ["http://169.254.169.254/", "http://past.example/"] {
        assert_eq!(
            trouble(send(&gateway, get(url)).await),
            Trouble::Forbidden,
            "{url}"
        );
    }
    assert_eq!(proxy.connections(), 0);
}
