//! Webhooks, signed as Standard Webhooks asks, in our own schema.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::row::{Row, Sender, secret};
use super::super::wire::Call;
use super::token::now;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(super) const ROW: Row = Row {
    kind: "webhook",
    keys: r#"
secrets = [{ file = "{folder}/webhook.secret" }]
"#,
    methods: &["POST"],
    sender: |folder| {
        secret(folder, "webhook.secret", &format!("whsec_{SECRET}"));
        Box::new(Soar)
    },
};

struct Soar;

fn about(person: &str) -> Value {
    json!({
        "type": "revoked.request.v1",
        "data": {"subject": {"format": "email", "email": format!("{person}@example.test")}, "reason": "compromised"},
    })
}

fn signature(secret: &str, key: &str, at: i64, body: &[u8]) -> String {
    let signed = [format!("{key}.{at}.").as_bytes(), body].concat();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap());
    STANDARD.encode(hmac::sign(&secret, &signed).as_ref())
}

fn call(key: &str, at: i64, body: impl Into<Vec<u8>>) -> Call {
    let body = body.into();
    let signature = signature(SECRET, key, at, &body);
    Call::post("webhook", "application/json", body)
        .with("Webhook-Id", key)
        .with("Webhook-Timestamp", at.to_string())
        .with("Webhook-Signature", format!("v1,{signature}"))
}

impl Sender for Soar {
    fn sound(&self, key: &str, person: &str) -> Call {
        call(key, now(), about(person).to_string())
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        let times = [
            (-86_400 * 365 * 5, false),
            (-600, false),
            (-240, true),
            (240, true),
            (600, false),
            (86_400 * 365 * 100, false),
        ];
        let made = |ahead: i64| call(&format!("{key}{ahead}"), now() + ahead, about(person).to_string());
        times.map(|(ahead, taken)| (ahead, taken, made(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let good = self.sound(key, person);
        let with = |member: &str, value: Value| {
            let mut body = about(person);
            body["data"][member] = value;
            call(key, now(), body.to_string())
        };
        let body = |body: &[u8]| call(key, now(), body);
        let strange = signature(&STANDARD.encode([7_u8; 32]), key, now(), &good.body);
        let mut other = good.clone();
        other.body = about("user02").to_string().into_bytes();
        let mut anew = good.clone();
        anew.body = serde_json::to_vec_pretty(&about(person)).unwrap();
        vec![
            ("no signature", good.clone().but("webhook-signature", None)),
            ("no id", good.clone().but("webhook-id", None)),
            ("no time", good.clone().but("webhook-timestamp", None)),
            (
                "another's signature",
                good.clone().but("webhook-signature", Some(&format!("v1,{strange}"))),
            ),
            ("another version", good.clone().but("webhook-signature", Some("v2,AAAA"))),
            ("another id", good.clone().but("webhook-id", Some("another"))),
            ("two ids", good.clone().with("Webhook-Id", key)),
            ("an id with a dot", call("a.b", now(), about(person).to_string())),
            ("another body", other),
            ("a body written anew", anew),
            ("a body that is no JSON", body(b"<xml/>")),
            ("a text", body(b"\"x\"")),
            ("a list of nothing that is known", body(b"[{},{}]")),
            (
                "a member twice",
                body(br#"{"type":"revoked.request.v1","type":"revoked.request.v1"}"#),
            ),
            ("another type", body(br#"{"type":"revoked.request.v2","data":{}}"#)),
            ("an unknown reason", with("reason", json!("boredom"))),
            ("no reason", with("reason", Value::Null)),
            ("a subject of no form", with("subject", json!({"format": "email"}))),
            ("a time of no form", with("effective_at", json!("tomorrow"))),
        ]
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let body = about("user01").to_string().replacen('{', &format!("{{\"x\":{nested},"), 1);
        Some(call("deep", now(), body))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let signatures = call.headers.iter().filter(|(name, _)| *name == "Webhook-Signature");
        let signatures = signatures.filter_map(|(_, value)| value.strip_prefix("v1,").map(str::to_owned));
        signatures.chain([SECRET.to_owned()]).collect()
    }
}
