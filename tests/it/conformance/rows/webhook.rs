//! Standard Webhooks, with the payload of our own schema.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::clock::Clock;
use revoked::model::Timestamp;
use serde_json::json;

use super::super::raw_http::Call;
use super::super::row::{Row, Sender, secret};
use super::token::now;

const KEY: &str = "Y2FuYXJ5LTVmMDljMWQ3ZTM0YTg4YjI5Zg==";

pub(super) const ROW: Row = Row {
    kind: "webhook",
    keys: "secrets = [{ file = \"{folder}/webhook.secret\" }]\n",
    methods: &["POST"],
    by_header: &[],
    sender: |folder| {
        secret(folder, "webhook.secret", &format!("whsec_{KEY}"));
        Box::new(Hook)
    },
};

struct Hook;

fn payload(person: &str) -> String {
    let at = Timestamp::from_ms(Clock::system().now().ms() / 1000 * 1000);
    let subject = json!({"format": "email", "email": format!("{person}@example.test")});
    json!({"type": "revoked.request.v1", "timestamp": at, "data": {"subject": subject, "reason": "compromised", "ticket": "INC-7"}})
        .to_string()
}

/// A body under the signature of another.
fn under(id: &str, at: i64, signed: &[u8], body: impl Into<Vec<u8>>) -> Call {
    let at = at.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).unwrap());
    let tag = hmac::sign(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", signed].concat());
    Call::post("webhook", "application/json", body)
        .with("webhook-id", id)
        .with("webhook-timestamp", at)
        .with("webhook-signature", format!("v1,{}", STANDARD.encode(tag.as_ref())))
}

fn signed(id: &str, at: i64, body: &str) -> Call {
    under(id, at, body.as_bytes(), body)
}

impl Sender for Hook {
    fn sound(&self, key: &str, person: &str) -> Call {
        signed(key, now(), &payload(person))
    }

    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)> {
        let times = [
            (-86_400 * 365 * 5, false),
            (-3600, false),
            (-200, true),
            (200, true),
            (3600, false),
            (86_400 * 365 * 100, false),
        ];
        let call = |ahead: i64| signed(&format!("{key}{ahead}"), now() + ahead, &payload(person));
        times.map(|(ahead, taken)| (ahead, taken, call(ahead))).to_vec()
    }

    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)> {
        let body = payload(person);
        let good = signed(key, now(), &body);
        let again = format!("{body} ");
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&body).unwrap()).unwrap();
        let says = |body: &str| signed(key, now(), body);
        let about = |subject: &str| {
            says(&format!(
                r#"{{"type":"revoked.request.v1","data":{{"reason":"compromised","subject":{subject}}}}}"#
            ))
        };
        vec![
            ("no signature", good.clone().but("webhook-signature", None)),
            ("no id", good.clone().but("webhook-id", None)),
            ("no time", good.clone().but("webhook-timestamp", None)),
            ("another id", good.clone().but("webhook-id", Some("other"))),
            ("another time", good.clone().but("webhook-timestamp", Some("1764000000"))),
            ("a time in words", good.clone().but("webhook-timestamp", Some("now"))),
            ("a signature of nothing", good.clone().but("webhook-signature", Some("v1,"))),
            (
                "another's signature",
                good.clone()
                    .but("webhook-signature", Some("v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
            ),
            (
                "the signature twice as a header",
                good.clone().with("webhook-signature", "v1,AAAA"),
            ),
            ("a space more under the signature", under(key, now(), body.as_bytes(), again)),
            (
                "the same JSON written anew under the signature",
                under(key, now(), body.as_bytes(), pretty),
            ),
            (
                "half a body under the signature of the whole",
                under(key, now(), body.as_bytes(), &body.as_bytes()[..40]),
            ),
            ("no JSON", says("this is no JSON")),
            ("an empty body", says("")),
            ("half a body, signed", says(&body[..40])),
            ("a member twice", says(&body.replacen('{', "{\"type\":\"other\",", 1))),
            ("another schema", says(r#"{"type":"somebody.else.v9","data":{}}"#)),
            ("a list with nothing of ours", says("[7]")),
            ("a subject of no form", about(r#"{"format":"email"}"#)),
            ("a subject that is a text", about("\"user01\"")),
            ("a reason that is none", says(&body.replace("compromised", "annoyed"))),
        ]
    }

    fn deep(&self, levels: usize) -> Option<Call> {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        Some(signed(
            "deep",
            now(),
            &payload("user01").replacen('{', &format!("{{\"x\":{nested},"), 1),
        ))
    }

    fn secrets(&self, call: &Call) -> Vec<String> {
        let signatures = call
            .headers
            .iter()
            .filter(|(name, value)| *name == "webhook-signature" && value.len() > 40);
        let mut secrets: Vec<String> = signatures
            .map(|(_, value)| value.trim_start_matches("v1,").to_owned())
            .collect();
        secrets.extend([KEY.to_owned(), String::from_utf8(STANDARD.decode(KEY).unwrap()).unwrap()]);
        secrets
    }
}
