//! Users who are provisioned, and then deactivated under the id that they were given.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::super::row::{Row, Sender, secret};
use super::super::wire::{Answer, Call};

const TOKEN: &str = "canary-5b1f0e7d9c3a86422e17aa90c4d8f3b6";
const PASSWORD: &str = "canary-password-6f2d";
const MEDIA: &str = "application/scim+json";

pub(super) const ROW: Row = Row {
    kind: "scim",
    keys: r#"
url = "https://revoked.example.test/signals/scim"
token = { file = "{folder}/scim.token" }
"#,
    methods: &["GET", "POST", "PUT", "PATCH", "DELETE"],
    sender: |folder| {
        secret(folder, "scim.token", TOKEN);
        Box::new(Client::default())
    },
};

/// A client, with the ids that it was given.
#[derive(Default)]
struct Client(Mutex<BTreeMap<String, String>>);

fn authorized(call: Call) -> Call {
    call.with("Authorization", format!("Bearer {TOKEN}"))
}

fn create(user: &Value) -> Call {
    raw(&user.to_string())
}

fn raw(body: &str) -> Call {
    let mut call = authorized(Call::post("scim", MEDIA, body));
    call.path.push_str("/Users");
    call
}

fn user(key: &str, person: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": key,
        "emails": [{"value": format!("{person}@example.test"), "type": "work", "primary": true}],
        "password": PASSWORD,
        "active": true,
    })
}

impl Sender for Client {
    fn before(&self, key: &str, person: &str) -> Vec<Call> {
        vec![create(&user(key, person))]
    }

    fn heard(&self, key: &str, answer: &Answer) {
        let made: Value = serde_json::from_str(&answer.body).unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.to_owned(), id);
    }

    fn sound(&self, key: &str, person: &str) -> Call {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        // Who was never made cannot be deactivated.
        let Some(id) = known else { return create(&user(key, person)) };
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
        });
        let mut call = authorized(Call::post("scim", MEDIA, body.to_string()));
        call.method = "PATCH";
        call.path = format!("/signals/scim/Users/{id}");
        call
    }

    /// Nothing but the difference of two states counts, so no name is ever used twice.
    fn other(&self, _: &str, _: &str) -> Option<Call> {
        None
    }

    fn at_other_times(&self, _: &str, _: &str) -> Vec<(i64, bool, Call)> {
        Vec::new()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let good = create(&user(key, person));
        let with = |name: &str, value: Value| {
            let mut user = user(key, person);
            user[name] = value;
            create(&user)
        };
        let patch = |body: &str| {
            let mut call = raw(body);
            call.method = "PATCH";
            call.path.push_str("/0198f2c0-0000-7000-8000-000000000000");
            call
        };
        let search = |query: &str| {
            let mut call = raw("");
            call.method = "GET";
            call.path = format!("{}?{query}", call.path);
            call
        };
        vec![
            ("no token", good.clone().but("authorization", None)),
            ("another's token", good.clone().but("authorization", Some("Bearer other"))),
            (
                "another scheme",
                good.clone().but("authorization", Some("Basic dXNlcjpwYXNz")),
            ),
            ("no name", with("userName", Value::Null)),
            ("a name with a line break", with("userName", json!("user01\n2"))),
            ("active is no boolean", with("active", json!("perhaps"))),
            (
                "two primary addresses",
                with(
                    "emails",
                    json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]),
                ),
            ),
            ("a member twice", raw(r#"{"userName":"user01","userName":"user02"}"#)),
            (
                "a member in two cases",
                raw(r#"{"userName":"user01","active":true,"Active":false}"#),
            ),
            ("a list", raw("[]")),
            ("no JSON", raw("<xml/>")),
            ("half a body", raw(r#"{"userName":"user01""#)),
            ("a patch of unknown operations", patch(r#"{"Operations":[{"op":"disable"}]}"#)),
            ("a patch without operations", patch("{}")),
            (
                "a filter that nests a thousand deep",
                search(&format!("filter={}a%20pr", "(".repeat(1000))),
            ),
            ("a filter that is none", search("filter=user01")),
        ]
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        Some(raw(&format!("{{\"userName\":\"deep\",\"x\":{nested}}}")))
    }

    fn secrets(&self, _: &Call) -> Vec<String> {
        vec![TOKEN.to_owned(), PASSWORD.to_owned()]
    }
}
