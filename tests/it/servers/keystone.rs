//! Keystone: the password, tokens, application credentials, EC2 credentials and trusts, each of which gives tokens.

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Server, System, TargetSystem, TargetTable};

const OPERATOR: (&str, &str) = ("admin", "keystone-of-the-tests");

/// Somebody whom people trust to act for them.
const ASSISTANT: &str = "assistant";

/// Keystone with a project, its administrator, and an assistant.
pub(crate) struct Keystone {
    server: Server,
    /// The administrator's token.
    pub(crate) admin: String,
    project: String,
    assistant: String,
}

/// What a person of a cloud holds.
#[derive(Debug)]
pub(crate) enum Credential {
    Password(String),
    Token(String),
    /// An application credential.
    Application {
        id: String,
        secret: String,
    },
    Ec2 {
        access: String,
        secret: String,
    },
    /// What the assistant acts for the person by.
    Trust(String),
}

/// What Keystone said, and the token that it gave.
struct Answer {
    status: u16,
    said: Value,
    token: Option<String>,
}

impl Answer {
    /// What was made, where something was to be.
    fn made(self) -> Value {
        assert_eq!(self.status, 201, "{}", self.said);
        self.said
    }

    /// Whether a credential was taken. Some that are gone are not refused but not found.
    fn is_taken(&self) -> bool {
        let message = self.said["error"]["message"].as_str().unwrap_or_default();
        let not_found = ["Could not find", "EC2 access key not found", "Failed to validate token"];
        match self.status {
            200 | 201 => true,
            401 | 403 => false,
            404 if not_found.iter().any(|words| message.starts_with(words)) => false,
            other => panic!("{other} {}", self.said),
        }
    }
}

fn password(name: &str) -> String {
    format!("{name} has a password")
}

fn by_password(name: &str, password: &str) -> Value {
    let user = json!({ "name": name, "domain": { "id": "default" }, "password": password });
    json!({ "methods": ["password"], "password": { "user": user } })
}

/// The signature of an empty request, version 2, as the services of AWS once took it.
fn ec2_request(access: &str, secret: &str) -> Value {
    let params = json!({ "SignatureMethod": "HmacSHA256", "SignatureVersion": "2" });
    let signed = "GET\ncloud.example.test\n/\nSignatureMethod=HmacSHA256&SignatureVersion=2";
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    json!({
        "access": access,
        "signature": BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes())),
        "host": "cloud.example.test", "verb": "GET", "path": "/", "params": params,
    })
}

async fn call(server: &Server, token: Option<&str>, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = server.http.request(method, server.url(path));
    if let Some(token) = token {
        request = request.header("x-auth-token", token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    answer_to(request).await
}

async fn answer_to(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let token = answer
        .headers()
        .get("x-subject-token")
        .map(|token| token.to_str().unwrap().to_owned());
    Answer {
        status: answer.status().as_u16(),
        said: answer.json().await.unwrap_or_default(),
        token,
    }
}

async fn sign_in(server: &Server, identity: Value, scope: Option<Value>) -> Answer {
    let mut auth = json!({ "identity": identity });
    if let Some(scope) = scope {
        auth["scope"] = scope;
    }
    call(server, None, Method::POST, "/v3/auth/tokens", Some(&json!({ "auth": auth }))).await
}

impl Keystone {
    async fn administer(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        call(&self.server, Some(&self.admin), method, path, body).await
    }

    fn scope(&self) -> Value {
        json!({ "project": { "id": self.project } })
    }

    /// Makes an account with a role in the project, and gives its id.
    async fn register(&self, name: &str) -> String {
        let user = json!({ "name": name, "password": password(name), "email": format!("{name}@example.test") });
        let user = self
            .administer(Method::POST, "/v3/users", Some(&json!({ "user": user })))
            .await
            .made();
        let id = user["user"]["id"].as_str().unwrap().to_owned();
        let roles = self.administer(Method::GET, "/v3/roles?name=member", None).await.said;
        let role = roles["roles"][0]["id"].as_str().unwrap();
        let path = format!("/v3/projects/{}/users/{id}/roles/{role}", self.project);
        assert_eq!(self.administer(Method::PUT, &path, None).await.status, 204);
        id
    }

    /// Enables an account again, as an administrator does by hand.
    pub(crate) async fn enable(&self, name: &str) {
        let path = format!("/v3/users/{}", self.id(name).await);
        let enabled = json!({ "user": { "enabled": true } });
        assert_eq!(self.administer(Method::PATCH, &path, Some(&enabled)).await.status, 200);
    }

    /// The id of an account.
    async fn id(&self, name: &str) -> String {
        let path = format!("/v3/users?name={name}&domain_id=default");
        let found = self.administer(Method::GET, &path, None).await.said;
        found["users"][0]["id"].as_str().unwrap().to_owned()
    }
}

impl System for Keystone {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let server = Server::start("keystone", 1, async |server| server.answers("/v3").await).await?;
        let scope = json!({ "project": { "name": "admin", "domain": { "id": "default" } } });
        let admin = sign_in(&server, by_password(OPERATOR.0, OPERATOR.1), Some(scope)).await;
        let mut this = Self {
            server,
            admin: admin.token.unwrap(),
            project: String::new(),
            assistant: String::new(),
        };
        let project = json!({ "project": { "name": "research", "domain_id": "default" } });
        let project = this.administer(Method::POST, "/v3/projects", Some(&project)).await.made();
        project["project"]["id"].as_str().unwrap().clone_into(&mut this.project);
        this.assistant = this.register(ASSISTANT).await;
        Some(this)
    }

    async fn person(&self, name: &str) -> Vec<Credential> {
        let (server, id) = (&self.server, self.register(name).await);
        let signed_in = sign_in(server, by_password(name, &password(name)), Some(self.scope())).await;
        let token = signed_in.token.unwrap();
        let post = async |path: String, body: Value| call(server, Some(&token), Method::POST, &path, Some(&body)).await.made();
        let text = |value: &Value| value.as_str().unwrap().to_owned();

        let wanted = json!({ "application_credential": { "name": "pipeline" } });
        let made = post(format!("/v3/users/{id}/application_credentials"), wanted).await;
        let application = &made["application_credential"];
        let application = Credential::Application {
            id: text(&application["id"]),
            secret: text(&application["secret"]),
        };
        let wanted = json!({ "tenant_id": self.project });
        let made = post(format!("/v3/users/{id}/credentials/OS-EC2"), wanted).await;
        let ec2 = Credential::Ec2 {
            access: text(&made["credential"]["access"]),
            secret: text(&made["credential"]["secret"]),
        };
        let wanted = json!({ "trust": {
            "trustor_user_id": id, "trustee_user_id": self.assistant, "project_id": self.project,
            "impersonation": true, "roles": [{ "name": "member" }],
        } });
        let made = post("/v3/OS-TRUST/trusts".to_owned(), wanted).await;
        let trust = Credential::Trust(text(&made["trust"]["id"]));

        // What one of them gives is a credential too.
        let mut held = vec![Credential::Password(name.to_owned())];
        for credential in [application, ec2, trust] {
            held.push(Credential::Token(self.exchange(&credential).await.token.unwrap()));
            held.push(credential);
        }
        held.push(Credential::Token(token));
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        self.exchange(credential).await.is_taken()
    }

    async fn delete(&self, name: &str) {
        let path = format!("/v3/users/{}", self.id(name).await);
        assert_eq!(self.administer(Method::DELETE, &path, None).await.status, 204);
    }
}

impl TargetSystem for Keystone {
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("keystone", self.server.url(""));
        table
            .key("user", OPERATOR.0)
            .key("domain", "default")
            .secret("password", OPERATOR.1)
    }
}

impl Keystone {
    /// Asks for a token by a credential; of a token itself, whether it is one.
    async fn exchange(&self, credential: &Credential) -> Answer {
        let server = &self.server;
        match credential {
            Credential::Password(name) => sign_in(server, by_password(name, &password(name)), None).await,
            // The service that was sent it asks, as it does at every call.
            Credential::Token(token) => {
                let request = server.http.get(server.url("/v3/auth/tokens"));
                let request = request.header("x-auth-token", &self.admin).header("x-subject-token", token);
                answer_to(request).await
            }
            Credential::Application { id, secret } => {
                let held = json!({ "id": id, "secret": secret });
                let identity = json!({ "methods": ["application_credential"], "application_credential": held });
                sign_in(server, identity, None).await
            }
            // The service that was sent a signed request asks, with its own token.
            Credential::Ec2 { access, secret } => {
                let asked = json!({ "credentials": ec2_request(access, secret) });
                self.administer(Method::POST, "/v3/ec2tokens", Some(&asked)).await
            }
            Credential::Trust(id) => {
                let scope = json!({ "OS-TRUST:trust": { "id": id } });
                sign_in(server, by_password(ASSISTANT, &password(ASSISTANT)), Some(scope)).await
            }
        }
    }
}
