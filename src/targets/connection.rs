//! How a target is reached: its base URL, the authorities that vouch for it, and the bounds of a call, as a config writes them.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Url;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::http::{Bounds, client_trusting};
use crate::settings::Period;

/// A server's base URL. The credential goes wherever it points, so it must be encrypted or stay on the machine, and may not point at a
/// link-local address, where clouds keep their metadata services.
pub(in crate::targets) fn base_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("{text:?} is not a URL; write one such as https://chat.example.org"))?;
    anyhow::ensure!(
        url.username().is_empty() && url.password().is_none(),
        "the URL holds a user name or a password; the credential belongs into a key of its own"
    );
    anyhow::ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "the URL {text:?} has a query or a fragment; leave it out"
    );
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_matches(['[', ']'])
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical());
    let link_local = match address {
        Some(IpAddr::V4(v4)) => v4.is_link_local(),
        Some(IpAddr::V6(v6)) => v6.is_unicast_link_local(),
        None => false,
    };
    anyhow::ensure!(
        !link_local,
        "{host} is a link-local address; name the server by its host name"
    );
    let loopback = address.map_or(host == "localhost", |address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => anyhow::bail!("{text:?} would send the credential unencrypted; write https:// (http:// is for loopback only)"),
        scheme => anyhow::bail!("{text:?} has the scheme {scheme}; write https://"),
    }
}

/// The authorities of a PEM file, for an HTTP client.
pub(in crate::targets) fn authorities(path: &Path) -> anyhow::Result<Vec<reqwest::Certificate>> {
    let (_, found) = pem_authorities(path)?;
    let one = |der: &CertificateDer<'_>| {
        reqwest::Certificate::from_der(der).with_context(|| format!("reading the certificates in {}", path.display()))
    };
    found.iter().map(one).collect()
}

/// What a PEM file of authorities holds: its bytes as they are, and each certificate.
///
/// # Errors
/// Where it cannot be read, may be written by others, or holds none.
pub(in crate::targets) fn pem_authorities(path: &Path) -> anyhow::Result<(Vec<u8>, Vec<CertificateDer<'static>>)> {
    let pem = crate::file_modes::read("the certificates in", path)?;
    let none = || format!("{} holds no PEM certificates", path.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.with_context(none)?;
    anyhow::ensure!(!found.is_empty(), none());
    Ok((pem, found))
}

/// How long a config may let a call take.
pub(in crate::targets) const CALL_TIME: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(10);

/// A bound for a call, of a table that is read by hand.
pub(in crate::targets) fn call_time(text: &str) -> anyhow::Result<Duration> {
    let length = text.parse::<Period>().ok().map(|length| length.0);
    length
        .filter(|length| CALL_TIME.contains(length))
        .with_context(|| format!("{text:?} is not a time between 100ms and 10m; write one such as 30s"))
}

/// The client of a target whose table says how long opening a connection and a call as a whole may take, and which authorities to trust besides
/// the system's. What is not written is as it is for every client.
pub(in crate::targets) fn client(
    connect: Option<Duration>,
    total: Option<Duration>,
    roots: Option<Vec<reqwest::Certificate>>,
) -> anyhow::Result<reqwest::Client> {
    let usual = Bounds::default();
    let total = total.unwrap_or(usual.total);
    let bounds = Bounds {
        connect: connect.unwrap_or(usual.connect),
        read: usual.read.min(total),
        total,
    };
    client_trusting(bounds, roots.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_could_leak_the_token_is_refused() {
        for (text, word) in [
            ("http://chat.example.org", "unencrypted"),
            ("https://me:secret@chat.example.org", "a key of its own"),
            ("https://chat.example.org/?x=1", "query"),
            ("https://chat.example.org/#x", "fragment"),
            ("https://169.254.169.254", "link-local"),
            ("https://[fe80::1]", "link-local"),
            ("https://[::ffff:169.254.169.254]", "link-local"),
            ("http://10.0.0.1", "unencrypted"),
            ("ftp://chat.example.org", "https://"),
            ("chat.example.org", "not a URL"),
        ] {
            let error = format!("{:#}", base_url(text).unwrap_err());
            assert!(error.contains(word) && !error.contains("secret@"), "{text}: {error}");
        }
    }

    #[test]
    fn a_server_by_name_or_on_loopback_is_taken() {
        for text in [
            "https://chat.example.org",
            "https://example.org/chat/",
            "http://127.0.0.1:8065",
            "http://localhost:8065",
            "http://[::1]:8065",
        ] {
            assert!(base_url(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn times_are_bounded() {
        assert_eq!(call_time("5s").unwrap(), Duration::from_secs(5));
        for text in ["0s", "-5s", "2h", "soon", "5"] {
            assert!(call_time(text).is_err(), "{text}");
        }
    }
}
