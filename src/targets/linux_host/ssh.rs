//! One question to one host: the script runs there in a shell, from its standard input, and what it prints comes back.
//!
//! The command line is the same for every question. What is asked stands before the script, as base64: no character of a name reaches a shell
//! as anything but data. The client is told everything by options, and reads no config of its own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::failure::Failure;
use super::report::Report;
use crate::bounded_program::{Program, RunError};
use crate::model::Timestamp;

/// Run at the host.
const SCRIPT: &str = include_str!("script.sh");

/// The most that a host may answer.
const OUTPUT: usize = 1 << 20;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Probe,
    Look,
    Suspend,
    Password,
    Keys,
    Processes,
    Release,
}

impl Asked {
    const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Look => "look",
            Self::Suspend => "suspend",
            Self::Password => "password",
            Self::Keys => "keys",
            Self::Processes => "processes",
            Self::Release => "release",
        }
    }
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// As it is written in the config: how it is called everywhere.
    pub(super) name: String,
    address: String,
    port: u16,
}

impl Host {
    /// `NAME`, `NAME:PORT`, `[ADDRESS]:PORT`.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let (address, port) = match text.rsplit_once(':') {
            Some((address, port)) if !address.contains(':') || address.ends_with(']') => (address, port.parse().ok()),
            _ => (text, Some(22)),
        };
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        let sound = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        ensure!(
            !bare.is_empty() && !bare.starts_with(['-', '.']) && bare.chars().all(sound) && port.is_some_and(|port| port > 0),
            "{text:?} is no host; write one such as web-1.example.org or 192.0.2.7:2222"
        );
        Ok(Self {
            name: text.to_owned(),
            address: bare.to_owned(),
            port: port.unwrap_or(22),
        })
    }
}

/// How we sign in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) ssh: PathBuf,
    pub(super) user: String,
    pub(super) identity: PathBuf,
    pub(super) known_hosts: PathBuf,
    pub(super) sudo: bool,
    pub(super) connect: Duration,
    pub(super) time: Duration,
}

impl Login {
    fn program(&self, host: &Host) -> Program {
        let connect = format!("ConnectTimeout={}", self.connect.as_secs().max(1));
        let known = format!("UserKnownHostsFile={}", quoted(&self.known_hosts.display().to_string()));
        let options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            &known,
            "GlobalKnownHostsFile=/dev/null",
            "UpdateHostKeys=no",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "PreferredAuthentications=publickey",
            "ControlMaster=no",
            "ControlPath=none",
            "ForwardAgent=no",
            "ClearAllForwardings=yes",
            "PermitLocalCommand=no",
            "ConnectionAttempts=1",
            &connect,
            "ServerAliveInterval=5",
            "ServerAliveCountMax=2",
            "LogLevel=ERROR",
        ];
        let mut args: Vec<std::ffi::OsString> = vec!["-F".into(), "/dev/null".into(), "-T".into(), "-x".into(), "-i".into()];
        args.push(self.identity.clone().into());
        for option in options {
            args.extend(["-o".into(), option.into()]);
        }
        args.extend([
            "-p".into(),
            host.port.to_string().into(),
            "-l".into(),
            self.user.clone().into(),
            "--".into(),
        ]);
        args.push(host.address.clone().into());
        args.push(if self.sudo { "sudo -n -- /bin/sh -s" } else { "/bin/sh -s" }.into());
        Program {
            path: self.ssh.clone(),
            args,
            environment: Vec::new(),
            folder: PathBuf::from("/"),
            time: self.time,
            output: OUTPUT,
        }
    }

    /// Asks a host.
    pub(super) async fn ask(&self, host: &Host, asked: Asked, account: &str, at: Timestamp) -> Result<Report, Failure> {
        let nonce = uuid::Uuid::now_v7().simple().to_string();
        let moment = at.to_string().replace([':', '.'], "-");
        let mut input = String::new();
        for (name, value) in [
            ("asked", asked.word()),
            ("account", account),
            ("moment", &moment),
            ("nonce", &nonce),
        ] {
            let value = BASE64_STANDARD.encode(value);
            input.extend([name, "=$(printf %s '", &value, "' | base64 -d)\n"]);
        }
        // A shell that reads its commands from standard input must not share it with what they run.
        input.extend(["contain() {\n", SCRIPT, "}\ncontain </dev/null 2>/dev/null\n"]);
        let output = self.program(host).run(input.as_bytes()).await.map_err(|error| match error {
            RunError::Start { .. } => Failure::NoClient(format!("{error}: {}", self.ssh.display())),
            RunError::Slow(..) | RunError::Killed(_) | RunError::Watch(_) => Failure::Unreached(error.to_string()),
            RunError::Flood(_) => Failure::Broken(error.to_string()),
        })?;
        match Report::read(&output.stdout, &nonce) {
            Some(report) => report,
            None => Err(failure(output.code, output.said)),
        }
    }
}

/// Why the client ended without an answer: 255 is its own code, all others are those of the shell at the host.
fn failure(code: i32, said: String) -> Failure {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if code == 255
        && has(&[
            "Host key verification failed",
            "HOST IDENTIFICATION HAS CHANGED",
            "No matching host key",
        ])
    {
        Failure::Stranger(said)
    } else if code == 255 && has(&["Permission denied", "Too many authentication failures"]) {
        Failure::Refused(said)
    } else if code == 255 {
        Failure::Unreached(said)
    } else if has(&["sudo"]) {
        Failure::Rights(said)
    } else {
        Failure::Broken(format!(
            "the shell there ended with code {code} and without an answer: {said}"
        ))
    }
}

/// A path in an option of OpenSSH, where spaces separate and `%` begins a token.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('%', "%%"))
}
