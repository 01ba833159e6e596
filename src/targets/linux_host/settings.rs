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
use crate::settings::{ConfigError, Period, Settings};

const TIMEOUT: Duration = Duration::from_secs(45);
const CONNECT: Duration = Duration::from_secs(10);

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
    let mut complaints = Vec::new();
    let mut complain = |span: std::ops::Range<usize>, error: anyhow::Error| {
        complaints.push(ConfigError {
            span: Some(span),
            message: format!("{error:#}"),
        });
    };
    let mut hosts: Vec<Host> = Vec::new();
    for text in keys.hosts.get_ref() {
        match Host::parse(text.get_ref()) {
            Ok(host) if hosts.iter().any(|other| other.name == host.name) => {
                complain(text.span(), anyhow::anyhow!("{} stands here twice", text.get_ref()));
            }
            Ok(host) => hosts.push(host),
            Err(error) => complain(text.span(), error),
        }
    }
    if keys.hosts.get_ref().is_empty() {
        complain(keys.hosts.span(), anyhow::anyhow!("it names no host"));
    }
    if let Err(error) = user(keys.user.get_ref()) {
        complain(keys.user.span(), error);
    }
    if keys.user.get_ref() == "root" && keys.sudo {
        complain(keys.user.span(), anyhow::anyhow!("root needs no sudo; leave one of them out"));
    }
    // Read for its mode alone; the client reads it by itself.
    let identity = keys.identity.get_ref();
    let path = identity
        .read()
        .and_then(|_| identity.path())
        .map_err(|error| complain(keys.identity.span(), error.into()));
    if let Err(error) = known(keys.known_hosts.get_ref()) {
        complain(keys.known_hosts.span(), error);
    }
    let ssh = keys
        .ssh
        .as_ref()
        .map_or_else(|| PathBuf::from("/usr/bin/ssh"), |key| key.get_ref().clone());
    if !ssh.is_file() {
        let span = keys.ssh.as_ref().map_or_else(|| settings.table.span(), Spanned::span);
        complain(
            span,
            anyhow::anyhow!(
                "{} is no program; install OpenSSH's client, or say where it is with `ssh`",
                ssh.display()
            ),
        );
    }
    let mut length = |key: Option<Spanned<Period>>, fallback: Duration| {
        let length = key.as_ref().map_or(fallback, |key| key.get_ref().0);
        if let Some(key) = key.filter(|_| !(Duration::from_secs(1)..=Duration::from_mins(10)).contains(&length)) {
            complain(key.span(), anyhow::anyhow!("it takes from 1s to 10m"));
        }
        length
    };
    let (connect, time) = (length(keys.connect_timeout, CONNECT), length(keys.timeout, TIMEOUT));
    let (Ok(identity), true) = (path, complaints.is_empty()) else {
        return Err(complaints);
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
