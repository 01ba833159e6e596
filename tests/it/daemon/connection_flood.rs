//! A crowd at the port: ten thousand connections from 700 addresses, none of which sends a whole request, and a sender that has something to
//! say. In a network of the test's own, where addresses other than the loopback's can be had.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::apart::{apart, is_apart, passed};

use super::{BOUND, DaemonProcess, Installation, InstallationPlan};
use crate::harness::identity_provider::{self, Idp};

/// Where the daemon is reached.
const DAEMON: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// Where the sender is, in a network without anybody else.
const SENDER: Ipv4Addr = Ipv4Addr::new(10, 99, 200, 1);
const CROWD: u32 = 700;
const CONNECTIONS: u32 = 10_000;

/// The addresses of the crowd, in three networks.
fn member(n: u32) -> Ipv4Addr {
    let (network, host) = (n % CROWD / 250, n % CROWD % 250);
    Ipv4Addr::from(0x0a63_0101 + (network << 8) + host)
}

/// Runs the test of that name in a network of its own, where that can be made.
fn run_in_a_network_of_its_own(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let addresses = folder.path().join("addresses");
    let mut lines = String::from("link set lo up\n");
    for address in (0..CROWD).map(member).chain([DAEMON, SENDER]) {
        writeln!(lines, "addr add {address}/32 dev lo").unwrap();
    }
    fs::write(&addresses, lines).unwrap();
    let inside = |user: &[&str], end: &Command| {
        let mut command = Command::new("unshare");
        command
            .args(user)
            .args(["-n", "sh", "-c", "ip -batch \"$1\" && shift && exec \"$@\"", "sh"]);
        command.arg(&addresses).arg(end.get_program()).args(end.get_args());
        command.envs(end.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    let works = |user: &&&[&str]| {
        let tried = inside(user, &Command::new("true")).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let users: [&[&str]; 2] = [&[], &["--user", "--map-root-user"]];
    let Some(user) = users.iter().find(works) else {
        // Past the test harness, which shows nothing of a test that passes.
        let why = "SKIPPED: a crowd needs unshare, ip, and leave to make a network";
        drop(writeln!(std::io::stderr(), "{why}"));
        return;
    };
    passed(inside(user, &apart(name)));
}

#[tokio::test]
async fn a_sender_is_heard_in_a_crowd_that_sends_nothing_whole() {
    if !is_apart() {
        run_in_a_network_of_its_own("daemon::connection_flood::a_sender_is_heard_in_a_crowd_that_sends_nothing_whole");
        return;
    }
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let most = limit.maximum.map_or(u64::MAX, |most| most.saturating_sub(500));
    let connections = CONNECTIONS.min(u32::try_from(most).unwrap_or(u32::MAX));

    // Whoever sends nothing whole stays for as long as the test takes, unless others need the place.
    let site = Installation::new(InstallationPlan {
        more: identity_provider::SOURCE,
        listen: "header = \"1h\"\nbody = \"1h\"",
        ..InstallationPlan::default()
    })
    .await;
    let config = fs::read_to_string(site.config()).unwrap();
    fs::write(
        site.config(),
        config.replace("address = \"127.0.0.1:0\"", "address = \"0.0.0.0:0\""),
    )
    .unwrap();
    let idp = Idp::new(&site);
    let running = site.start().await;
    let to = SocketAddr::from((DAEMON, running.address.port()));
    let starts = [
        "",
        "POST /signals/idp HTTP/1.1\r\nHost: x\r\nX-More:",
        "POST /signals/idp HTTP/1.1\r\nHost: x\r\nContent-Type: application/secevent+jwt\r\nContent-Length: 60000\r\n\r\nx",
    ];
    for (n, start) in starts.into_iter().enumerate() {
        let coming = tokio::spawn(crowd(to, connections, start));
        for m in 0..3 {
            push(to, &idp, &format!("while-they-come-{n}-{m}")).await;
        }
        let crowd = timeout(BOUND, coming).await.expect("the crowd hangs").unwrap();
        assert!(crowd.len() > 900, "{} hold a connection", crowd.len());
        for m in 0..3 {
            push(to, &idp, &format!("while-they-are-there-{n}-{m}")).await;
        }
        let open = fs::read_dir(format!("/proc/{}/fd", running.pid())).unwrap().count();
        assert!(open < 1280, "{open} descriptors");
        drop(crowd);
    }
    site.until_count("SELECT count(*) FROM signal", 18).await;
    let given_up = metric(&running, "revoked_connections_given_up_total").await;
    assert!(given_up > 1000.0, "{given_up}");
}

/// Connects so many times, says `start`, and keeps what is not closed.
async fn crowd(to: SocketAddr, connections: u32, start: &'static str) -> Vec<TcpStream> {
    let pace = Arc::new(Semaphore::new(500));
    let mut coming = JoinSet::new();
    for n in 0..connections {
        let pace = Arc::clone(&pace);
        coming.spawn(async move {
            let _turn = pace.acquire_owned().await.unwrap();
            let mut stream = from(member(n), to).await?;
            stream.write_all(start.as_bytes()).await?;
            Ok::<_, std::io::Error>(stream)
        });
    }
    let came = coming.join_all().await;
    came.into_iter().filter_map(Result::ok).collect()
}

async fn from(address: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((address, 0)))?;
    socket.connect(to).await
}

/// Pushes a token, which must be taken.
async fn push(to: SocketAddr, idp: &Idp, jti: &str) {
    let token = idp.token(jti, "user01@example.test");
    let request = format!(
        "POST /signals/idp HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/secevent+jwt\r\nContent-Length: {}\r\n\r\n{token}",
        token.len()
    );
    let sent = async {
        let mut stream = from(SENDER, to).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = timeout(BOUND, sent).await.expect("it is not heard");
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
}

async fn metric(running: &DaemonProcess, name: &str) -> f64 {
    let metrics = running.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().parse().unwrap()
}
