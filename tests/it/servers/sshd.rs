//! A Linux host with sshd, in namespaces of its own: keys, passwords, connections that are held open, and processes that go on by themselves.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};

use super::{Server, System};
use crate::wait::until;

/// A host whose administrator signs in by a key.
pub(crate) struct Sshd(Server);

/// What a person of a host holds.
#[derive(Debug)]
pub(crate) enum Credential {
    Key(String),
    Password(String),
    /// A connection that is open, over which further channels can be opened without another sign-in.
    Held {
        control: PathBuf,
        _child: Child,
    },
    /// Processes in the background, each of which makes the next one.
    Processes(String),
}

impl Sshd {
    pub(crate) fn name(&self) -> String {
        format!("127.0.0.1:{}", self.0.port(0))
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.0.data("known_hosts")
    }

    /// The private key of somebody.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.0.data("keys").join(name)
    }

    fn ssh(&self, user: &str) -> Command {
        let mut command = Command::new("ssh");
        let known = format!("UserKnownHostsFile={}", self.known_hosts().display());
        command
            .args([
                "-F",
                "/dev/null",
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                &known,
                "-o",
                "LogLevel=INFO",
            ])
            .args([
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-p",
                &self.0.port(0).to_string(),
                "-l",
                user,
            ])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn by_key(&self, user: &str, key: &Path) -> Command {
        let mut command = self.ssh(user);
        command.args(["-o", "BatchMode=yes", "-i"]).arg(key).arg("127.0.0.1");
        command
    }

    /// Runs a command as root.
    pub(crate) async fn administer(&self, script: &str) -> Output {
        self.by_key("root", &self.key("operator")).arg(script).output().await.unwrap()
    }

    /// What a command of root's printed.
    pub(crate) async fn tells(&self, script: &str) -> String {
        let output = self.administer(script).await;
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// How many processes run as somebody.
    pub(crate) async fn processes(&self, name: &str) -> usize {
        let count = self.tells(&format!("pgrep -u {name} | wc -l")).await;
        count.parse().unwrap()
    }
}

/// Whether somebody came in. A refusal is one; anything else that fails is a failure of the test.
fn came_in(output: &Output) -> bool {
    if output.status.success() {
        return true;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let refusals = [
        "Permission denied",
        "Connection closed",
        "Too many authentication failures",
        "expired",
    ];
    assert!(refusals.iter().any(|words| said.contains(words)), "{output:?}");
    false
}

impl System for Sshd {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            // Past the test harness, which shows nothing of a test that passes.
            drop(writeln!(
                std::io::stderr(),
                "SKIPPED: a Linux host for real, since only root may make one"
            ));
            return None;
        }
        let server = Server::start("sshd", 1, async |server| {
            server.data("known_hosts").exists() && server.accepts(0).await
        });
        server.await.map(Self)
    }

    /// One of those that the host has from the beginning: a key, a password, an open connection, and processes.
    async fn person(&self, name: &str) -> Vec<Credential> {
        let control = self.0.data(&format!("keys/{name}-held"));
        let mut held = self.ssh(name);
        held.args(["-o", "BatchMode=yes", "-M", "-N", "-S"])
            .arg(&control)
            .arg("-i")
            .arg(self.key(name))
            .arg("127.0.0.1");
        let child = held.spawn().unwrap();
        until("the connection", async || control.exists().then_some(())).await;
        let restless = "printf '%s\\n' 'sleep 0.2; setsid sh \"$0\" &' >~/restless; setsid sh ~/restless >/dev/null 2>&1 &";
        let begun = self.by_key(name, &self.key(name)).arg(restless).output().await.unwrap();
        assert!(begun.status.success(), "{begun:?}");
        vec![
            Credential::Key(name.to_owned()),
            Credential::Password(name.to_owned()),
            Credential::Held { control, _child: child },
            Credential::Processes(name.to_owned()),
        ]
    }

    async fn works(&self, credential: &Credential) -> bool {
        match credential {
            Credential::Key(name) => came_in(&self.by_key(name, &self.key(name)).arg("true").output().await.unwrap()),
            Credential::Password(name) => {
                let answer = self.0.data("keys").join(format!("{name}-answer"));
                fs::write(&answer, format!("#!/bin/sh\necho '{name} has a password'\n")).unwrap();
                fs::set_permissions(&answer, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
                let mut command = self.ssh(name);
                command
                    .args([
                        "-o",
                        "PreferredAuthentications=password",
                        "-o",
                        "NumberOfPasswordPrompts=1",
                        "127.0.0.1",
                        "true",
                    ])
                    .env("SSH_ASKPASS_REQUIRE", "force")
                    .env("SSH_ASKPASS", &answer);
                came_in(&command.output().await.unwrap())
            }
            Credential::Held { control, .. } => {
                let mut command = self.ssh("nobody");
                // Over the connection that is held, and over no other.
                command
                    .args(["-o", "ProxyCommand=false", "-S"])
                    .arg(control)
                    .args(["127.0.0.1", "true"]);
                command.output().await.unwrap().status.success()
            }
            // One look can miss them: the next is made behind the back of a look, and the last is gone before it comes there.
            Credential::Processes(name) => {
                let look = format!("pgrep -u {name} -f 'sleep 0.2|restless' >/dev/null && echo alive && exit");
                self.tells(&format!("for n in 1 2 3 4 5; do {look}; done; echo gone")).await == "alive"
            }
        }
    }

    async fn delete(&self, name: &str) {
        let rid = "for n in 1 2 3 4 5; do pkill -KILL -u NAME; sleep 0.1; done; userdel --remove NAME";
        self.administer(&rid.replace("NAME", name)).await;
    }
}
