//! Universal Logout: a signed bearer token, and whom it is about beside it.

use serde_json::{Value, json};

use super::super::raw_http::Call;
use super::super::row::{Row, Sender};
use super::token::{Issuer, now, parts};

pub(super) const ROW: Row = Row {
    kind: "global-token-revocation",
    keys: r#"
issuer = "https://ul.example.test"
client_id = "chat-app"
audience = "https://revoked.example.test/ul"
algorithms = ["ES256"]
jwks_file = "{folder}/global-token-revocation.jwks"
"#,
    methods: &["POST"],
    by_header: &["no_token", "invalid_token"],
    sender: |folder| {
        Box::new(Caller(Issuer::new(
            folder,
            "global-token-revocation.jwks",
            "global-token-revocation+jwt",
        )))
    },
};

struct Caller(Issuer);

fn claims(key: &str, iat: i64) -> Value {
    json!({
        "iss": "https://ul.example.test",
        "sub": "chat-app",
        "aud": "https://revoked.example.test/ul",
        "jti": key,
        "iat": iat,
        "exp": iat + 300,
    })
}

fn about(person: &str) -> String {
    json!({"sub_id": {"format": "email", "email": format!("{person}@example.test")}}).to_string()
}

fn call(token: &str, body: impl Into<Vec<u8>>) -> Call {
    Call::post("global-token-revocation", "application/json", body).with("Authorization", format!("Bearer {token}"))
}

impl Sender for Caller {
    fn sound(&self, key: &str, person: &str) -> Call {
        call(&self.0.sign(&claims(key, now())), about(person))
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        let times = [
            (-86_400 * 365 * 5, false),
            (-3600, false),
            (30, true),
            (3600, false),
            (86_400 * 365 * 100, false),
        ];
        let made = |ahead: i64| call(&self.0.sign(&claims(&format!("{key}{ahead}"), now() + ahead)), about(person));
        times.map(|(ahead, taken)| (ahead, taken, made(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let claims = claims(key, now());
        let good = self.0.sign(&claims);
        let mut other = claims.clone();
        other["sub"] = json!("other-app");
        let wrong = self.0.wrong(&claims, &other).into_iter();
        let mut bad: Vec<_> = wrong.map(|(what, token)| (what, call(&token, about(person)))).collect();
        let mut forever = claims.clone();
        forever["exp"] = json!(now() + 86_400 * 365);
        let body = |body: &[u8]| call(&good, body);
        bad.extend([
            ("no token", call(&good, about(person)).but("authorization", None)),
            ("another scheme", call(&good, about(person)).but("authorization", Some("Basic dXNlcjpwYXNz"))),
            ("another client", call(&self.0.sign(&other), about(person))),
            ("a life of a year", call(&self.0.sign(&forever), about(person))),
            ("an empty body", body(b"")),
            ("a body that is no JSON", body(b"<xml/>")),
            ("a truncated body", body(&about(person).as_bytes()[..20])),
            ("a body that is not UTF-8", body(b"{\"sub_id\":{\"format\":\"email\",\"email\":\"\xff@example.test\"}}")),
            (
                "a subject twice",
                body(br#"{"sub_id":{"format":"email","email":"a@example.test"},"sub_id":{"format":"email","email":"b@example.test"}}"#),
            ),
            ("a list", body(b"[]")),
            ("another format of subject", body(br#"{"sub_id":{"format":"phone_number","phone_number":"+12065550100"}}"#)),
        ]);
        bad
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let body = about("user01").replacen('{', &format!("{{\"x\":{nested},"), 1);
        Some(call(&self.0.sign(&claims("deep", now())), body))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let tokens = call.headers.iter().filter(|(name, _)| *name == "Authorization");
        tokens.flat_map(|(_, value)| parts(value)).collect()
    }
}
