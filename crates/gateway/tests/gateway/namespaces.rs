//! Addresses that look public, in network namespaces of the test's own: with nothing allowed, the Internet is reached, and
//! this machine is not, whatever its addresses look like.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::effect::Trouble;
use gateway::{Gateway, GatewayOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{get, read_request, send};

/// Tells a copy of this test which part it plays.
const PART: &str = "AFTERCALL_TEST_NAMESPACE";
const THIS_TEST: &str = "namespaces::the_internet_is_reached_and_this_machine_is_not";
/// After that a copy ends by itself.
const LIFE: Duration = Duration::from_secs(30);

const ELSEWHERE: &str = "9.9.9.9";
/// An address of an interface.
const OURS: &str = "8.8.8.8";
/// Of no interface, but routed to this machine all the same.
const OURS_BY_ROUTE: &str = "8.8.4.4";

#[test]
fn the_internet_is_reached_and_this_machine_is_not() {
    match std::env::var(PART).as_deref() {
        Ok("here") => return here(),
        Ok(_) => return elsewhere(),
        Err(_) => {}
    }
    let may = unshare(&["--user", "--map-root-user"], "true")
        .status()
        .is_ok_and(|status| status.success());
    if !may {
        eprintln!("not run: this machine gives no network namespaces");
        return;
    }
    let copy = copy(&["--user", "--map-root-user"], "here").output().unwrap();
    let said = String::from_utf8_lossy(&copy.stdout);
    let complained = String::from_utf8_lossy(&copy.stderr);
    assert!(
        copy.status.success() && said.contains("1 passed"),
        "{said}\n{complained}"
    );
}

fn unshare(user: &[&str], program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(user).args(["--net", "--"]).arg(program);
    command
}

/// This test again, in a network of its own.
fn copy(user: &[&str], part: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = unshare(user, program.to_str().unwrap());
    command
        .args(["--exact", THIS_TEST, "--nocapture"])
        .env(PART, part);
    command
}

fn ip(arguments: &str) -> bool {
    let run = Command::new("ip")
        .args(arguments.split(' '))
        .stderr(Stdio::null())
        .status();
    run.unwrap().success()
}

/// The other machine: one cable, one address, one server.
fn elsewhere() {
    while !ip(&format!("address add {ELSEWHERE}/24 dev there")) {
        std::thread::sleep(Duration::from_millis(10)); // the cable comes from the other end
    }
    assert!(ip("link set there up"));
    let served = async {
        let listener = TcpListener::bind((ELSEWHERE, 80)).await.unwrap();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if read_request(&mut stream).await.is_some() {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nelsewhere")
                    .await
                    .unwrap();
            }
        }
    };
    let _ = runtime().block_on(async { tokio::time::timeout(LIFE, served).await });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn here() {
    let other = Ended(copy(&[], "elsewhere").stdout(Stdio::null()).spawn().unwrap());
    let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
    let pid = other.0.id().to_string();
    while network(&pid) == network("self") {
        std::thread::sleep(Duration::from_millis(5));
    }
    for set_up in [
        "link set lo up".to_owned(),
        format!("address add {OURS}/32 dev lo"),
        format!("route add local {OURS_BY_ROUTE}/32 dev lo"),
        format!("link add here type veth peer name there netns {pid}"),
        "address add 9.9.9.1/24 dev here".to_owned(),
        "link set here up".to_owned(),
    ] {
        assert!(ip(&set_up), "{set_up}");
    }
    runtime().block_on(async { tokio::time::timeout(LIFE, reach()).await.unwrap() });
}

async fn reach() {
    let options = GatewayOptions {
        system_ca: false,
        ..GatewayOptions::default()
    };
    let gateway = Gateway::new(&options).unwrap();
    let there = loop {
        match send(&gateway, get(&format!("http://{ELSEWHERE}/"))).await {
            Ok(whole) => break whole,
            Err(failure) => assert!(failure.trouble.phase().is_outage(), "{failure}"), // it is still starting
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(there.body, "elsewhere");

    let ours = TcpListener::bind("0.0.0.0:80").await.unwrap();
    for address in [OURS, "9.9.9.1", OURS_BY_ROUTE] {
        let failure = send(&gateway, get(&format!("http://{address}/")))
            .await
            .unwrap_err();
        assert_eq!(failure.trouble, Trouble::Forbidden, "{address}");
        assert!(
            failure.message.contains("an address of this machine"),
            "{failure}"
        );
    }
    // The last one was found out only once it stood: it was connected to, and heard not a byte.
    let (mut stream, _) = ours.accept().await.unwrap();
    assert_eq!(stream.local_addr().unwrap().ip().to_string(), OURS_BY_ROUTE);
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    let another = tokio::time::timeout(Duration::from_millis(50), ours.accept()).await;
    assert!(another.is_err(), "the others were not connected to");
}
