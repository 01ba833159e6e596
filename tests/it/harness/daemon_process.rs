//! A daemon that runs: a child of the test, known by what it logs and answers.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use revoked::http::client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::{BOUND, Installation, PATIENT, until};

/// A running daemon, ended when dropped.
pub(crate) struct DaemonProcess {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
}

impl Installation {
    /// Starts the daemon and waits until it is ready.
    pub(crate) async fn start(&self) -> DaemonProcess {
        self.start_by(self.command(&["run"])).await
    }

    /// Starts it by a command of the test's own.
    pub(crate) async fn start_by(&self, command: Command) -> DaemonProcess {
        let before = self.log().len();
        let mut child = self.spawn_by(command);
        let address = until("the daemon's start", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the daemon ended with {status}: {}", &self.log()[before..]);
            }
            started(&self.log()[before..])
        });
        let address = address.await;
        let running = DaemonProcess {
            child,
            address,
            http: client(PATIENT).unwrap(),
        };
        until("readiness", async || {
            let answer = running.http.get(running.url("/readyz")).send().await;
            answer.ok().filter(|answer| answer.status() == 200)
        })
        .await;
        running
    }

    /// Starts the daemon and waits for nothing.
    pub(crate) fn spawn(&self) -> Child {
        self.spawn_by(self.command(&["run"]))
    }

    /// Starts it by a command of the test's own, and waits for nothing.
    pub(crate) fn spawn_by(&self, mut command: Command) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("daemon.log"))
            .unwrap();
        let log: OwnedFd = log.into();
        command.stderr(log);
        // A program that was just written may still be open for writing in a child that another thread has forked meanwhile.
        loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                spawned => return spawned.unwrap(),
            }
        }
    }

    /// All that daemons have logged here.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("daemon.log")).unwrap_or_default()
    }
}

/// Where a daemon with this log listens.
fn started(log: &str) -> Option<SocketAddr> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut starts = lines.filter(|line| line["message"] == "started" && line["module"] == "revoked::daemon");
    starts.next()?["fields"]["address"].as_str()?.parse().ok()
}

impl DaemonProcess {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Ends it as a power cut would: no last word.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it has ended already")
    }

    /// Asks it to stop, as systemd does.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        tokio::time::timeout(BOUND, self.child.wait())
            .await
            .expect("it does not end")
            .unwrap()
    }

    /// Stops it in good order.
    pub(crate) async fn stop(self) {
        self.terminate();
        let status = self.ended().await;
        assert!(status.success(), "{status}");
    }

    /// The metrics' text.
    pub(crate) async fn metrics(&self) -> String {
        let answer = self.http.get(self.url("/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Waits until it sends the target nothing: it looks for an operator's pause by itself, so what comes before that is acted on.
    pub(crate) async fn until_paused(&self) {
        let wanted = "revoked_lane_paused{target=\"chat\"} 1";
        until(wanted, async || self.metrics().await.contains(wanted).then_some(())).await;
    }
}
