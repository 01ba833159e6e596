//! The keys of a `postgresql` target, and what they must look like.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use toml::Spanned;

use super::session::Server;
use crate::secret::SecretSource;
use crate::settings::{Complaints, ConfigError, Period, Settings};
use crate::targets::connection::{CALL_TIME, pem_authorities};

const TIMEOUT: Duration = Duration::from_secs(15);

/// As written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// The server's name or address, or the folder of its socket.
    host: Spanned<String>,
    /// Its port, which names the socket too.
    port: Option<u16>,
    /// Any database that our role may connect to.
    database: Option<String>,
    /// Our role.
    user: String,
    /// Its password; not needed where the server asks for none, as over a socket.
    password: Option<Spanned<SecretSource>>,
    /// The authorities that may have signed the server's certificate, PEM.
    ca_file: Option<Spanned<PathBuf>>,
    /// For a call as a whole.
    timeout: Option<Spanned<Period>>,
}

/// Reads a table, or says everything that is wrong with it.
pub(super) fn read(settings: &Settings<'_>) -> Result<Server, Vec<ConfigError>> {
    let keys: Keys = settings.read()?;
    let mut complaints = Complaints::default();
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(keys.port.unwrap_or(5432))
        .database(keys.database.as_deref().unwrap_or("postgres"))
        .username(&keys.user)
        .application_name("revoked")
        .disable_statement_logging();
    let place = Place::of(keys.host.get_ref());
    match &place {
        Ok(Place::Socket) => options = options.socket(keys.host.get_ref()).ssl_mode(PgSslMode::Disable),
        Ok(Place::Loopback) if keys.ca_file.is_none() => options = options.host(keys.host.get_ref()).ssl_mode(PgSslMode::Disable),
        Ok(_) => options = options.host(keys.host.get_ref()).ssl_mode(PgSslMode::VerifyFull),
        Err(error) => complaints.at(&keys.host, format!("{error:#}")),
    }
    if let Some(file) = &keys.ca_file {
        if matches!(place, Ok(Place::Socket)) {
            complaints.at(file, "a socket has no TLS; leave ca_file out, or name the host");
        }
        if let Some((pem, _)) = complaints.take(file, |file| pem_authorities(file)) {
            options = options.ssl_root_cert_from_pem(pem);
        }
    } else if matches!(place, Ok(Place::Elsewhere)) {
        complaints.at(
            &keys.host,
            "ca_file is needed: the password goes only to a server whose certificate your authority has signed",
        );
    }
    if let Some(source) = &keys.password
        && let Some(password) = complaints.take(source, |source| source.read().map_err(anyhow::Error::new))
    {
        options = options.password(password.expose_secret());
    }
    let time = complaints.time(keys.timeout.as_ref(), TIMEOUT, &CALL_TIME);
    if !complaints.is_empty() {
        return Err(complaints.0);
    }
    Ok(Server::new(options, time))
}

/// Where the server is.
enum Place {
    Socket,
    Loopback,
    Elsewhere,
}

impl Place {
    fn of(host: &str) -> anyhow::Result<Self> {
        if host.starts_with('/') {
            return Ok(Self::Socket);
        }
        let sound = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
        ensure!(
            !host.is_empty() && host.chars().all(sound),
            "{host:?} is neither a host's name or address nor the folder of a socket; write one such as db.example.org or /run/postgresql"
        );
        let loopback = host
            .parse::<IpAddr>()
            .map_or(host == "localhost", |address| address.is_loopback());
        Ok(if loopback { Self::Loopback } else { Self::Elsewhere })
    }
}
