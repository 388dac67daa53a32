//! User code reaches the public Internet and what the operator allows, and nothing else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::effect::Trouble;
use gateway::GatewayOptions;
use tokio::net::TcpListener;

use crate::support::{Names, Server, asked, gateway, gateway_of, gateway_with, get, options, send, trouble};

/// Nothing is allowed beside the public Internet.
fn nothing_allowed() -> GatewayOptions {
    GatewayOptions {
        system_ca: false,
        ..GatewayOptions::default()
    }
}

#[tokio::test]
async fn an_inner_address_is_refused_in_every_spelling() {
    // It listens at 0.0.0.0, so every spelling of this machine would reach it.
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let gateway = gateway(&nothing_allowed());
    for host in [
        "127.0.0.1",
        "0.0.0.0",
        "127.1.2.3",
        "2130706433",
        "0x7f.1",
        "127.1",
        "017700000001",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "168.63.129.16",
        "100.100.100.200",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
    ] {
        let failure = send(&gateway, get(&format!("http://{host}:{port}/")))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, Trouble::Forbidden, "{host}");
        assert!(failure.message.contains("[gateway]\nallow = [\""), "{failure}");
    }
    let nobody_came = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(nobody_came.is_err());
}

#[tokio::test]
async fn a_name_of_an_inner_address_is_refused_and_the_line_that_allows_it_works() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let names = || Names::default().with("inner.example", &[&["10.9.8.7", "127.0.0.1"]]);
    let url = format!("http://inner.example:{}/", server.port);
    let refused = send(&gateway_with(&nothing_allowed(), names()), get(&url))
        .await
        .unwrap_err();
    assert_eq!(refused.trouble, Trouble::Forbidden);
    let line = refused.message.lines().last().unwrap();
    assert_eq!(line, "allow = [\"10.9.8.7/32\", \"127.0.0.1/32\"]");

    let allowed = GatewayOptions {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        ..nothing_allowed()
    };
    let whole = send(&gateway_with(&allowed, names()), get(&url)).await.unwrap();
    assert_eq!(whole.body, "hi", "the address that may be reached, and only that");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_connected_to_where_it_was_checked() {
    let server = Server::answering_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let names = Names::default().with("rebinding.example", &[&["127.0.0.1"], &["169.254.169.254"]]);
    let names = Arc::new(names);
    let gateway = gateway_of(&options(), Arc::clone(&names));
    let url = format!("http://rebinding.example:{}/", server.port);
    let whole = send(&gateway, get(&url)).await.unwrap();
    assert_eq!(whole.body, "hi");
    assert_eq!(
        names.asked.load(Ordering::Relaxed),
        1,
        "asked once: what was checked is what was used"
    );
    // A new connection is a new answer, checked anew.
    let mut again = asked("POST", &url);
    again.must_be_fresh = true;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(
        trouble(send(&gateway, again.check().unwrap()).await),
        Trouble::Forbidden
    );
}

#[tokio::test]
async fn a_redirect_is_given_back_and_its_target_is_checked_like_any_other() {
    let server = Server::answering(
        "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let gateway = gateway(&options());
    let whole = send(&gateway, get(&server.url("/"))).await.unwrap();
    assert_eq!(whole.status, 302);
    let (_, location) = whole.headers.iter().find(|(name, _)| name == "Location").unwrap();
    let target = get(std::str::from_utf8(location).unwrap());
    assert_eq!(trouble(send(&gateway, target).await), Trouble::Forbidden);
}

#[tokio::test]
async fn the_machines_own_addresses_are_refused_though_they_look_public() {
    let own = gateway::resolve::OwnAddresses::read_by(|| Ok(vec!["8.8.8.8".parse().unwrap()])).unwrap();
    let names = Names::default().with("own.example", &[&["8.8.8.8"]]);
    let gateway = gateway::Gateway::with(&nothing_allowed(), Arc::new(names), own).unwrap();
    for url in [
        "http://8.8.8.8/",
        "http://own.example/",
        "http://[::ffff:8.8.8.8]/",
    ] {
        let failure = send(&gateway, get(url)).await.unwrap_err();
        assert_eq!(failure.trouble, Trouble::Forbidden, "{url}");
        assert!(
            failure.message.contains("an address of this machine"),
            "{failure}"
        );
    }
}
