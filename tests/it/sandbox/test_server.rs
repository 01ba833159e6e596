//! A sandbox with a fixture in it, and a client that speaks as the operator or as an intruder.

use revoked::http::client;
use revoked_sandbox::{Id, Options, Sandbox, World};
use serde_json::Value;

pub(super) struct TestServer {
    pub(super) sandbox: Sandbox,
    client: reqwest::Client,
    operator: Id,
}

impl TestServer {
    pub(super) async fn with(world: World, options: Options) -> Self {
        let operator = world.operator_token().expect("an operator");
        let sandbox = Sandbox::start(world, options).await.expect("a sandbox");
        let client = client(crate::wait::PATIENT).expect("a client");
        Self {
            sandbox,
            client,
            operator,
        }
    }

    pub(super) async fn fixture() -> Self {
        Self::with(World::fixture(1, 20), Options::default()).await
    }

    /// The first person of the fixture, who has every kind of access.
    pub(super) fn victim(&self) -> Id {
        self.sandbox.world().person("user01").expect("the person").id
    }

    /// The secret of the victim's oldest session.
    pub(super) fn stolen(&self) -> Id {
        let world = self.sandbox.world();
        let session = world.person("user01").expect("the person").sessions[0];
        world.session(session).expect("the session").token
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: &str) -> reqwest::Result<reqwest::Response> {
        self.send_to(0, self.operator, method, path, body).await
    }

    pub(super) async fn send_to(
        &self,
        node: usize,
        secret: Id,
        method: &str,
        path: &str,
        body: &str,
    ) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}{path}", self.sandbox.node_urls()[node]);
        let call = self.client.request(method.parse().expect("a method"), url);
        call.bearer_auth(secret).body(body.to_owned()).send().await
    }

    /// The status of an operator's call.
    pub(super) async fn status(&self, method: &str, path: &str) -> u16 {
        self.send(method, path, "").await.expect("an answer").status().as_u16()
    }

    /// The status and the error id of an operator's call.
    pub(super) async fn refusal(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let answer = self.send(method, path, body).await.expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("an error body");
        (status, body["id"].as_str().unwrap_or_default().to_owned())
    }

    /// The entries of a list that the operator asks for.
    pub(super) async fn list(&self, path: &str) -> Vec<Value> {
        self.send("GET", path, "")
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a list")
    }

    /// Whether a secret is still good at a node.
    pub(super) async fn is_in(&self, node: usize, secret: Id) -> bool {
        let answer = self
            .send_to(node, secret, "GET", "/api/v4/users/me", "")
            .await
            .expect("an answer");
        answer.status() == 200
    }

    pub(super) fn sessions_path(&self) -> String {
        format!("/api/v4/users/{}/sessions", self.victim())
    }

    pub(super) fn revoke_all_path(&self) -> String {
        format!("/api/v4/users/{}/sessions/revoke/all", self.victim())
    }
}
