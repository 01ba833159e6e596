//! Where a directory is, as a config writes it, and how what is sent there is kept from others.

use std::net::IpAddr;

use anyhow::Context as _;
use reqwest::Url;

/// Where a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::ldap) struct Address {
    /// `ldaps://` or `ldap://`, a host and perhaps a port.
    pub(in crate::targets::ldap) url: String,
    /// Whether TLS begins by a call of the protocol, before anything else is said.
    pub(in crate::targets::ldap) start_tls: bool,
}

impl Address {
    /// Reads one. The password goes wherever it points, so it must be encrypted or, where `plain_on_loopback` says so, stay on the machine.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in crate::targets::ldap) fn read(text: &str, start_tls: bool, plain_on_loopback: bool) -> anyhow::Result<Self> {
        let url = Url::parse(text).with_context(|| format!("{text:?} is not a URL; write one such as ldaps://ldap.example.org"))?;
        anyhow::ensure!(
            url.username().is_empty() && url.password().is_none(),
            "the URL holds a user name or a password; they belong into `bind` and `password`"
        );
        anyhow::ensure!(
            url.query().is_none() && url.fragment().is_none() && matches!(url.path(), "" | "/"),
            "the URL {text:?} names more than a host and a port; where people are found is written in `people`"
        );
        let host = url.host_str().unwrap_or_default();
        anyhow::ensure!(!host.is_empty(), "the URL {text:?} names no host");
        let address = host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .ok()
            .map(|address| address.to_canonical());
        anyhow::ensure!(
            !address.is_some_and(is_link_local),
            "{host} is a link-local address; name the server by its host name"
        );
        let loopback = address.map_or(host == "localhost", |address| address.is_loopback());
        match url.scheme() {
            "ldaps" => anyhow::ensure!(
                !start_tls,
                "ldaps:// is TLS from the first byte; leave out start_tls, or write ldap://"
            ),
            "ldap" if start_tls || (plain_on_loopback && loopback) => {}
            "ldap" if plain_on_loopback => {
                anyhow::bail!(
                    "{text:?} would send the password unencrypted; write ldaps://, or start_tls = true (without either on loopback only)"
                )
            }
            "ldap" => anyhow::bail!(
                "{text:?} would not be encrypted, and passwords are set only where it is; write ldaps://, or start_tls = true"
            ),
            scheme => anyhow::bail!("{text:?} has the scheme {scheme}; write ldaps://"),
        }
        Ok(Self {
            url: text.trim_end_matches('/').to_owned(),
            start_tls,
        })
    }

    /// Whether what is said there is encrypted.
    pub(in crate::targets::ldap) fn is_encrypted(&self) -> bool {
        self.start_tls || self.url.starts_with("ldaps:")
    }
}

const fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_show_the_password_to_others_is_refused() {
        for (text, start_tls, plain, word) in [
            ("ldap://ldap.example.org", false, true, "unencrypted"),
            ("ldap://10.0.0.1", false, true, "unencrypted"),
            ("ldap://127.0.0.1", false, false, "start_tls"),
            ("ldaps://ldap.example.org", true, true, "leave out start_tls"),
            ("ldaps://me:secret@ldap.example.org", false, true, "`bind`"),
            ("ldaps://ldap.example.org/dc=example", false, true, "`people`"),
            ("ldaps://169.254.169.254", false, true, "link-local"),
            ("https://ldap.example.org", false, true, "ldaps://"),
            ("ldap.example.org", false, true, "not a URL"),
            ("ldaps://", false, true, "host"),
        ] {
            let error = format!("{:#}", Address::read(text, start_tls, plain).unwrap_err());
            assert!(error.contains(word) && !error.contains("secret@"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_encrypted_or_stays_on_the_machine_is_taken() {
        for (text, start_tls, plain, encrypted) in [
            ("ldaps://ldap.example.org", false, false, true),
            ("ldaps://ldap.example.org:1636/", false, true, true),
            ("ldap://ldap.example.org", true, false, true),
            ("ldap://127.0.0.1:389", false, true, false),
            ("ldap://localhost", false, true, false),
        ] {
            let address = Address::read(text, start_tls, plain).unwrap();
            assert_eq!(address.is_encrypted(), encrypted, "{text}");
        }
    }
}
