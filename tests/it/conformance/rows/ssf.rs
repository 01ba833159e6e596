//! Security event tokens, pushed: to a stream that somebody else made, and to one that we make.

use std::path::Path;

use serde_json::{Value, json};

use super::super::raw_http::Call;
use super::super::row::{Row, Sender, secret};
use super::token::{Issuer, now, parts};

const TOKEN: &str = "canary-1b8e0f5d3c7a49266e90";
const AUTHORIZATION: &str = "Bearer canary-7d2f6c1e9b04a8533517";

pub(super) const PUSHED: Row = Row {
    kind: "ssf-push",
    keys: r#"
issuer = "https://stream.example.test"
audience = "https://revoked.example.test/stream"
algorithms = ["ES256"]
jwks_file = "{folder}/ssf-push.jwks"
authorization = [{ file = "{folder}/ssf-push.authorization" }]
"#,
    methods: &["POST"],
    by_header: &["authentication_failed"],
    sender: |folder| sender("ssf-push", folder),
};

/// Its stream is never made here, so that the looks after it fail: that must not stand in the way of what comes.
pub(super) const MADE: Row = Row {
    kind: "ssf",
    keys: r#"
delivery = "push"
endpoint = "https://revoked.example.test/signals/ssf"
issuer = "https://stream.example.test"
audience = "https://revoked.example.test/made"
algorithms = ["ES256"]
jwks_file = "{folder}/ssf.jwks"
token = { file = "{folder}/ssf.token" }
authorization = [{ file = "{folder}/ssf.authorization" }]
"#,
    methods: &["POST"],
    by_header: &["authentication_failed"],
    sender: |folder| {
        secret(folder, "ssf.token", TOKEN);
        sender("ssf", folder)
    },
};

struct Transmitter {
    kind: &'static str,
    issuer: Issuer,
}

fn sender(kind: &'static str, folder: &Path) -> Box<dyn Sender> {
    secret(folder, &format!("{kind}.authorization"), AUTHORIZATION);
    Box::new(Transmitter {
        kind,
        issuer: Issuer::new(folder, &format!("{kind}.jwks"), "secevent+jwt"),
    })
}

impl Transmitter {
    fn claims(&self, key: &str, person: &str, iat: i64) -> Value {
        let audience = if self.kind == "ssf" { "made" } else { "stream" };
        json!({
            "iss": "https://stream.example.test",
            "aud": format!("https://revoked.example.test/{audience}"),
            "jti": key,
            "iat": iat,
            "sub_id": {"format": "email", "email": format!("{person}@example.test")},
            "events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}},
        })
    }

    fn push(&self, token: impl Into<Vec<u8>>) -> Call {
        Call::post(self.kind, "application/secevent+jwt", token).with("Authorization", AUTHORIZATION)
    }
}

impl Sender for Transmitter {
    fn sound(&self, key: &str, person: &str) -> Call {
        self.push(self.issuer.sign(&self.claims(key, person, now())))
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        // What waited in a queue for years is legitimate; what is not yet is not.
        let times = [
            (-86_400 * 365 * 5, true),
            (240, true),
            (3600, false),
            (86_400 * 365 * 100, false),
        ];
        let call = |ahead: i64| {
            self.push(
                self.issuer
                    .sign(&self.claims(&format!("{key}{ahead}"), person, now() + ahead)),
            )
        };
        times.map(|(ahead, taken)| (ahead, taken, call(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let claims = self.claims(key, person, now());
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            self.push(self.issuer.sign(&claims))
        };
        let good = self.push(self.issuer.sign(&claims));
        let instead = self.claims(key, "user02", now());
        let mut bad: Vec<_> = self
            .issuer
            .wrong(&claims, &instead)
            .into_iter()
            .map(|(what, token)| (what, self.push(token)))
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
        Some(self.push(self.issuer.deep(&self.claims("deep", "user01", now()), levels)))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let token = String::from_utf8_lossy(&call.body).into_owned();
        [
            vec![
                AUTHORIZATION.to_owned(),
                "canary-7d2f6c1e9b04a8533517".to_owned(),
                TOKEN.to_owned(),
            ],
            parts(&token),
        ]
        .concat()
    }
}
