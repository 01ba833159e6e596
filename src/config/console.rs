//! `[console]`: where operators reach the API and the page.

use std::net::SocketAddr;
use std::path::PathBuf;

use toml::Spanned;

use super::Diagnostics;
use super::file;
use super::single_sign_on::{self, SingleSignOnSettings};
use crate::certificate::{Files, Unusable};
use crate::model::Role;

/// Where the console listens, and what it is called.
#[derive(Debug, Clone, Default)]
pub struct ConsoleSettings {
    /// The folder of the sockets, one for each role: `viewer.sock` to `admin.sock`. Who may open one has its role.
    pub sockets: Option<PathBuf>,
    /// The address for callers with tokens and for the page: on loopback, behind a proxy that speaks TLS, unless `tls` says how we do.
    pub listen: Option<SocketAddr>,
    /// Under which address browsers reach the page, without a slash at its end: `https://revoked.example.org`.
    pub origin: Option<String>,
    /// The certificate that the listener shows; without it, it speaks no TLS.
    pub tls: Option<Files>,
    /// Where operators sign in elsewhere; without it, by links alone.
    pub single_sign_on: Option<SingleSignOnSettings>,
}

impl ConsoleSettings {
    /// Whether anything listens.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.sockets.is_some() || self.listen.is_some()
    }

    /// The socket of a role.
    #[must_use]
    pub fn socket(&self, role: Role) -> Option<PathBuf> {
        Some(self.sockets.as_ref()?.join(format!("{role}.sock")))
    }

    /// The host of the origin, as a `Host` header has it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let (_, host) = self.origin.as_deref()?.split_once("://")?;
        Some(host)
    }
}

pub(super) fn console(written: &file::Console, found: &mut Diagnostics) -> ConsoleSettings {
    let mut settings = ConsoleSettings::default();
    if let Some(folder) = &written.sockets {
        if folder.get_ref().is_absolute() {
            settings.sockets = Some(folder.get_ref().clone());
        } else {
            found.complain(
                folder.span(),
                "sockets: write the whole path of the folder, such as \"/run/revoked\"",
            );
        }
    }
    if let Some(listen) = &written.listen {
        match listen.get_ref().parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() || written.tls.is_some() => settings.listen = Some(address),
            Ok(_) => found.complain(
                listen.span(),
                "listen: without [console.tls] the console speaks no TLS, so it listens on loopback alone, behind a proxy: 127.0.0.1:8444",
            ),
            Err(_) => found.complain(
                listen.span(),
                "listen: write an address and a port, such as \"127.0.0.1:8444\"",
            ),
        }
    }
    settings.origin = written.origin.as_ref().and_then(|origin| origin_of(origin, found));
    match (&written.listen, &written.origin) {
        (Some(listen), None) => found.complain(
            listen.span(),
            "listen: say under which address browsers and programs reach it, as origin = \"https://revoked.example.org\"",
        ),
        (None, Some(origin)) => found.complain(origin.span(), "origin: it means nothing without listen"),
        _ => {}
    }
    if let Some(written_tls) = &written.tls {
        settings.tls = tls(written_tls, found);
        match (&written.listen, &written.origin) {
            (None, _) => found.complain(written_tls.span(), "tls: it means nothing without listen"),
            (_, Some(origin)) if origin.get_ref().starts_with("http://") => found.complain(
                origin.span(),
                "origin: with [console.tls] it begins with https://, since the listener speaks nothing else",
            ),
            _ => {}
        }
    }
    settings.single_sign_on = written.single_sign_on.as_ref().and_then(|table| {
        let origin = settings.origin.as_deref().filter(|_| written.listen.is_some());
        single_sign_on::single_sign_on(table, origin, found)
    });
    settings
}

/// The certificate with its key, which must fit. Whether browsers take it is for `check` and an alert to say: a daemon that is to end access starts
/// with one that has expired all the same.
fn tls(written: &Spanned<file::Tls>, found: &mut Diagnostics) -> Option<Files> {
    let file::Tls { certificate, key } = written.get_ref();
    for (name, is_there) in [("certificate", certificate.is_some()), ("key", key.is_some())] {
        if !is_there {
            found.complain(written.span(), format!("the key `{name}` is missing"));
        }
    }
    let (certificate, key) = (certificate.as_ref()?, key.as_ref()?);
    let files = Files {
        certificate: certificate.get_ref().clone(),
        key: key.get_ref().clone(),
    };
    match files.check() {
        Ok(_) => {}
        Err(Unusable::Certificate(error)) => found.complain(certificate.span(), format!("certificate: {error:#}")),
        Err(Unusable::Key(error)) => found.complain(key.span(), format!("key: {error:#}")),
    }
    Some(files)
}

/// An origin as browsers send it: a scheme and a host, and a port where it is not the scheme's own.
fn origin_of(written: &Spanned<String>, found: &mut Diagnostics) -> Option<String> {
    let text = written.get_ref();
    let local = |host: &str| host.starts_with("127.0.0.1") || host.starts_with("localhost") || host.starts_with("[::1]");
    let sound = match text.split_once("://") {
        Some(("https", host)) => is_host(host),
        Some(("http", host)) => is_host(host) && local(host),
        _ => false,
    };
    if sound {
        return Some(text.clone());
    }
    found.complain(
        written.span(),
        "origin: write it as browsers show it, such as \"https://revoked.example.org\", without a slash at its end; http is for this host alone",
    );
    None
}

fn is_host(host: &str) -> bool {
    host.parse::<http::uri::Authority>()
        .is_ok_and(|authority| authority.as_str() == host && !host.contains('@') && host == host.to_ascii_lowercase())
}
