//! Security event tokens, pushed.

use serde_json::{Value, json};

use super::super::row::{Row, Sender, secret};
use super::super::wire::Call;
use super::token::{Issuer, now, parts};

const AUTHORIZATION: &str = "Bearer canary-7d2f6c1e9b04a8533517";

pub(super) const ROW: Row = Row {
    kind: "ssf-push",
    keys: r#"
issuer = "https://stream.example.test"
audience = "https://revoked.example.test/stream"
algorithms = ["ES256"]
jwks_file = "{folder}/ssf-push.jwks"
authorization = [{ file = "{folder}/ssf-push.authorization" }]
"#,
    methods: &["POST"],
    sender: |folder| {
        secret(folder, "ssf-push.authorization", AUTHORIZATION);
        Box::new(Transmitter(Issuer::new(folder, "ssf-push.jwks", "secevent+jwt")))
    },
};

struct Transmitter(Issuer);

fn claims(key: &str, person: &str, iat: i64) -> Value {
    json!({
        "iss": "https://stream.example.test",
        "aud": "https://revoked.example.test/stream",
        "jti": key,
        "iat": iat,
        "sub_id": {"format": "email", "email": format!("{person}@example.test")},
        "events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}},
    })
}

fn push(token: impl Into<Vec<u8>>) -> Call {
    Call::post("ssf-push", "application/secevent+jwt", token).with("Authorization", AUTHORIZATION)
}

impl Sender for Transmitter {
    fn sound(&self, key: &str, person: &str) -> Call {
        push(self.0.sign(&claims(key, person, now())))
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        // What waited in a queue for years is legitimate; what is not yet is not.
        let times = [
            (-86_400 * 365 * 5, true),
            (240, true),
            (3600, false),
            (86_400 * 365 * 100, false),
        ];
        let call = |ahead: i64| push(self.0.sign(&claims(&format!("{key}{ahead}"), person, now() + ahead)));
        times.map(|(ahead, taken)| (ahead, taken, call(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let claims = claims(key, person, now());
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            push(self.0.sign(&claims))
        };
        let good = push(self.0.sign(&claims));
        let instead = self::claims(key, "user02", now());
        let mut bad: Vec<_> = self
            .0
            .wrong(&claims, &instead)
            .into_iter()
            .map(|(what, token)| (what, push(token)))
            .collect();
        bad.extend([
            ("no Authorization", good.clone().but("authorization", None)),
            (
                "another's Authorization",
                good.clone().but("authorization", Some("Bearer other")),
            ),
            ("an expiry", with("exp", json!(now() + 600))),
            ("a subject where none may be", with("sub", json!("user01"))),
            ("no event", with("events", json!({}))),
            ("events in a list", with("events", json!([]))),
            (
                "two events",
                with("events", json!({"https://a.example/1": {}, "https://a.example/2": {}})),
            ),
            ("no subject", with("sub_id", Value::Null)),
        ]);
        bad
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        Some(push(self.0.deep(&claims("deep", "user01", now()), levels)))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let token = String::from_utf8_lossy(&call.body).into_owned();
        [
            vec![AUTHORIZATION.to_owned(), "canary-7d2f6c1e9b04a8533517".to_owned()],
            parts(&token),
        ]
        .concat()
    }
}
