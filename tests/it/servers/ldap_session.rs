//! A connection to a directory that is signed in: what a person holds, and by what a test arranges and looks.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Mod, Scope, SearchEntry};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::task::JoinHandle;

/// A connection that is signed in.
#[derive(Debug)]
pub(crate) struct Session {
    ldap: Ldap,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Session {
    /// Signs in; `None` where the server refuses the password. With TLS, the authority in that file is believed, and no other.
    pub(crate) async fn open(url: &str, authority: Option<&Path>, name: &str, password: &str) -> Option<Self> {
        Self::try_open(url, authority, name, password).await.unwrap()
    }

    /// The same, where there may be no server yet.
    pub(crate) async fn try_open(
        url: &str,
        authority: Option<&Path>,
        name: &str,
        password: &str,
    ) -> Result<Option<Self>, LdapError> {
        let mut settings = LdapConnSettings::new();
        if let Some(authority) = authority {
            settings = settings.set_config(believing(authority));
        }
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, url).await?;
        let driver = tokio::spawn(async move { drop(connection.drive().await) });
        match ldap.simple_bind(name, password).await?.rc {
            0 => Ok(Some(Self { ldap, driver })),
            49 => Ok(None),
            other => panic!("result code {other}"),
        }
    }

    /// Changes an entry.
    pub(crate) async fn modify(&mut self, dn: &str, changes: Vec<Mod<String>>) {
        self.ldap.modify(dn, changes).await.unwrap().success().unwrap();
    }

    /// Reads an entry; `None` where it is not there.
    pub(crate) async fn read(&mut self, dn: &str, attributes: &[&str]) -> Option<SearchEntry> {
        let found = self
            .ldap
            .search(dn, Scope::Base, "(objectClass=*)", attributes.to_vec())
            .await
            .unwrap();
        match found.1.rc {
            32 => None,
            0 => found.0.into_iter().next().map(SearchEntry::construct),
            other => panic!("result code {other}"),
        }
    }

    /// The values of an attribute.
    pub(crate) async fn values(&mut self, dn: &str, attribute: &str) -> Vec<String> {
        let entry = self.read(dn, &[attribute]).await.unwrap();
        entry.attrs.into_values().flatten().collect()
    }

    /// Adds an entry.
    pub(crate) async fn add(&mut self, dn: &str, attributes: &[(&str, &str)]) {
        let attributes: Vec<(&str, &[u8])> = attributes.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        self.add_bytes(dn, &attributes).await;
    }

    /// Adds an entry whose values are not all text.
    pub(crate) async fn add_bytes(&mut self, dn: &str, attributes: &[(&str, &[u8])]) {
        let mut together: Vec<(Vec<u8>, HashSet<Vec<u8>>)> = Vec::new();
        for (name, value) in attributes {
            match together.iter_mut().find(|(known, _)| known == name.as_bytes()) {
                Some((_, values)) => _ = values.insert(value.to_vec()),
                None => together.push((name.as_bytes().to_vec(), HashSet::from([value.to_vec()]))),
            }
        }
        self.ldap.add(dn, together).await.unwrap().success().unwrap();
    }

    /// Deletes an entry.
    pub(crate) async fn delete(&mut self, dn: &str) {
        self.ldap.delete(dn).await.unwrap().success().unwrap();
    }

    /// Gives an entry another name.
    pub(crate) async fn rename(&mut self, dn: &str, name: &str) {
        self.ldap.modifydn(dn, name, true, None).await.unwrap().success().unwrap();
    }
}

/// Sets an attribute to these values.
pub(crate) fn replace(attribute: &str, values: &[&str]) -> Mod<String> {
    Mod::Replace(attribute.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
}

fn believing(authority: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}
