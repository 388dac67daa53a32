//! What one project or environment may, and another may not.

use std::collections::BTreeMap;

use domain::Environment::{Live, PreRelease, Sandbox};
use domain::effect::Trouble;
use gateway::GatewayOptions;
use gateway::config::{OwnOptions, Place};

use crate::proxy::proxy;
use crate::support::{Names, Server, asked, gateway, gateway_with, of, options, send};
use crate::tls::{Authority, acceptor, hi, serve};

fn place(project: &str, environment: Option<domain::Environment>) -> Place {
    Place {
        project: project.parse().unwrap(),
        environment,
    }
}

/// Options with sections of projects.
fn with<const N: usize>(options: GatewayOptions, projects: [(Place, OwnOptions); N]) -> GatewayOptions {
    GatewayOptions {
        projects: BTreeMap::from(projects),
        ..options
    }
}

#[tokio::test]
async fn one_projects_authority_is_not_another_projects() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example"], |_| {});
    let server = serve(acceptor(&leaf, None, &["http/1.1"]), hi).await;
    let trusting = OwnOptions {
        ca_files: Some(vec![authority.file()]),
        ..OwnOptions::default()
    };
    let distrusting = OwnOptions {
        ca_files: Some(Vec::new()),
        ..OwnOptions::default()
    };
    let gateway = gateway(&with(
        options(),
        [
            (place("a", None), trusting),
            (place("a", Some(Live)), distrusting),
        ],
    ));
    let url = format!("https://local.example:{}/", server.port);
    let from = |project, environment| of(project, environment, asked("GET", &url));
    // Whoever comes after one who trusts it finds neither its connection nor its trust.
    for environment in [Sandbox, PreRelease] {
        let whole = send(&gateway, from("a", environment)).await.unwrap();
        assert_eq!(whole.body, "hi");
    }
    for (project, environment, section) in [
        ("a", Live, "[gateway.projects.a.live]"),
        ("b", Sandbox, "[gateway]"),
    ] {
        let failure = send(&gateway, from(project, environment)).await.unwrap_err();
        assert_eq!(failure.trouble, Trouble::Certificate, "{failure}");
        let line = format!("aftercall.toml:\n{section}\nca_files = [");
        assert!(failure.message.contains(&line), "{failure}");
    }
}

#[tokio::test]
async fn one_projects_certificate_is_not_shown_for_another() {
    let authority = Authority::new();
    let leaf = authority.leaf(&["local.example"], |_| {});
    let server = serve(acceptor(&leaf, Some(&authority), &[]), hi).await;
    let own = authority.written("client", &authority.leaf(&["client"], |_| {}));
    let certified = |certificates| OwnOptions {
        client_certificates: Some(certificates),
        ..OwnOptions::default()
    };
    let certificates = BTreeMap::from([("Local.Example".to_owned(), own)]);
    let gateway = gateway(&with(
        authority.options(),
        [
            (place("a", Some(Live)), certified(certificates)),
            (place("b", None), certified(BTreeMap::new())),
        ],
    ));
    let url = format!("https://local.example:{}/", server.port);
    let whole = send(&gateway, of("a", Live, asked("POST", &url))).await.unwrap();
    assert_eq!(whole.body, "hi");
    for (project, environment, section) in [
        ("a", Sandbox, "gateway"),
        ("b", Live, "gateway.projects.b"),
        ("c", Live, "gateway"),
    ] {
        let failure = send(&gateway, of(project, environment, asked("POST", &url)))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, Trouble::HandshakeBroken, "{failure}");
        let line = format!("[{section}.client_certificates.\"local.example\"]\ncertificate = ");
        assert!(failure.message.contains(&line), "{failure}");
    }
}

#[tokio::test]
async fn one_project_goes_by_its_proxy_and_another_does_not() {
    let direct = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect").await;
    let (of_all, of_a) = (proxy(0).await, proxy(0).await);
    let by = |proxy: &Server| format!("http://u:p@127.0.0.1:{}", proxy.port);
    let own = |proxy: String| OwnOptions {
        proxy: Some(proxy),
        ..OwnOptions::default()
    };
    let options = GatewayOptions {
        proxy: by(&of_all),
        ..options()
    };
    let gateway = gateway_with(
        &with(
            options,
            [
                (place("a", None), own(by(&of_a))),
                (place("b", Some(Sandbox)), own(String::new())),
            ],
        ),
        Names::default().with("local.example", &[&["127.0.0.1"]]),
    );
    let url = format!("http://local.example:{}/x", direct.port);
    let proxied = format!("GET {url} HTTP/1.1");
    for (project, environment, body, connections) in [
        ("a", Live, proxied.as_str(), (0, 1, 0)),
        ("b", Sandbox, "direct", (0, 1, 1)),
        ("b", Live, &proxied, (1, 1, 1)),
        ("c", Live, &proxied, (2, 1, 1)),
    ] {
        let whole = send(&gateway, of(project, environment, asked("GET", &url)))
            .await
            .unwrap();
        assert_eq!(whole.body, body, "{project} {environment}");
        let seen = (of_all.connections(), of_a.connections(), direct.connections());
        assert_eq!(seen, connections, "{project} {environment}");
    }
}

#[tokio::test]
async fn one_project_reaches_an_inner_network_and_another_does_not() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let allowing = |networks: &[&str]| OwnOptions {
        allow: Some(networks.iter().map(|network| network.parse().unwrap()).collect()),
        ..OwnOptions::default()
    };
    let nothing_allowed = GatewayOptions {
        allow: Vec::new(),
        ..options()
    };
    let gateway = gateway(&with(
        nothing_allowed,
        [
            (place("a", None), allowing(&["127.0.0.0/8"])),
            (place("a", Some(Live)), allowing(&[])),
        ],
    ));
    let by_name = format!("http://local.example:{}/", server.port);
    for url in [server.url("/"), by_name] {
        let from = |project, environment| of(project, environment, asked("GET", &url));
        assert_eq!(send(&gateway, from("a", Sandbox)).await.unwrap().body, "hi");
        for (project, environment, section) in [
            ("a", Live, "[gateway.projects.a.live]"),
            ("b", Sandbox, "[gateway]"),
        ] {
            let failure = send(&gateway, from(project, environment)).await.unwrap_err();
            assert_eq!(failure.trouble, Trouble::Forbidden, "{failure}");
            let line = format!("aftercall.toml:\n{section}\nallow = [\"127.0.0.1/32\"]");
            assert!(failure.message.ends_with(&line), "{failure}");
        }
    }
}

#[tokio::test]
async fn what_a_section_says_wrongly_is_told_with_the_section() {
    let folder = tempfile::TempDir::new().unwrap();
    let missing = folder.path().join("missing.pem");
    let certificate = gateway::config::ClientCertificate {
        certificate: missing.clone(),
        key: missing.clone(),
    };
    for (option, own) in [
        (
            "ca_files",
            OwnOptions {
                ca_files: Some(vec![missing]),
                ..OwnOptions::default()
            },
        ),
        (
            "client_certificates",
            OwnOptions {
                client_certificates: Some(BTreeMap::from([("h".to_owned(), certificate)])),
                ..OwnOptions::default()
            },
        ),
        (
            "proxy",
            OwnOptions {
                proxy: Some("socks5://proxy.example".to_owned()),
                ..OwnOptions::default()
            },
        ),
    ] {
        let options = with(options(), [(place("a", Some(Live)), own)]);
        let addresses = gateway::resolve::OwnAddresses::read_by(|| Ok(Vec::new())).unwrap();
        let made = gateway::Gateway::with(&options, std::sync::Arc::new(Names::default()), addresses);
        let error = made.err().unwrap();
        assert_eq!(
            (error.section.name(), error.option),
            ("gateway.projects.a.live", option)
        );
        assert!(
            error.to_string().starts_with("[gateway.projects.a.live] "),
            "{error}"
        );
    }
}
