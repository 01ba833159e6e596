//! A SCIM client: a person is made, then deactivated.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::super::raw_http::{Answer, Call};
use super::super::row::{Row, Sender, secret};

const TOKEN: &str = "canary-2f9e4c7b1a8d60355c9e7f1b3d5a7c90";

pub(super) const ROW: Row = Row {
    kind: "scim",
    keys: r#"
url = "https://revoked.example.test/signals/scim"
token = { file = "{folder}/scim.token" }
"#,
    methods: &["GET", "POST", "PUT", "PATCH", "DELETE"],
    by_header: &["no_token", "invalid_token"],
    sender: |folder| {
        secret(folder, "scim.token", TOKEN);
        Box::new(Client::default())
    },
};

/// Knows the server's names of those whom it has made.
#[derive(Default)]
struct Client(Mutex<BTreeMap<String, String>>);

fn call(method: &'static str, below: &str, body: impl Into<Vec<u8>>) -> Call {
    let call = Call::post("scim", "application/scim+json", body).with("Authorization", format!("Bearer {TOKEN}"));
    Call {
        method,
        path: format!("{}{below}", call.path),
        ..call
    }
}

fn user(key: &str, person: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{key}-{person}@example.test"),
        "emails": [{"primary": true, "value": format!("{person}@example.test")}],
        "password": format!("canary-password-of-{person}"),
        "active": true,
    })
}

const DEACTIVATION: &str =
    r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#;

impl Sender for Client {
    fn before(&self, key: &str, person: &str) -> Vec<Call> {
        vec![call("POST", "/Users", user(key, person).to_string())]
    }

    fn heard(&self, key: &str, answer: &Answer) {
        let made: Value = serde_json::from_str(&answer.body).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        self.0.lock().unwrap().insert(key.to_owned(), id);
    }

    fn sound(&self, key: &str, _person: &str) -> Call {
        let known = self.0.lock().unwrap();
        let id = known.get(key).map_or("nobody", String::as_str);
        call("PATCH", &format!("/Users/{id}"), DEACTIVATION)
    }

    /// What counts is the difference of two states.
    fn other(&self, _: &str, _: &str) -> Option<Call> {
        None
    }

    fn at_other_times(&self, _: &str, _: &str) -> Vec<(i64, bool, Call)> {
        Vec::new()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let make = |body: &str| call("POST", "/Users", body);
        let good = make(&user(key, person).to_string());
        let with = |name: &str, value: Value| {
            let mut user = user(key, person);
            user[name] = value;
            make(&user.to_string())
        };
        let nested = format!("/Users?filter={}userName%20pr{}", "(".repeat(1000), ")".repeat(1000));
        vec![
            ("no token", good.clone().but("authorization", None)),
            (
                "another's token",
                good.clone()
                    .but("authorization", Some("Bearer 00000000000000000000000000000000")),
            ),
            (
                "a token that is nearly ours",
                good.clone().but("authorization", Some(&format!("Bearer {TOKEN}x"))),
            ),
            (
                "another scheme",
                good.clone().but("authorization", Some(&format!("Basic {TOKEN}"))),
            ),
            ("no JSON", make("<user/>")),
            ("an empty body", make("")),
            ("half a body", make(&user(key, person).to_string()[..40])),
            ("a list", make("[]")),
            (
                "a member twice",
                make(&user(key, person).to_string().replacen('{', "{\"userName\":\"other\",", 1)),
            ),
            (
                "no userName",
                make(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true}"#),
            ),
            ("a userName that is a list", with("userName", json!(["a"]))),
            (
                "a body that is not UTF-8",
                call("POST", "/Users", b"{\"userName\":\"\xff\"}".to_vec()),
            ),
            (
                "a filter nested a thousand deep",
                call("GET", &nested, "").but("content-type", None),
            ),
            (
                "a filter of no form",
                call("GET", "/Users?filter=userName%20zz%20%22a%22", "").but("content-type", None),
            ),
        ]
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let body = user("deep", "user01")
            .to_string()
            .replacen('{', &format!("{{\"x\":{nested},"), 1);
        Some(call("POST", "/Users", body))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let mut secrets = vec![TOKEN.to_owned()];
        if String::from_utf8_lossy(&call.body).contains("canary-password") {
            secrets.push("canary-password".to_owned());
        }
        secrets
    }
}
