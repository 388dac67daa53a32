//! What user code says of its connection: done where the operator has it, refused with the line that would allow it otherwise.

use domain::Environment::{Live, Sandbox};
use domain::effect::Trouble;
use gateway::config::{OwnOptions, Place};
use gateway::request::{Asked, Demands, Trust};
use gateway::{Failure, Gateway, GatewayOptions};
use tokio::io::AsyncWriteExt;

use crate::proxy::proxy;
use crate::support::{Names, Server, asked, gateway, gateway_with, of, options, read_request, send};
use crate::tls::{Authority, acceptor, hi, serve};

fn demanding(method: &str, url: &str, demands: Demands) -> Asked {
    Asked {
        demands,
        ..asked(method, url)
    }
}

fn trusting(usual: bool, bundles: &[&str]) -> Demands {
    Demands {
        trust: Trust::Authorities {
            usual,
            bundles: bundles.iter().map(|bundle| (*bundle).to_owned()).collect(),
        },
        ..Demands::default()
    }
}

fn unverified() -> Demands {
    Demands {
        trust: Trust::Anybody,
        ..Demands::default()
    }
}

fn showing(certificate: &str) -> Demands {
    Demands {
        certificate: Some(certificate.to_owned()),
        ..Demands::default()
    }
}

fn by(proxy: String) -> Demands {
    Demands {
        proxy: Some(proxy),
        ..Demands::default()
    }
}

async fn refusal(gateway: &Gateway, asked: Asked) -> Failure {
    send(gateway, asked.check().unwrap()).await.unwrap_err()
}

/// The last lines of a refusal: what to add to the file.
fn lines(failure: &Failure) -> &str {
    let begin = failure.message.find("\n[").unwrap();
    &failure.message[begin + 1..]
}

#[tokio::test]
async fn a_certificate_is_left_unverified_only_where_the_operator_allows_it_and_the_code_asks_for_it() {
    let stranger = Authority::new();
    let leaf = stranger.leaf(&["another.example"], |_| {});
    let server = serve(acceptor(&leaf, None, &["http/1.1"]), hi).await;
    let url = format!("https://local.example:{}/", server.port);
    let place = Place {
        project: "old".parse().unwrap(),
        environment: Some(Live),
    };
    let own = OwnOptions {
        allow_unverified: Some(vec!["local.example".to_owned()]),
        ..OwnOptions::default()
    };
    let elsewhere = Place {
        project: "elsewhere".parse().unwrap(),
        environment: None,
    };
    let other = OwnOptions {
        allow_unverified: Some(vec!["other.example".to_owned()]),
        ..OwnOptions::default()
    };
    let gateway = gateway(&GatewayOptions {
        projects: [(place, own), (elsewhere, other)].into(),
        ..options()
    });
    let whole = send(&gateway, of("old", Live, demanding("POST", &url, unverified())))
        .await
        .unwrap();
    assert_eq!(whole.body, "hi");
    // The connection that stands was made to anybody: it is not for who wants to know.
    let failure = send(&gateway, of("old", Live, asked("GET", &url)))
        .await
        .unwrap_err();
    assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
    let before = server.connections();
    for (project, environment, section) in [
        ("old", Sandbox, "gateway.projects.old"),
        ("elsewhere", Sandbox, "gateway.projects.elsewhere"),
        ("new", Live, "gateway.projects.new"),
    ] {
        let failure = send(
            &gateway,
            of(project, environment, demanding("POST", &url, unverified())),
        )
        .await
        .unwrap_err();
        assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
        let line = format!("[{section}]\nallow_unverified = [\"local.example\"]");
        assert_eq!(lines(&failure), line);
    }
    assert_eq!(server.connections(), before, "nobody is asked in vain");
}

#[tokio::test]
async fn a_bundle_is_found_by_its_name_and_is_then_all_that_is_believed() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let folder = tempfile::TempDir::new().unwrap();
    let (our_file, their_file) = (folder.path().join("ours.pem"), folder.path().join("theirs.pem"));
    std::fs::copy(ours.file(), &our_file).unwrap();
    std::fs::copy(theirs.file(), &their_file).unwrap();
    let leaf = ours.leaf(&["local.example"], |_| {});
    let server = serve(acceptor(&leaf, None, &["http/1.1"]), hi).await;
    let url = format!("https://local.example:{}/", server.port);
    let gateway = gateway(&GatewayOptions {
        ca_files: vec![our_file, their_file],
        ..options()
    });
    for demands in [
        trusting(true, &[]),
        trusting(false, &["certs/ours.pem"]),
        trusting(false, &["/somewhere/else/theirs.pem", "ours.pem"]),
        trusting(true, &["theirs.pem"]),
    ] {
        let told = format!("{demands:?}");
        let whole = send(&gateway, demanding("GET", &url, demands).check().unwrap()).await;
        assert_eq!(whole.unwrap().body, "hi", "{told}");
    }
    assert_eq!(
        server.connections(),
        3,
        "who believes the same shares: the first and the last"
    );

    let failure = refusal(&gateway, demanding("GET", &url, trusting(false, &["theirs.pem"]))).await;
    assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
    assert!(
        failure.message.ends_with("the authorities in theirs.pem alone"),
        "{failure}"
    );
    for (demands, line) in [
        (
            trusting(false, &["a/unknown \"x\".pem"]),
            "[gateway]\nca_files = [\"/path/to/unknown \\\"x\\\".pem\"]",
        ),
        (
            trusting(true, &["unknown.pem"]),
            "[gateway]\nca_files = [\"/path/to/unknown.pem\"]",
        ),
        (
            trusting(false, &[Trust::DATA]),
            "[gateway]\nca_files = [\"/path/to/authority.pem\"]",
        ),
    ] {
        let failure = refusal(&gateway, demanding("POST", &url, demands)).await;
        assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
        assert_eq!(lines(&failure), line);
    }
    let failure = refusal(&gateway, demanding("POST", &url, trusting(false, &[]))).await;
    assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
    assert!(failure.message.contains("believes no authority"), "{failure}");
}

#[tokio::test]
async fn a_client_certificate_is_the_operators_by_its_name_and_for_its_host() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example", "127.0.0.1"], |_| {});
    let server = serve(acceptor(&leaf, Some(&authority), &[]), hi).await;
    let own = authority.written("crm", &authority.leaf(&["client"], |_| {}));
    let gateway = gateway(&GatewayOptions {
        client_certificates: [("local.example".to_owned(), own)].into(),
        ..authority.options()
    });
    let url = format!("https://local.example:{}/", server.port);
    let asked = demanding("POST", &url, showing("config/crm.pem"));
    assert_eq!(send(&gateway, asked.check().unwrap()).await.unwrap().body, "hi");
    let before = server.connections();
    for (host, certificate, has) in [
        ("local.example", "other.pem", "the server shows it \"crm.pem\""),
        ("127.0.0.1", "crm.pem", "the server has none for this host"),
    ] {
        let url = format!("https://{host}:{}/", server.port);
        let failure = refusal(&gateway, demanding("POST", &url, showing(certificate))).await;
        assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
        assert!(failure.message.contains(has), "{failure}");
        let line = format!(
            "[gateway.client_certificates.\"{host}\"]\ncertificate = \"/path/to/{certificate}\"\nkey = \"/path/to/its.key\""
        );
        assert_eq!(lines(&failure), line);
    }
    assert_eq!(server.connections(), before);
}

#[tokio::test]
async fn a_proxy_that_code_names_is_the_operators_or_is_refused() {
    let (own, other) = (proxy(0).await, proxy(0).await);
    let with_proxy = gateway_with(
        &GatewayOptions {
            proxy: format!("http://u:p@127.0.0.1:{}", own.port),
            no_proxy: vec!["local.example".to_owned()],
            ..options()
        },
        Names::default().with("local.example", &[&["127.0.0.1"]]),
    );
    let without = gateway(&options());
    let direct = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect").await;
    let past = format!("http://local.example:{}/", direct.port);
    let named = || by(format!("http://somebody:else@127.0.0.1:{}/", own.port));
    for (url, body) in [
        ("http://outside.example/", "GET http://outside.example/ HTTP/1.1"),
        (past.as_str(), "direct"),
    ] {
        let whole = send(&with_proxy, demanding("GET", url, named()).check().unwrap()).await;
        assert_eq!(whole.unwrap().body, body);
    }

    let (at, port) = (format!("http://127.0.0.1:{}", other.port), other.port);
    for (gateway, goes, section) in [
        (
            &with_proxy,
            format!("it goes by http://127.0.0.1:{}", own.port),
            "[gateway]",
        ),
        (&without, "there is none".to_owned(), "[gateway.projects.p]"),
    ] {
        for (proxy, line) in [
            (at.clone(), at.clone()),
            (
                format!("http://me:hunter2@127.0.0.1:{port}"),
                format!("http://USER:PASSWORD@127.0.0.1:{port}"),
            ),
        ] {
            for url in [past.as_str(), "https://outside.example/"] {
                let failure = refusal(gateway, demanding("POST", url, by(proxy.clone()))).await;
                assert_eq!(failure.trouble, Trouble::Forbidden, "{failure}");
                assert!(failure.message.contains(&goes), "{failure}");
                assert!(!failure.message.contains("hunter2"), "{failure}");
                assert_eq!(lines(&failure), format!("{section}\nproxy = \"{line}\""));
            }
        }
    }
    for proxy in [
        format!("https://127.0.0.1:{}", own.port),
        format!("socks5://127.0.0.1:{}", own.port),
        "no proxy at all".to_owned(),
    ] {
        let failure = refusal(
            &with_proxy,
            demanding("POST", "http://outside.example/", by(proxy)),
        )
        .await;
        assert_eq!(failure.trouble, Trouble::Forbidden, "{failure}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn over_plain_http_there_is_nobody_to_verify() {
    let server = Server::start(|_, mut stream| async move {
        while read_request(&mut stream).await.is_some() {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
            stream.write_all(answer).await.unwrap();
        }
    })
    .await;
    let gateway = gateway(&options());
    for demands in [
        unverified(),
        showing("unknown.pem"),
        trusting(false, &["unknown.pem"]),
    ] {
        let asked = demanding("POST", &server.url("/"), demands);
        assert_eq!(send(&gateway, asked.check().unwrap()).await.unwrap().body, "hi");
    }
}
