//! A broker: the password at both of its doors, and connections that are open.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::amqp::Connection;
use super::{Server, System, TargetSystem, TargetTable};

const OPERATOR: (&str, &str) = ("operator", "broker-of-the-tests");

/// Where AMQP stands among the ports.
const AMQP: usize = 1;

/// A broker with the management plugin.
pub(crate) struct RabbitMq(Server);

/// What a person of a broker holds.
#[derive(Debug)]
pub(crate) enum Credential {
    /// The password, where programs send and receive.
    Password(String),
    /// The same, at the management API.
    ManagementPassword(String),
    Connection(Mutex<Connection>),
}

fn password(name: &str) -> String {
    format!("{name} has a password")
}

impl RabbitMq {
    fn amqp(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.0.port(AMQP)))
    }

    async fn administer(&self, method: Method, path: &str, body: &Value) -> u16 {
        let request = self.0.http.request(method, self.0.url(path)).json(body);
        let answer = request.basic_auth(OPERATOR.0, Some(OPERATOR.1)).send().await.unwrap();
        answer.status().as_u16()
    }
}

impl System for RabbitMq {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let ready = async |server: &Server| server.answers("/api/").await && server.accepts(AMQP).await;
        Server::start("rabbitmq", 4, ready).await.map(Self)
    }

    /// The password and two connections.
    async fn person(&self, name: &str) -> Vec<Credential> {
        let account = json!({ "password": password(name), "tags": "management" });
        let made = self.administer(Method::PUT, &format!("/api/users/{name}"), &account).await;
        assert_eq!(made, 201);
        let everything = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        let path = format!("/api/permissions/%2F/{name}");
        assert_eq!(self.administer(Method::PUT, &path, &everything).await, 201);
        let mut held = vec![
            Credential::Password(name.to_owned()),
            Credential::ManagementPassword(name.to_owned()),
        ];
        for _ in 0..2 {
            let connection = Connection::open(self.amqp(), name, &password(name)).await.unwrap();
            held.push(Credential::Connection(Mutex::new(connection)));
        }
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        match credential {
            Credential::Password(name) => Connection::open(self.amqp(), name, &password(name)).await.is_some(),
            Credential::ManagementPassword(name) => {
                let request = self.0.http.get(self.0.url("/api/whoami"));
                let answer = request.basic_auth(name, Some(password(name))).send().await.unwrap();
                match answer.status().as_u16() {
                    200 => true,
                    401 => false,
                    other => panic!("{other}"),
                }
            }
            Credential::Connection(connection) => connection.lock().await.works().await,
        }
    }

    /// The account alone leaves its connections open.
    async fn delete(&self, name: &str) {
        for path in [format!("/api/users/{name}"), format!("/api/connections/username/{name}")] {
            assert_eq!(self.administer(Method::DELETE, &path, &Value::Null).await, 204);
        }
    }
}

impl TargetSystem for RabbitMq {
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("rabbitmq", self.0.url(""));
        table.key("user", OPERATOR.0).secret("password", OPERATOR.1)
    }
}
