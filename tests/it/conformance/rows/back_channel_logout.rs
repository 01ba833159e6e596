//! Logout tokens, posted as a form.

use serde_json::{Value, json};

use super::super::raw_http::Call;
use super::super::row::{Row, Sender};
use super::token::{Issuer, now, parts};

pub(super) const ROW: Row = Row {
    kind: "back-channel-logout",
    keys: r#"
issuer = "https://op.example.test"
audience = "revoked"
algorithms = ["ES256"]
jwks_file = "{folder}/back-channel-logout.jwks"
subject = "username"
"#,
    methods: &["POST"],
    by_header: &[],
    sender: |folder| Box::new(Provider(Issuer::new(folder, "back-channel-logout.jwks", "logout+jwt"))),
};

struct Provider(Issuer);

fn claims(key: &str, person: &str, iat: i64) -> Value {
    json!({
        "iss": "https://op.example.test",
        "aud": "revoked",
        "sub": person,
        "iat": iat,
        "exp": iat + 120,
        "jti": key,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}

fn post(token: &str) -> Call {
    let form = format!("logout_token={token}");
    Call::post("back-channel-logout", "application/x-www-form-urlencoded", form)
}

impl Sender for Provider {
    fn sound(&self, key: &str, person: &str) -> Call {
        post(&self.0.sign(&claims(key, person, now())))
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        // A token lives two minutes, and a clock may be five minutes off.
        let times = [
            (-86_400 * 365 * 5, false),
            (-3600, false),
            (240, true),
            (3600, false),
            (86_400 * 365 * 100, false),
        ];
        let call = |ahead: i64| post(&self.0.sign(&claims(&format!("{key}{ahead}"), person, now() + ahead)));
        times.map(|(ahead, taken)| (ahead, taken, call(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let claims = claims(key, person, now());
        let with = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            post(&self.0.sign(&claims))
        };
        let good = self.0.sign(&claims);
        let instead = self::claims(key, "user02", now());
        let mut bad: Vec<_> = self
            .0
            .wrong(&claims, &instead)
            .into_iter()
            .map(|(what, token)| (what, post(&token)))
            .collect();
        let form = |text: String| Call::post("back-channel-logout", "application/x-www-form-urlencoded", text);
        bad.extend([
            ("a nonce", with("nonce", json!("n"))),
            ("no event", with("events", json!({}))),
            ("no expiry", with("exp", Value::Null)),
            ("an expiry years ahead", with("exp", json!(now() + 86_400 * 365))),
            ("the token twice", form(format!("logout_token={good}&logout_token={good}"))),
            ("no field of that name", form(format!("token={good}"))),
            ("a form that is not UTF-8", form("logout_token=%ff%fe".to_owned())),
        ]);
        bad
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        Some(post(&self.0.deep(&claims("deep", "user01", now()), levels)))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        parts(&String::from_utf8_lossy(&call.body))
    }
}
