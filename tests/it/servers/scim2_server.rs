//! A service provider by SCIM. What a person holds there is the account itself, which may be used while it is active.

use serde_json::{Value, json};

use super::{Server, System, TargetSystem, TargetTable};

const TOKEN: &str = "scim-of-the-tests";

/// A SCIM service provider, at `/v2`.
pub(crate) struct Scim2Server(Server);

/// An account, by its name.
#[derive(Debug)]
pub(crate) struct Account(String);

impl Scim2Server {
    async fn found(&self, name: &str) -> Vec<Value> {
        let query = [("filter", format!("userName eq \"{name}\""))];
        let request = self.0.http.get(self.0.url("/v2/Users")).query(&query);
        let answer = request.bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut answer: Value = answer.json().await.unwrap();
        serde_json::from_value(answer["Resources"].take()).unwrap_or_default()
    }
}

impl System for Scim2Server {
    type Credential = Account;

    async fn start() -> Option<Self> {
        let server = Server::start("scim2-server", 1, async |server| server.answers("/v2/Users").await);
        server.await.map(Self)
    }

    async fn person(&self, name: &str) -> Vec<Account> {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name,
            "active": true,
            "emails": [{ "value": format!("{name}@example.test"), "primary": true }],
        });
        let request = self.0.http.post(self.0.url("/v2/Users")).bearer_auth(TOKEN).json(&user);
        let answer = request.header("content-type", "application/scim+json").send().await.unwrap();
        assert_eq!(answer.status(), 201);
        vec![Account(name.to_owned())]
    }

    async fn works(&self, Account(name): &Account) -> bool {
        self.found(name).await.iter().any(|user| user["active"] == true)
    }

    async fn delete(&self, name: &str) {
        for user in self.found(name).await {
            let path = format!("/v2/Users/{}", user["id"].as_str().unwrap());
            let request = self.0.http.delete(self.0.url(&path)).bearer_auth(TOKEN);
            assert_eq!(request.send().await.unwrap().status(), 204);
        }
    }
}

impl TargetSystem for Scim2Server {
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("scim", self.0.url("/v2"));
        table.key("ourselves", "none of its accounts").secret("token", TOKEN)
    }
}
