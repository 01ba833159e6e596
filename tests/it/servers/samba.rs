//! Samba as a domain controller of Active Directory: a password at both of its doors, a ticket-granting ticket, and a connection that is signed in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::ldap_session::Session;
use super::{Server, System};

/// The password of the administrator and of both services.
pub(crate) const PASSWORD: &str = "Directory-0f-the-tests";
pub(crate) const REVOKED: &str = "revoked@corp.example.test";
pub(crate) const READER: &str = "reader@corp.example.test";
pub(crate) const PEOPLE: &str = "CN=Users,DC=corp,DC=example,DC=test";
const ADMINISTRATOR: &str = "administrator@corp.example.test";
/// A service that tickets can be had for.
const SERVICE: &str = "host/DC1";

/// Where it takes StartTLS, and where Kerberos is, among the ports.
const START_TLS: usize = 1;
const KDC: usize = 2;

/// A domain controller.
pub(crate) struct Samba {
    server: Server,
    /// What the people keep their tickets in.
    tickets: TempDir,
}

/// What a person of a domain holds.
#[derive(Debug)]
pub(crate) enum Credential {
    /// The password, at LDAP.
    Password(String),
    /// The same, at Kerberos.
    KerberosPassword(String),
    /// A ticket-granting ticket.
    Ticket(PathBuf),
    Connection(String, Mutex<Session>),
    /// A ticket for a service, which lets somebody in there without anybody else being asked.
    ServiceTicket(PathBuf),
}

/// The name of somebody's entry.
pub(crate) fn dn(name: &str) -> String {
    format!("CN={name},{PEOPLE}")
}

/// The name that somebody signs in by.
fn principal(name: &str) -> String {
    format!("{name}@corp.example.test")
}

fn password(name: &str) -> String {
    format!("{name} Has a passw0rd")
}

impl Samba {
    pub(crate) fn url(&self) -> String {
        format!("ldaps://localhost:{}", self.server.port(0))
    }

    pub(crate) fn start_tls_url(&self) -> String {
        format!("ldap://localhost:{}", self.server.port(START_TLS))
    }

    /// The authority that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.server.data("tls/ca.pem")
    }

    async fn open(&self, name: &str, password: &str) -> Option<Session> {
        Session::open(&self.url(), Some(&self.authority()), name, password).await
    }

    /// Signs in as whoever may do everything.
    pub(crate) async fn administrator(&self) -> Session {
        self.open(ADMINISTRATOR, PASSWORD).await.unwrap()
    }

    /// Adds somebody.
    pub(crate) async fn add(&self, name: &str, more: &[(&str, &str)]) {
        let (mail, upn) = (format!("{name}@example.test"), principal(name));
        let quoted: Vec<u8> = format!("\"{}\"", password(name))
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut attributes: Vec<(&str, &[u8])> = vec![
            ("objectClass", b"user"),
            ("sAMAccountName", name.as_bytes()),
            ("userPrincipalName", upn.as_bytes()),
            ("mail", mail.as_bytes()),
            ("unicodePwd", &quoted),
            ("userAccountControl", b"512"),
        ];
        attributes.extend(more.iter().map(|(name, value)| (*name, value.as_bytes())));
        self.administrator().await.add_bytes(&dn(name), &attributes).await;
    }

    /// Adds a group of these entries.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let group = dn(name);
        let mut attributes = vec![("objectClass", "group"), ("sAMAccountName", name)];
        attributes.extend(members.iter().map(|member| ("member", *member)));
        self.administrator().await.add(&group, &attributes).await;
        group
    }

    /// Gets somebody a ticket for a service, kept apart from the one that it was had for.
    pub(crate) async fn service_ticket(&self, ticket: &Path) -> Credential {
        let kept = ticket.with_extension("service");
        fs::copy(ticket, &kept).unwrap();
        assert!(self.kerberos("kvno", &[SERVICE], &kept, "").await);
        Credential::ServiceTicket(kept)
    }

    /// Runs one of Kerberos' tools on a cache of tickets. A refusal is an answer; that nobody answers fails the test.
    async fn kerberos(&self, tool: &str, arguments: &[&str], cache: &Path, input: &str) -> bool {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers/samba/usr");
        let mut child = Command::new(installed.join("bin").join(tool))
            .args(arguments)
            .env("LD_LIBRARY_PATH", installed.join("lib/x86_64-linux-gnu"))
            .env("KRB5_CONFIG", self.server.data("krb5.conf"))
            .env("KRB5CCNAME", cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(crate::wait::BOUND, child.wait_with_output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.contains("Cannot contact any KDC"), "{said}");
        ended.status.success()
    }

    async fn signs_in_by_kerberos(&self, name: &str, cache: &Path) -> bool {
        self.kerberos("kinit", &[name], cache, &format!("{}\n", password(name))).await
    }
}

impl System for Samba {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let ready = async |server: &Server| {
            let url = format!("ldaps://localhost:{}", server.port(0));
            let authority = server.data("tls/ca.pem");
            authority.exists()
                && server.accepts(KDC).await
                && Session::try_open(&url, Some(&authority), ADMINISTRATOR, PASSWORD)
                    .await
                    .is_ok_and(|session| session.is_some())
        };
        let server = Server::start("samba", 3, ready).await?;
        Some(Self {
            server,
            tickets: tempfile::tempdir().unwrap(),
        })
    }

    /// The password at both doors, a ticket and a connection.
    async fn person(&self, name: &str) -> Vec<Credential> {
        self.add(name, &[]).await;
        let cache = self.tickets.path().join(name);
        assert!(self.signs_in_by_kerberos(name, &cache).await);
        let session = self.open(&principal(name), &password(name)).await.unwrap();
        vec![
            Credential::Password(name.to_owned()),
            Credential::KerberosPassword(name.to_owned()),
            Credential::Ticket(cache),
            Credential::Connection(name.to_owned(), Mutex::new(session)),
        ]
    }

    async fn works(&self, credential: &Credential) -> bool {
        match credential {
            Credential::Password(name) => self.open(&principal(name), &password(name)).await.is_some(),
            Credential::KerberosPassword(name) => self.signs_in_by_kerberos(name, &self.tickets.path().join("tried")).await,
            Credential::Ticket(cache) => {
                // A ticket that it was used for once is kept, and would be shown without asking again.
                let copy = cache.with_extension("tried");
                fs::copy(cache, &copy).unwrap();
                self.kerberos("kvno", &[SERVICE], &copy, "").await
            }
            Credential::Connection(name, session) => session.lock().await.read(&dn(name), &["cn"]).await.is_some(),
            Credential::ServiceTicket(cache) => self.kerberos("kvno", &["--cached-only", SERVICE], cache, "").await,
        }
    }

    async fn delete(&self, name: &str) {
        self.administrator().await.delete(&dn(name)).await;
    }
}
