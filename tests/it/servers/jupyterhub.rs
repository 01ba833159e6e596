//! A hub of Jupyter: API tokens, and the sessions of browsers.

use reqwest::Response;
use serde_json::{Value, json};

use super::{Server, System, TargetSystem, TargetTable};

const SERVICE: &str = "service-of-the-tests";
const PASSWORD: &str = "hub-of-the-tests";

/// A hub with a service that may administer people.
pub(crate) struct JupyterHub(Server);

/// What a person of a hub holds.
#[derive(Debug)]
pub(crate) enum Credential {
    ApiToken(String),
    /// All the cookies of a browser that is signed in, as it sends them.
    Browser(String),
}

/// The cookies that an answer sets, as a browser sends them back.
fn cookies(answer: &Response) -> Vec<String> {
    let set = answer.headers().get_all("set-cookie").iter();
    set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect()
}

impl JupyterHub {
    async fn administer(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.0.http.request(method, self.0.url(&format!("/hub/api{path}")));
        let request = request.header("authorization", format!("token {SERVICE}"));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Signs in as a browser does, and gives the cookies that it then holds. The account is made where there is none.
    async fn sign_in(&self, name: &str) -> String {
        let page = self.0.http.get(self.0.url("/hub/login")).send().await.unwrap();
        let mut held = cookies(&page);
        let xsrf = held
            .iter()
            .find_map(|cookie| cookie.strip_prefix("_xsrf="))
            .unwrap()
            .to_owned();
        let form = [("username", name), ("password", PASSWORD), ("_xsrf", &xsrf)];
        let request = self.0.http.post(self.0.url("/hub/login")).form(&form);
        let answer = request.header("cookie", held.join("; ")).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        held.extend(cookies(&answer));
        held.join("; ")
    }
}

impl System for JupyterHub {
    type Credential = Credential;

    async fn start() -> Option<Self> {
        let server = Server::start("jupyterhub", 1, async |server| server.answers("/hub/api/").await);
        server.await.map(Self)
    }

    /// Two tokens and two browsers.
    async fn person(&self, name: &str) -> Vec<Credential> {
        let (status, made) = self.administer(reqwest::Method::POST, &format!("/users/{name}"), None).await;
        assert_eq!(status, 201, "{made}");
        let mut held = Vec::new();
        for (note, expires_in) in [("laptop", None), ("pipeline", Some(3600))] {
            let token = json!({ "note": note, "expires_in": expires_in });
            let path = format!("/users/{name}/tokens");
            let (status, made) = self.administer(reqwest::Method::POST, &path, Some(token)).await;
            assert_eq!(status, 201, "{made}");
            held.push(Credential::ApiToken(made["token"].as_str().unwrap().to_owned()));
        }
        for _ in 0..2 {
            held.push(Credential::Browser(self.sign_in(name).await));
        }
        held
    }

    async fn works(&self, credential: &Credential) -> bool {
        let request = self.0.http.get(self.0.url("/hub/api/user"));
        let request = match credential {
            Credential::ApiToken(token) => request.header("authorization", format!("token {token}")),
            Credential::Browser(cookies) => request.header("cookie", cookies),
        };
        match request.send().await.unwrap().status().as_u16() {
            200 => true,
            403 => false,
            other => panic!("{other}"),
        }
    }

    async fn delete(&self, name: &str) {
        let (status, said) = self
            .administer(reqwest::Method::DELETE, &format!("/users/{name}"), None)
            .await;
        assert_eq!(status, 204, "{said}");
    }
}

impl TargetSystem for JupyterHub {
    fn target(&self) -> TargetTable {
        TargetTable::new("jupyterhub", self.0.url("")).secret("token", SERVICE)
    }
}
