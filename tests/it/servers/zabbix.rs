//! Zabbix: the password, sessions and API tokens. Its API answers 200 to everything; what it says is in the body.

use serde_json::{Value, json};

use super::{Server, System, TargetSystem, TargetTable};

const OPERATOR: (&str, &str) = ("Admin", "zabbix");
const PASSWORD: &str = "a phrase that nobody guesses";

/// The frontend with a group for people, and an administrator who is signed in.
pub(crate) struct Zabbix {
    server: Server,
    /// The administrator's session.
    pub(crate) admin: String,
    group: String,
}

/// What a person holds.
#[derive(Debug)]
pub(crate) enum Credential {
    Password(String),
    Session(String),
    ApiToken(String),
}

/// What it says of a credential that it does not take.
const REFUSALS: [&str; 4] = [
    "Session terminated, re-login, please.",
    "Not authorized.",
    "No permissions for system access.",
    "Incorrect user name or password or account is temporarily blocked.",
];

async fn call(server: &Server, auth: Option<&str>, method: &str, params: &Value) -> Value {
    let mut body = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
    if let Some(auth) = auth {
        body["auth"] = json!(auth);
    }
    let request = server.http.post(server.url("/api_jsonrpc.php"));
    let request = request.header("content-type", "application/json-rpc").body(body.to_string());
    request.send().await.unwrap().json().await.unwrap()
}

/// What was to succeed.
fn result(answer: &Value) -> &Value {
    assert!(answer.get("error").is_none(), "{answer}");
    &answer["result"]
}

async fn sign_in(server: &Server, name: &str, password: &str) -> Value {
    let params = json!({ "username": name, "password": password });
    call(server, None, "user.login", &params).await
}

impl Zabbix {
    async fn administer(&self, method: &str, params: Value) -> Value {
        result(&call(&self.server, Some(&self.admin), method, &params).await).clone()
    }
}

impl System for Zabbix {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let server = Server::start("zabbix", 1, async |server| server.answers("/robots.txt").await).await?;
        let signed_in = sign_in(&server, OPERATOR.0, OPERATOR.1).await;
        let admin = result(&signed_in).as_str().unwrap().to_owned();
        let mut this = Self {
            server,
            admin,
            group: String::new(),
        };
        let made = this.administer("usergroup.create", json!({ "name": "staff" })).await;
        made["usrgrpids"][0].as_str().unwrap().clone_into(&mut this.group);
        Some(this)
    }

    /// The password, two sessions and two tokens.
    async fn person(&self, name: &str) -> Vec<Credential> {
        // An administrator of hosts, who may see themself.
        let account = json!({ "username": name, "passwd": PASSWORD, "roleid": "2", "usrgrps": [{ "usrgrpid": self.group }] });
        let made = self.administer("user.create", account).await;
        let id = made["userids"][0].clone();
        let mut held = vec![Credential::Password(name.to_owned())];
        for _ in 0..2 {
            let signed_in = sign_in(&self.server, name, PASSWORD).await;
            held.push(Credential::Session(result(&signed_in).as_str().unwrap().to_owned()));
        }
        for purpose in ["laptop", "pipeline"] {
            let made = self
                .administer("token.create", json!({ "name": purpose, "userid": id }))
                .await;
            let made = self.administer("token.generate", made["tokenids"].clone()).await;
            held.push(Credential::ApiToken(made[0]["token"].as_str().unwrap().to_owned()));
        }
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        let answer = match credential {
            Credential::Password(name) => sign_in(&self.server, name, PASSWORD).await,
            Credential::Session(secret) | Credential::ApiToken(secret) => {
                let params = json!({ "output": ["username"] });
                call(&self.server, Some(secret), "user.get", &params).await
            }
        };
        match answer["error"]["data"].as_str() {
            None => {
                assert!(answer.get("result").is_some(), "{answer}");
                true
            }
            Some(why) => {
                assert!(REFUSALS.contains(&why), "{answer}");
                false
            }
        }
    }

    async fn delete(&self, name: &str) {
        let found = self.administer("user.get", json!({ "filter": { "username": name } })).await;
        self.administer("user.delete", json!([found[0]["userid"]])).await;
    }
}

impl TargetSystem for Zabbix {
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("zabbix", self.server.url(""));
        // The group that every Zabbix has for those who may not sign in, and its first account.
        let table = table.key("disabled_group", "9").key("ourselves", "1");
        table.secret("token", &self.admin)
    }
}
