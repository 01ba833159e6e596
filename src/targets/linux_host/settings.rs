//! The keys of a `linux-host` target, and what they must look like.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use toml::Spanned;

use super::hosts::Hosts;
use super::ssh::{Host, Login};
use crate::file_modes;
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};

const TIMEOUT: Duration = Duration::from_secs(45);
const CONNECT: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(10);

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Names or addresses, with `:PORT` where it is not 22.
    hosts: Spanned<Vec<Spanned<String>>>,
    /// Our account there.
    user: Spanned<String>,
    /// Our private key.
    identity: Spanned<SecretSource>,
    /// The hosts' public keys, as OpenSSH keeps them.
    known_hosts: Spanned<PathBuf>,
    /// Whether our account becomes root by sudo.
    #[serde(default)]
    sudo: bool,
    /// OpenSSH's client.
    ssh: Option<Spanned<PathBuf>>,
    /// To open a connection.
    connect_timeout: Option<Spanned<Period>>,
    /// For one question to one host.
    timeout: Option<Spanned<Period>>,
}

/// Reads a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>) -> Result<Hosts, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let mut hosts: Vec<Host> = Vec::new();
    for text in keys.hosts.get_ref() {
        if let Some(host) = complaints.take(text, |text| Host::parse(text)) {
            if hosts.iter().any(|other| other.name == host.name) {
                complaints.at(text, format!("{} stands here twice", text.get_ref()));
            } else {
                hosts.push(host);
            }
        }
    }
    if keys.hosts.get_ref().is_empty() {
        complaints.at(&keys.hosts, "it names no host");
    }
    complaints.take(&keys.user, |name| user(name));
    if keys.user.get_ref() == "root" && keys.sudo {
        complaints.at(&keys.user, "root needs no sudo; leave one of them out");
    }
    // Read for its mode alone; the client reads it by itself.
    let identity = complaints.take(&keys.identity, |identity| {
        Ok(identity.read().and_then(|_| identity.path())?)
    });
    complaints.take(&keys.known_hosts, |path| known(path));
    let ssh = keys
        .ssh
        .as_ref()
        .map_or_else(|| PathBuf::from("/usr/bin/ssh"), |key| key.get_ref().clone());
    if !ssh.is_file() {
        let why = format!(
            "{} is no program; install OpenSSH's client, or say where it is with `ssh`",
            ssh.display()
        );
        complaints.0.push(settings.complain("ssh", why));
    }
    let connect = complaints.time(keys.connect_timeout.as_ref(), CONNECT, &(SHORTEST..=LONGEST));
    let time = complaints.time(keys.timeout.as_ref(), TIMEOUT, &(SHORTEST..=LONGEST));
    let (Some(identity), true) = (identity, complaints.is_empty()) else {
        return Err(complaints.0);
    };
    let login = Login {
        ssh,
        user: keys.user.into_inner(),
        identity,
        known_hosts: keys.known_hosts.into_inner(),
        sudo: keys.sudo,
        connect,
        time,
    };
    Ok(Hosts::new(hosts, login))
}

fn user(name: &str) -> anyhow::Result<()> {
    ensure!(
        super::account::is_name(name),
        "{name:?} is no name of an account: letters, digits and ._-@, and not digits alone"
    );
    Ok(())
}

/// Whoever may write it chooses which host is believed.
fn known(path: &std::path::Path) -> anyhow::Result<()> {
    let bytes = file_modes::read("the hosts' keys in", path)?;
    let text = String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{} is not text", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    ensure!(
        lines.count() > 0,
        "{} holds no key; fill it with ssh-keyscan and compare what it found with the hosts' own",
        path.display()
    );
    Ok(())
}
