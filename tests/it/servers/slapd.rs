//! An OpenLDAP server: a password, and a connection that is signed in.

use std::path::PathBuf;

use tokio::sync::Mutex;

use super::ldap_session::Session;
use super::{Server, System};

/// The password of the manager and of both services.
pub(crate) const PASSWORD: &str = "directory-of-the-tests";
pub(crate) const MANAGER: &str = "cn=manager,dc=example,dc=test";
pub(crate) const REVOKED: &str = "cn=revoked,ou=services,dc=example,dc=test";
pub(crate) const READER: &str = "cn=reader,ou=services,dc=example,dc=test";
pub(crate) const PEOPLE: &str = "ou=people,dc=example,dc=test";
pub(crate) const POLICY: &str = "cn=default,ou=policies,dc=example,dc=test";
pub(crate) const LENIENT: &str = "cn=lenient,ou=policies,dc=example,dc=test";

/// Where it answers with TLS stands among the ports.
const TLS: usize = 1;

/// A directory.
pub(crate) struct Slapd(Server);

/// What a person of a directory holds.
#[derive(Debug)]
pub(crate) enum Credential {
    Password(String),
    Connection(String, Mutex<Session>),
}

/// The name of somebody's entry.
pub(crate) fn dn(name: &str) -> String {
    format!("uid={name},{PEOPLE}")
}

fn password(name: &str) -> String {
    format!("{name} has a password")
}

impl Slapd {
    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.0.port(0))
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.0.port(TLS))
    }

    /// The authority that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.0.data("tls/ca.pem")
    }

    /// Signs in as whoever may do everything.
    pub(crate) async fn manager(&self) -> Session {
        Session::open(&self.url(), None, MANAGER, PASSWORD).await.unwrap()
    }

    /// Adds somebody.
    pub(crate) async fn add(&self, name: &str, more: &[(&str, &str)]) {
        let (mail, password) = (format!("{name}@example.test"), password(name));
        let mut attributes = vec![
            ("objectClass", "inetOrgPerson"),
            ("uid", name),
            ("cn", name),
            ("sn", name),
            ("mail", &mail),
            ("userPassword", &password),
        ];
        attributes.extend(more);
        self.manager().await.add(&dn(name), &attributes).await;
    }

    /// Adds a group of these people.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let group = format!("cn={name},ou=groups,dc=example,dc=test");
        let members: Vec<String> = members.iter().map(|member| dn(member)).collect();
        let mut attributes = vec![("objectClass", "groupOfNames"), ("cn", name)];
        attributes.extend(members.iter().map(|member| ("member", member.as_str())));
        self.manager().await.add(&group, &attributes).await;
        group
    }
}

impl System for Slapd {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let ready = async |server: &Server| server.accepts(0).await && server.accepts(TLS).await;
        Server::start("slapd", 2, ready).await.map(Self)
    }

    /// The password and a connection.
    async fn person(&self, name: &str) -> Vec<Credential> {
        self.add(name, &[]).await;
        let session = Session::open(&self.url(), None, &dn(name), &password(name)).await.unwrap();
        vec![
            Credential::Password(name.to_owned()),
            Credential::Connection(name.to_owned(), Mutex::new(session)),
        ]
    }

    /// What is done with a connection is to read one's own entry.
    async fn works(&self, credential: &Credential) -> bool {
        match credential {
            Credential::Password(name) => Session::open(&self.url(), None, &dn(name), &password(name)).await.is_some(),
            Credential::Connection(name, session) => session.lock().await.read(&dn(name), &["cn"]).await.is_some(),
        }
    }

    async fn delete(&self, name: &str) {
        self.manager().await.delete(&dn(name)).await;
    }
}
