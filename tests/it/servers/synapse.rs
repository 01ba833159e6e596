//! A Matrix homeserver: devices with tokens, refresh tokens, login tokens and the password.

use aws_lc_rs::hmac;
use revoked::digest::hex;
use serde_json::{Value, json};

use super::{Server, System, TargetSystem, TargetTable};

const SHARED_SECRET: &[u8] = b"synapse-of-the-tests";
const DOMAIN: &str = "hs.example.test";

/// A homeserver with an administrator.
pub(crate) struct Synapse {
    server: Server,
    /// The administrator's access token.
    pub(crate) admin: String,
}

/// What a person of a homeserver holds.
#[derive(Debug)]
pub(crate) enum Credential {
    /// Of a device.
    AccessToken(String),
    /// Of a device too; it gives new access tokens.
    RefreshToken(String),
    Password(String),
    /// Of a device that is still to be.
    LoginToken(String),
}

impl Synapse {
    /// The Matrix id of a person, as a part of a path.
    fn in_path(name: &str) -> String {
        format!("%40{name}%3A{DOMAIN}")
    }

    fn password(name: &str) -> String {
        format!("{name} has a password")
    }

    /// Makes an account by the secret that the server shares with its operators.
    async fn register(server: &Server, name: &str, admin: bool) {
        let url = server.url("/_synapse/admin/v1/register");
        let nonce: Value = server.http.get(&url).send().await.unwrap().json().await.unwrap();
        let (nonce, password) = (nonce["nonce"].as_str().unwrap(), Self::password(name));
        let role = if admin { "admin" } else { "notadmin" };
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SHARED_SECRET);
        let mac = hmac::sign(&key, [nonce, name, &password, role].join("\0").as_bytes());
        let mac = hex(mac.as_ref());
        let account = json!({ "nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac });
        let made = server.http.post(&url).json(&account).send().await.unwrap();
        assert_eq!(made.status(), 200);
    }

    async fn sign_in(server: &Server, name: &str, device: &str, refresh: bool) -> (u16, Value) {
        let login = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": name },
            "password": Self::password(name),
            "device_id": device,
            "refresh_token": refresh,
        });
        let request = server.http.post(server.url("/_matrix/client/v3/login")).json(&login);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// What is in no list of the homeserver.
impl Synapse {
    /// An access token that the administrator makes for somebody.
    pub(crate) async fn minted(&self, name: &str) -> Credential {
        let path = format!("/_synapse/admin/v1/users/{}/login", Self::in_path(name));
        let request = self.server.http.post(self.server.url(&path)).bearer_auth(&self.admin);
        let answer = request.json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let made: Value = answer.json().await.unwrap();
        Credential::AccessToken(made["access_token"].as_str().unwrap().to_owned())
    }

    /// A token for the sign-in of another device, which somebody signed in fetches. It is good once.
    pub(crate) async fn login_token(&self, session: &Credential) -> Credential {
        let Credential::AccessToken(session) = session else {
            panic!("{session:?}")
        };
        let url = self.server.url("/_matrix/client/v1/login/get_token");
        let answer = self.server.http.post(url).bearer_auth(session).json(&json!({}));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let made: Value = answer.json().await.unwrap();
        Credential::LoginToken(made["login_token"].as_str().unwrap().to_owned())
    }

    /// Takes the lock away, as an administrator does by hand.
    pub(crate) async fn unlock(&self, name: &str) {
        let path = format!("/_synapse/admin/v2/users/{}", Self::in_path(name));
        let request = self.server.http.put(self.server.url(&path)).bearer_auth(&self.admin);
        let answer = request.json(&json!({ "locked": false })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// What a homeserver says of a credential: taken, or refused.
fn is_taken(status: u16, said: &Value) -> bool {
    match (status, said["errcode"].as_str()) {
        (200, None) => true,
        (401, Some("M_UNKNOWN_TOKEN" | "M_USER_LOCKED")) | (403, Some("M_FORBIDDEN" | "M_USER_DEACTIVATED")) => false,
        _ => panic!("{status} {said}"),
    }
}

impl System for Synapse {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let ready = async |server: &Server| server.answers("/_matrix/client/versions").await;
        let server = Server::start("synapse", 1, ready).await?;
        Self::register(&server, "operator", true).await;
        let (_, session) = Self::sign_in(&server, "operator", "OPERATOR", false).await;
        let admin = session["access_token"].as_str().unwrap().to_owned();
        Some(Self { server, admin })
    }

    /// Three devices, one of them with a refresh token, and the password.
    async fn person(&self, name: &str) -> Vec<Credential> {
        Self::register(&self.server, name, false).await;
        let mut held = vec![Credential::Password(name.to_owned())];
        for (device, refresh) in [("LAPTOP", false), ("PHONE", false), ("TABLET", true)] {
            let (status, session) = Self::sign_in(&self.server, name, &format!("{device}{name}"), refresh).await;
            assert_eq!(status, 200, "{session}");
            let text = |key: &str| session[key].as_str().unwrap().to_owned();
            held.push(Credential::AccessToken(text("access_token")));
            if refresh {
                held.push(Credential::RefreshToken(text("refresh_token")));
            }
        }
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        let server = &self.server;
        let request = match credential {
            Credential::AccessToken(token) => {
                let request = server.http.get(server.url("/_matrix/client/v3/account/whoami"));
                request.bearer_auth(token)
            }
            // One that has been used gives tokens until those are used, so it can be asked again.
            Credential::RefreshToken(token) => {
                let request = server.http.post(server.url("/_matrix/client/v3/refresh"));
                request.json(&json!({ "refresh_token": token }))
            }
            Credential::LoginToken(token) => {
                let request = server.http.post(server.url("/_matrix/client/v3/login"));
                request.json(&json!({ "type": "m.login.token", "token": token }))
            }
            // It makes another device each time.
            Credential::Password(name) => {
                let (status, said) = Self::sign_in(server, name, &format!("ANOTHER{name}"), false).await;
                return is_taken(status, &said);
            }
        };
        let answer = request.send().await.unwrap();
        is_taken(answer.status().as_u16(), &answer.json().await.unwrap())
    }

    /// Deactivates, which is all the deleting that there is.
    async fn delete(&self, name: &str) {
        let path = format!("/_synapse/admin/v1/deactivate/{}", Self::in_path(name));
        let request = self.server.http.post(self.server.url(&path)).bearer_auth(&self.admin);
        let answer = request.json(&json!({ "erase": false })).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

impl TargetSystem for Synapse {
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("synapse", self.server.url(""));
        table.key("server_name", DOMAIN).secret("token", &self.admin)
    }
}
