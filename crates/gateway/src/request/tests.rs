use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

fn asked(method: &str, url: &str) -> Asked {
    Asked {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        time_outs: TimeOuts::default(),
        must_be_fresh: false,
        compartment: Compartment {
            project: "p".parse().unwrap(),
            environment: Environment::Live,
            secrets: [0; 32],
        },
        demands: Demands::default(),
    }
}

fn get(url: &str) -> Result<Outgoing, Failure> {
    asked("GET", url).check()
}

fn with_header(name: &str, value: &[u8]) -> Result<Outgoing, Failure> {
    let mut asked = asked("GET", "https://Example.COM/x");
    asked.headers.push((name.to_owned(), value.to_vec()));
    asked.check()
}

fn trouble(checked: Result<Outgoing, Failure>) -> Option<Trouble> {
    checked.err().map(|failure| failure.trouble)
}

#[test]
fn an_address_in_any_spelling_is_that_address() {
    for (url, address) in [
        ("http://2130706433/", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://0177.0.0.1/", "127.0.0.1"),
        ("http://127.1/", "127.0.0.1"),
        ("http://0/", "0.0.0.0"),
        ("http://0xA9FEA9FE/", "169.254.169.254"),
        ("http://%31%32%37.0.0.1/", "127.0.0.1"),
        ("http://１２７.０.０.１/", "127.0.0.1"),
        ("http://127.0.0.1./", "127.0.0.1"),
        ("http://[::ffff:7f00:1]/", "::ffff:127.0.0.1"),
    ] {
        let host = get(url).unwrap().origin.host;
        let found: IpAddr = match host {
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
            Host::Domain(name) => panic!("{url} is the name {name}"),
        };
        assert_eq!(found, address.parse::<IpAddr>().unwrap(), "{url}");
    }
}

#[test]
fn what_is_not_a_request_of_http_is_refused() {
    use Trouble::{Forbidden, Malformed};
    for (url, expected) in [
        ("file:///etc/passwd", Forbidden),
        ("ftp://example.com/", Forbidden),
        ("gopher://example.com/", Forbidden),
        ("unix:/run/docker.sock", Forbidden),
        ("/relative", Malformed),
        ("http:/example.com/", Malformed),
        ("http:example.com", Malformed),
        ("http:///example.com/", Malformed),
        ("http://", Malformed),
        ("http://example.com:0/", Malformed),
        ("http://example.com:65536/", Malformed),
        ("http://user@example.com/", Malformed),
        ("http://user:password@example.com/", Malformed),
        ("http://exa mple.com/", Malformed),
        ("http://example.com/a b", Malformed),
        ("http://example.com/\r\nX: y", Malformed),
        ("http://example.com/\0", Malformed),
        ("\thttp://example.com/", Malformed),
        ("http://[::1/", Malformed),
        ("http://%7b/", Malformed),
        ("http://a*b/", Malformed),
        ("http://a,b/", Malformed),
    ] {
        assert_eq!(trouble(get(url)), Some(expected), "{url:?}");
    }
    let long = format!("http://example.com/{}", "a".repeat(URL_LIMIT));
    assert_eq!(trouble(get(&long)), Some(Malformed));
    for (method, expected) in [
        ("CONNECT", Forbidden),
        ("trace", Forbidden),
        ("TRACK", Forbidden),
        ("GET /x HTTP/1.1\r\n", Malformed),
        ("", Malformed),
    ] {
        let checked = asked(method, "http://example.com/").check();
        assert_eq!(trouble(checked), Some(expected), "{method:?}");
    }
}

#[test]
fn a_failure_tells_no_secret() {
    let failure = get("http://user:hunter2@example.com/path?key=hunter2").unwrap_err();
    assert!(!failure.message.contains("hunter2"), "{failure}");
    let failure = with_header("X-Key", b"hunter2\r\n").unwrap_err();
    assert!(!failure.message.contains("hunter2"), "{failure}");
}

#[test]
fn path_and_query_stay_as_they_were_spelt() {
    for (url, target) in [
        ("http://example.com", "/"),
        ("http://example.com?a=b", "/?a=b"),
        ("http://example.com#x", "/"),
        ("http://example.com/a/../b/%2e%2E/./c//d", "/a/../b/%2e%2E/./c//d"),
        ("http://example.com/a?b=c%20d+e&b=#fragment", "/a?b=c%20d+e&b="),
        ("http://example.com/key='a'&x=[1]", "/key='a'&x=[1]"),
        ("http://example.com/ä?ö", "/%C3%A4?%C3%B6"),
        ("http://my_bucket.example.com/", "/"),
        ("http://bücher.example/", "/"),
    ] {
        assert_eq!(get(url).unwrap().target.as_str(), target, "{url}");
    }
}

#[test]
fn the_host_header_may_not_lie() {
    for honest in ["example.com", "EXAMPLE.com", "example.com:443"] {
        let outgoing = with_header("Host", honest.as_bytes()).unwrap();
        assert_eq!(outgoing.headers[header::HOST], "example.com", "{honest}");
    }
    for lie in [
        "other.example",
        "example.com:444",
        "example.com.evil",
        "169.254.169.254",
        "a@example.com",
        "example.com/x",
        "example.com#",
        "",
        "\u{ff}",
    ] {
        assert_eq!(
            trouble(with_header("Host", lie.as_bytes())),
            Some(Trouble::Forbidden),
            "{lie:?}"
        );
    }
    let mut two = asked("GET", "http://example.com:8080/");
    two.headers = vec![
        ("Host".to_owned(), b"example.com:8080".to_vec()),
        ("host".to_owned(), b"inner".to_vec()),
    ];
    assert_eq!(trouble(two.check()), Some(Trouble::Forbidden));
}

#[test]
fn what_concerns_the_connection_is_ours() {
    for name in [
        "Connection",
        "Transfer-Encoding",
        "TE",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Keep-Alive",
        "Trailer",
        "Expect",
        "Content-Length",
    ] {
        let outgoing = with_header(name, b"7").unwrap();
        assert_eq!(outgoing.headers.len(), 1, "{name}");
    }
    assert_eq!(trouble(with_header("X", b"a\r\nY: b")), Some(Trouble::Malformed));
    assert_eq!(trouble(with_header("X", b"a\0b")), Some(Trouble::Malformed));
    assert_eq!(trouble(with_header("X\r\nY", b"a")), Some(Trouble::Malformed));
    assert_eq!(trouble(with_header("X Y", b"a")), Some(Trouble::Malformed));
}

#[test]
fn a_body_is_announced_and_so_is_none_where_one_is_expected() {
    let length = |method: &str, body: &'static [u8]| {
        let mut asked = asked(method, "http://example.com/");
        asked.body = Bytes::from_static(body);
        let headers = asked.check().unwrap().headers;
        headers
            .get(header::CONTENT_LENGTH)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(length("GET", b""), None);
    assert_eq!(length("DELETE", b""), None);
    assert_eq!(length("POST", b"").as_deref(), Some("0"));
    assert_eq!(length("GET", b"abc").as_deref(), Some("3"));
}

proptest! {
    /// What is sent goes to the host that was checked: another reader of the same URL finds the same place.
    #[test]
    fn no_spelling_leads_elsewhere(rest in r"[a-z0-9.:@/\\?#%\[\]]{0,24}") {
        if let Ok(outgoing) = get(&format!("http://{rest}")) {
            let again = get(&outgoing.absolute().unwrap().to_string()).unwrap();
            prop_assert_eq!(again.origin, outgoing.origin);
            prop_assert_eq!(again.target, outgoing.target);
        }
    }

    /// Whatever the bytes, what is taken over of a header holds no line end.
    #[test]
    fn no_header_holds_a_second_line(name in "[ -~\r\n]{0,12}", value in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(outgoing) = with_header(&name, &value) {
            for value in outgoing.headers.values() {
                prop_assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
            }
        }
    }
}
