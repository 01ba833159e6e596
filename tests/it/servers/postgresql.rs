//! A PostgreSQL server: the password of a role, and connections that are open.

use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;

use super::{Server, System};

/// A server with its superuser, whom the socket believes.
pub(crate) struct Postgresql(Server);

/// What a person of a database holds.
#[derive(Debug)]
pub(crate) enum Credential {
    Password(String),
    Connection(Mutex<PgConnection>),
}

/// The password that a role is given here.
pub(crate) fn password(name: &str) -> String {
    format!("{name} has a password")
}

impl Postgresql {
    pub(crate) fn port(&self) -> u16 {
        self.0.port(0)
    }

    /// The folder of its socket, and of the certificates.
    pub(crate) fn folder(&self) -> PathBuf {
        self.0.data("")
    }

    /// Runs statements as the superuser.
    pub(crate) async fn administer(&self, statements: &str) {
        let mut connection = administrator(&self.0).connect().await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&mut connection)
            .await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
        connection.close().await.unwrap();
    }

    /// Signs in with a password over the network; `None` where that is refused.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Option<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port())
            .username(name)
            .password(password)
            .database("postgres")
            .ssl_mode(PgSslMode::Disable);
        match options.connect().await {
            Ok(connection) => Some(connection),
            Err(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap().into_owned();
                assert!(["28P01", "28000"].contains(&code.as_str()), "{error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn administrator(server: &Server) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(server.data(""))
        .port(server.port(0))
        .username("postgres")
        .database("postgres")
}

impl System for Postgresql {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let ready = async |server: &Server| administrator(server).connect().await.is_ok();
        Server::start("postgresql", 1, ready).await.map(Self)
    }

    /// The password and two connections.
    async fn person(&self, name: &str) -> Vec<Credential> {
        let (role, secret) = (name.replace('"', "\"\""), password(name).replace('\'', "''"));
        self.administer(&format!("CREATE ROLE \"{role}\" LOGIN PASSWORD '{secret}'"))
            .await;
        let mut held = vec![Credential::Password(name.to_owned())];
        for _ in 0..2 {
            let connection = self.sign_in(name, &password(name)).await.unwrap();
            held.push(Credential::Connection(Mutex::new(connection)));
        }
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        match credential {
            Credential::Password(name) => self.sign_in(name, &password(name)).await.is_some(),
            Credential::Connection(connection) => {
                let mut connection = connection.lock().await;
                match sqlx::raw_sql("SELECT 1").execute(&mut *connection).await {
                    Ok(_) => true,
                    Err(sqlx::Error::Database(error)) => {
                        assert_eq!(error.code().unwrap(), "57P01", "{error}");
                        false
                    }
                    Err(sqlx::Error::Io(_)) => false,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    async fn delete(&self, name: &str) {
        self.administer(&format!(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = '{name}'; DROP ROLE \"{name}\""
        ))
        .await;
    }
}
