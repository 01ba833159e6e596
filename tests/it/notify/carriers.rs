//! What each kind of channel is sent over HTTP, or is handed, and what its answers mean.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use revoked::bounded_program::Program;
use revoked::http::{Bounds, client};
use revoked::notify::{Alertmanager, Answer, Carrier, Exec, Mattermost, PagerDuty, Parcel, SigningKey, Slack, Webhook};
use revoked::store::What;
use serde_json::Value;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{alert, parcel};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Somebody who answers so, and what was sent.
struct Receiver(MockServer);

impl Receiver {
    async fn answering(status: u16, body: &str) -> Self {
        Self::with(ResponseTemplate::new(status).set_body_string(body)).await
    }

    async fn with(answer: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        Self(server)
    }

    fn url(&self, path: &str) -> reqwest::Url {
        format!("{}{path}", self.0.uri()).parse().unwrap()
    }

    async fn body(&self) -> Value {
        let sent = self.0.received_requests().await.unwrap();
        serde_json::from_slice(&sent.last().unwrap().body).unwrap()
    }
}

fn http() -> reqwest::Client {
    client(Bounds::default()).unwrap()
}

fn webhook(receiver: &Receiver) -> Webhook {
    Webhook {
        url: receiver.url("/hook"),
        is_secret: true,
        keys: vec![SigningKey::new(&SECRET.into()).unwrap()],
        authorization: Some("Bearer s3cret".into()),
        client: http(),
    }
}

fn raised() -> Parcel {
    parcel(&[(What::Raised, alert("came_back", "job:9"))], false)
}

fn later(answer: &Answer) -> Option<Duration> {
    match answer {
        Answer::Later(_, wait) => *wait,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_signature_is_that_of_the_specification() {
    for (secret, id, at, body, signature) in [
        (
            SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ] {
        let key = SigningKey::new(&secret.into()).unwrap();
        assert_eq!(key.sign(id, at, body.as_bytes()), signature);
    }
    for bad in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!"] {
        assert!(SigningKey::new(&bad.into()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_webhook_is_signed_over_what_is_sent_and_names_nobody_unless_it_may() {
    let receiver = Receiver::answering(204, "").await;
    let webhook = webhook(&receiver);
    assert_eq!(webhook.carry(&raised()).await, Answer::Taken);
    let sent = receiver.0.received_requests().await.unwrap().remove(0);
    let header = |name: &str| sent.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("webhook-id"), "msg_0199aabbccdd");
    assert_eq!(header("authorization"), "Bearer s3cret");
    let at = header("webhook-timestamp").parse().unwrap();
    let key = SigningKey::new(&SECRET.into()).unwrap();
    assert_eq!(header("webhook-signature"), key.sign("msg_0199aabbccdd", at, &sent.body));
    let body = receiver.body().await;
    assert_eq!((&body["type"], &body["data"]["count"]), (&"alert.raised".into(), &1.into()));
    let told = &body["data"]["alerts"][0];
    assert_eq!(told["dedup_key"], "came_back/job:9");
    assert_eq!(told["urgency"], "urgent");
    assert_eq!(told["link"], "https://revoked.example.org/cases/4");
    assert!(!body.to_string().contains("ann"), "{body}");
    assert!(!body.to_string().contains("ben"), "{body}");
    let named = parcel(&[(What::Raised, alert("came_back", "job:9"))], true);
    webhook.carry(&named).await;
    assert_eq!(receiver.body().await["data"]["alerts"][0]["subject"], "email:ann@example.org");
    assert!(!webhook.place().contains("127.0.0.1"), "the address is a secret");
}

#[tokio::test]
async fn a_webhook_is_tried_again_unless_nobody_is_there_any_more() {
    for status in [301, 400, 404, 500, 502] {
        let receiver = Receiver::answering(status, "").await;
        assert_eq!(later(&webhook(&receiver).carry(&raised()).await), None, "{status}");
        assert_eq!(
            receiver.0.received_requests().await.unwrap().len(),
            1,
            "no redirect is followed"
        );
    }
    let gone = Receiver::answering(410, "").await;
    assert!(matches!(webhook(&gone).carry(&raised()).await, Answer::Gone(_)));
    let busy = Receiver::with(ResponseTemplate::new(429).insert_header("retry-after", "120")).await;
    assert_eq!(later(&webhook(&busy).carry(&raised()).await), Some(Duration::from_mins(2)));
    let mut nobody = webhook(&busy);
    nobody.url = "http://127.0.0.1:9/".parse().unwrap();
    assert_eq!(
        nobody.carry(&raised()).await,
        Answer::Later("it cannot be reached".to_owned(), None)
    );
}

#[tokio::test]
async fn slack_counts_only_with_its_ok_and_no_name_becomes_a_mention() {
    let receiver = Receiver::answering(200, "ok").await;
    let slack = |receiver: &Receiver| Slack {
        url: receiver.url("/services/T/B/x"),
        client: http(),
    };
    let named = parcel(&[(What::Raised, alert("came_back", "job:9"))], true);
    assert_eq!(slack(&receiver).carry(&named).await, Answer::Taken);
    let body = receiver.body().await;
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!"), "{text}");
    assert!(text.contains("`revoked case show 4`"), "{text}");
    assert!(!text.contains("<https://evil"), "{text}");
    for (status, said, refused) in [
        (200, "missing_text", true),
        (403, "action_prohibited", true),
        (404, "no_service", true),
        (410, "channel_is_archived", true),
        (500, "rollup_error", false),
    ] {
        let receiver = Receiver::answering(status, said).await;
        match slack(&receiver).carry(&named).await {
            Answer::Refused(why) => assert!(refused && why.contains(said), "{why}"),
            Answer::Later(..) => assert!(!refused, "{said}"),
            other => panic!("{other:?}"),
        }
    }
    let busy = Receiver::with(ResponseTemplate::new(429).insert_header("retry-after", "30")).await;
    assert_eq!(later(&slack(&busy).carry(&named).await), Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn mattermost_mentions_nobody_and_an_unknown_hook_is_not_tried_again() {
    let mattermost = |receiver: &Receiver| Mattermost {
        url: receiver.url("/hooks/x"),
        client: http(),
    };
    let receiver = Receiver::answering(200, "ok").await;
    let named = parcel(&[(What::Raised, alert("came_back", "job:9"))], true);
    assert_eq!(mattermost(&receiver).carry(&named).await, Answer::Taken);
    let text = receiver.body().await["text"].as_str().unwrap().to_owned();
    for mischief in ["@all", "<!channel>", "**Ann", "](", "@example", "https://evil"] {
        assert!(!text.contains(mischief), "{mischief} in {text}");
    }
    assert!(
        text.contains("`revoked case show 4`") && text.contains("<https://revoked.example.org/cases/4>"),
        "{text}"
    );
    for status in [400, 501, 403] {
        let receiver = Receiver::answering(status, "{}").await;
        assert!(
            matches!(mattermost(&receiver).carry(&named).await, Answer::Refused(_)),
            "{status}"
        );
    }
    for status in [429, 503] {
        let receiver = Receiver::answering(status, "{}").await;
        assert_eq!(later(&mattermost(&receiver).carry(&named).await), None);
    }
}

#[tokio::test]
async fn pagerduty_is_triggered_acknowledged_and_resolved_under_one_key() {
    let receiver = Receiver::answering(202, r#"{"status":"success"}"#).await;
    let pagerduty = |receiver: &Receiver| PagerDuty {
        url: receiver.url("/v2/enqueue"),
        routing_key: "0123456789abcdef0123456789abcdef".into(),
        source: "revoked.example.org".to_owned(),
        client: http(),
    };
    let mut sent = Vec::new();
    for what in [What::Raised, What::Again, What::Acknowledged, What::Over] {
        let told = parcel(&[(what, alert("came_back", "job:9"))], false);
        assert_eq!(pagerduty(&receiver).carry(&told).await, Answer::Taken);
        let body = receiver.body().await;
        assert_eq!(body["dedup_key"], "came_back/job:9");
        sent.push(body);
    }
    let actions: Vec<&str> = sent.iter().map(|body| body["event_action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["trigger", "trigger", "acknowledge", "resolve"]);
    let payload = &sent[0]["payload"];
    assert_eq!(
        (&payload["severity"], &payload["source"]),
        (&"critical".into(), &"revoked.example.org".into())
    );
    assert!(!sent[0].to_string().contains("ann@"), "{}", sent[0]);
    let summary = parcel(
        &[
            (What::Raised, alert("hold", "hold:1")),
            (What::Raised, alert("hold", "hold:2")),
        ],
        false,
    );
    pagerduty(&receiver).carry(&summary).await;
    assert_eq!(receiver.body().await["dedup_key"], "revoked/summary/msg_0199aabbccdd");
    let wrong = Receiver::answering(400, r#"{"errors":["'routing_key' is unknown"]}"#).await;
    let refused = pagerduty(&wrong).carry(&raised()).await;
    assert_eq!(
        refused,
        Answer::Refused("it answered 400: 'routing_key' is unknown".to_owned())
    );
    for status in [429, 500] {
        let receiver = Receiver::answering(status, "").await;
        assert_eq!(later(&pagerduty(&receiver).carry(&raised()).await), None);
    }
}

#[tokio::test]
async fn alertmanager_knows_an_alert_by_labels_that_never_change_and_what_is_over_ends_now() {
    let receiver = Receiver::answering(200, "").await;
    let alertmanager = |receiver: &Receiver| Alertmanager {
        url: receiver.url("/api/v2/alerts"),
        authorization: None,
        source: "revoked.example.org".to_owned(),
        client: http(),
    };
    let mut later_on = alert("came_back", "job:9");
    later_on.times = 50;
    later_on.summary = "another sentence".to_owned();
    let told = parcel(&[(What::Raised, alert("came_back", "job:9")), (What::Over, later_on)], false);
    assert_eq!(alertmanager(&receiver).carry(&told).await, Answer::Taken);
    let body = receiver.body().await;
    assert_eq!(body[0]["labels"], body[1]["labels"]);
    assert!(body[0]["labels"].as_object().unwrap().values().all(Value::is_string));
    let at = |n: usize, key: &str| body[n][key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(at(0, "endsAt") > at(0, "startsAt") && at(0, "endsAt") > at(1, "endsAt"));
    assert_eq!(at(1, "endsAt").as_millisecond(), told.now.ms());
    let wrong = Receiver::answering(400, "bad label").await;
    assert!(matches!(alertmanager(&wrong).carry(&told).await, Answer::Refused(why) if why.contains("bad label")));
    let down = Receiver::answering(503, "").await;
    assert_eq!(later(&alertmanager(&down).carry(&told).await), None);
}

#[tokio::test]
async fn a_program_is_handed_json_and_its_end_says_whether_to_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tell");
    let run = async |script: &str| {
        let new = folder.path().join("new");
        fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).unwrap();
        fs::rename(&new, &path).unwrap();
        let program = Program {
            path: path.clone(),
            args: vec![folder.path().into()],
            environment: Vec::new(),
            folder: "/".into(),
            time: Duration::from_secs(20),
            output: 1000,
        };
        Exec { program }.carry(&raised()).await
    };
    assert_eq!(run("cat > \"$1/handed\"").await, Answer::Taken);
    let handed: Value = serde_json::from_slice(&fs::read(folder.path().join("handed")).unwrap()).unwrap();
    assert_eq!(handed["id"], "msg_0199aabbccdd");
    assert_eq!(handed["data"]["alerts"][0]["kind"], "came_back");
    assert_eq!(run("exit 75").await, Answer::Later("it ended with code 75".to_owned(), None));
    assert!(matches!(run("kill -9 $$").await, Answer::Later(..)));
    assert_eq!(run("exit 3").await, Answer::Refused("it ended with code 3".to_owned()));
    assert!(matches!(run("exec yes").await, Answer::Refused(why) if why.contains("1000 bytes")));
}
