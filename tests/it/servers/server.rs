//! A server of somebody else's that runs for one test: a group of processes, known by what it answers, and ended when dropped.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use revoked::http::client;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::ports::Port;
use crate::wait::{PATIENT, until};

/// Set by `tests/run` once `tests/servers/install` has put the servers there. Without it the tests that need one are left out, and say so.
const WANTED: &str = "REVOKED_TEST_SERVERS";

/// A running server.
pub(crate) struct Server {
    name: &'static str,
    /// The first is the one that its API answers at.
    ports: Vec<Port>,
    folder: TempDir,
    child: Child,
    /// For the calls of a test.
    pub(crate) http: reqwest::Client,
}

impl Server {
    /// Starts `tests/servers/NAME/start` with so many ports and a fresh folder of data, and waits until `ready` says that it is. Where servers
    /// are not wanted it is `None`; where they are and this one is not installed, the test fails.
    pub(crate) async fn start(name: &'static str, ports: usize, ready: impl AsyncFn(&Self) -> bool) -> Option<Self> {
        if std::env::var_os(WANTED).is_none_or(|value| value != "1") {
            // Past the test harness, which shows nothing of a test that passes.
            let why = format!("SKIPPED: {name} for real, since {WANTED} is not 1; ./tests/run installs it and sets that");
            drop(writeln!(std::io::stderr(), "{why}"));
            return None;
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            root.join("target/servers").join(name).join("mark").exists(),
            "{name} is not installed; run tests/servers/install {name}"
        );
        let ports: Vec<Port> = (0..ports).map(|_| Port::default()).collect();
        let folder = tempfile::tempdir().unwrap();
        // A server that refuses to be root has to get through to what is its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let scripts = root.join("tests/servers");
        let mut command = Command::new(scripts.join("tied"));
        command
            .arg(scripts.join(name).join("start"))
            .arg(ports[0].number().to_string())
            .arg(folder.path().join("data"))
            .args(ports[1..].iter().map(|port| port.number().to_string()));
        let log = File::create(folder.path().join("log")).unwrap();
        // Its input stays open for as long as the child is held, that is until the drop or the end of this process: `tied` watches that.
        command
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0);
        let mut server = Self {
            name,
            ports,
            folder,
            child: command.spawn().unwrap(),
            http: client(PATIENT).unwrap(),
        };
        until(name, async || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{name} ended with {status}");
            }
            ready(&server).await.then_some(())
        })
        .await;
        Some(server)
    }

    /// Whether it answers a `GET` of this path with anything but a failure of its own.
    pub(crate) async fn answers(&self, path: &str) -> bool {
        let answer = self.http.get(self.url(path)).send().await;
        answer.is_ok_and(|answer| answer.status().as_u16() < 500)
    }

    /// Whether it takes connections at the port of that place in the list.
    pub(crate) async fn accepts(&self, place: usize) -> bool {
        TcpStream::connect(self.ports[place].address()).await.is_ok()
    }

    /// Where its API answers.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.ports[0].address())
    }

    pub(crate) fn port(&self, place: usize) -> u16 {
        self.ports[place].number()
    }

    /// A file or folder of its data.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            _ = kill_process_group(group, Signal::KILL);
        }
        _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(25)..].join("\n");
            drop(writeln!(std::io::stderr(), "the last lines of {}:\n{last}", self.name));
        }
    }
}
