//! Bodies in other forms than one JSON value: lines, forms, texts, and messages within messages.

use revoked::model::{AlarmKind, Disposition, Reason};
use serde_json::{Value, json};

use super::*;

const RULE: &str = r#"
[[rule]]
when = [{ pointer = "/event_type_id", in = [17, 551] }]
subject = [{ pointer = "/user", is = "email" }]
reason = "suspended"
key = "/uuid"
"#;

/// A request of a trusted sender with another media type.
fn of_type(media: &str, body: &str) -> Request<Bytes> {
    let mut request = trusted(body);
    request.headers_mut().insert("content-type", media.parse().unwrap());
    request
}

fn line(n: u32) -> Value {
    json!({"uuid": n.to_string(), "event_type_id": if n == 5 { 8 } else { 17 }, "user": format!("user{n:02}@example.test")})
}

fn lines(numbers: &[u32]) -> String {
    numbers.iter().fold(String::new(), |text, n| format!("{text}{}\n", line(*n)))
}

#[tokio::test]
async fn each_line_is_an_item_under_any_name_of_the_form() {
    let endpoint = Endpoint::trusting(&format!("unmatched = 'drop'\n{RULE}"));
    for media in [
        "application/json",
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "text/plain",
    ] {
        let signals = endpoint.signals(&of_type(media, &lines(&[3, 4, 5]))).await;
        let read: Vec<_> = signals
            .iter()
            .map(|signal| (signal.key.as_str(), signal.subject.to_string()))
            .collect();
        assert_eq!(
            read,
            [
                ("3", "email:user03@example.test".to_owned()),
                ("4", "email:user04@example.test".to_owned())
            ],
            "{media}"
        );
        assert_eq!(endpoint.signals(&of_type(media, &lines(&[3]))).await[0].key, "3");
    }
}

#[tokio::test]
async fn a_line_that_cannot_be_read_does_not_take_its_neighbours_along() {
    let endpoint = Endpoint::trusting(RULE);
    let body = format!("{}\n{{\"uuid\":\"1\",\"uuid\":\"2\"}}\n{}", line(3), line(4));
    let delivery = endpoint.delivery(&trusted(&body)).await;
    assert_eq!(delivery.signals.len(), 2);
    let places: Vec<&str> = delivery.refused.iter().map(|part| part.place.as_str()).collect();
    assert_eq!(places, ["line 2"]);
    // A line may hold a list of its own, and the items are counted on.
    let lists =
        Endpoint::trusting("items = '/alerts'\n[[rule]]\nsubject = [{ pointer = '/u', is = 'username' }]\nreason = 'logout'\n");
    let body = "{\"alerts\":[{\"u\":\"a\"},{\"u\":\"b\"}]}\n{\"alerts\":[{\"u\":\"c\"}]}\n";
    let keys: Vec<String> = lists
        .signals(&trusted(body))
        .await
        .into_iter()
        .map(|signal| signal.key)
        .collect();
    assert!(
        keys[0].contains("#0") && keys[1].contains("#1") && keys[2].contains("#2"),
        "{keys:?}"
    );
    assert_eq!(
        endpoint.refusal(&trusted("{\"a\":}\n{\"b\":}\n")).await,
        (400, "invalid_body")
    );
}

#[tokio::test]
async fn a_mark_before_the_text_is_no_part_of_it_and_a_sequence_is_read_by_its_records() {
    let endpoint = Endpoint::trusting(RULE);
    let keys = async |media: &str, body: String| -> Vec<String> {
        let signals = endpoint.signals(&of_type(media, &body)).await;
        signals.into_iter().map(|signal| signal.key).collect()
    };
    assert_eq!(keys("application/json", format!("\u{feff}{}", line(3))).await, ["3"]);
    assert_eq!(
        keys("application/x-ndjson", format!("\u{feff}{}", lines(&[3, 4]))).await,
        ["3", "4"]
    );
    let record = |n: u32| format!("\u{1e}{:#}\n", line(n));
    assert_eq!(keys("application/json-seq", record(3)).await, ["3"]);
    assert_eq!(keys("application/json-seq", record(3) + record(4).as_str()).await, ["3", "4"]);
    // The content type is not signed: the bytes alone say what it is.
    assert_eq!(keys("application/json", record(3) + record(4).as_str()).await, ["3", "4"]);
}

#[tokio::test]
async fn json_within_json_is_reached_by_a_pointer() {
    let endpoint = Endpoint::trusting(
        "[[rule]]\nsubject = [{ pointer = '/Message/user/0', is = 'email' }]\nreason = 'compromised'\nkey = '/MessageId'\n",
    );
    let inner = json!({"user": ["a@b.example"]}).to_string();
    let body = json!({"MessageId": "m1", "Message": inner}).to_string();
    let signal = endpoint.signal(&of_type("text/plain; charset=UTF-8", &body)).await;
    assert_eq!(
        (signal.key.as_str(), signal.subject.to_string().as_str()),
        ("m1", "email:a@b.example")
    );
}

#[tokio::test]
async fn a_list_within_a_text_is_a_list_also_in_base_64() {
    let list = json!([{"u": "a"}, {"u": "b"}]).to_string();
    let decode = "decode = [{ pointer = '/m/data', encoding = 'base64' }]\n";
    for (packed, decode) in [(list.clone(), ""), (STANDARD.encode(&list), decode)] {
        let rule = "[[rule]]\nsubject = [{ pointer = '/u', is = 'username' }]\nreason = 'logout'\n";
        let endpoint = Endpoint::trusting(&format!("{decode}items = '/m/data'\nkey_pointer = '/m/id'\n{rule}"));
        let signals = endpoint
            .signals(&trusted(&json!({"m": {"id": "d1", "data": packed}}).to_string()))
            .await;
        let keys: Vec<&str> = signals.iter().map(|signal| signal.key.as_str()).collect();
        assert_eq!(keys, ["d1#0", "d1#1"], "{decode}");
    }
}

#[tokio::test]
async fn a_form_is_read_as_the_object_that_it_stands_for() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let endpoint = Endpoint::trusting(
        "[[rule]]\nwhen = [{ pointer = '/event_name', equals = 'EmployeeDeleted' }]\nsubject = [{ pointer = '/data/email', is = 'email' }]\nreason = 'departed'\nkey = '/id'\n",
    );
    let form = "event_name=EmployeeDeleted&id=7&data%5Bemail%5D=a%40b.example";
    let signal = endpoint.signal(&of_type(FORM, form)).await;
    assert_eq!(
        (signal.key.as_str(), signal.subject.to_string().as_str()),
        ("7", "email:a@b.example")
    );
    // What is no form by its type is none.
    assert_eq!(
        endpoint.refusal(&of_type("application/json", form)).await,
        (400, "invalid_body")
    );
    let field = Endpoint::trusting(
        "form_field = 'payload'\n[[rule]]\nsubject = [{ pointer = '/user', is = 'email' }]\nreason = 'logout'\n",
    );
    let signal = field
        .signal(&of_type(FORM, "payload=%7B%22user%22%3A%22a%40b.example%22%7D"))
        .await;
    assert_eq!(signal.subject.to_string(), "email:a@b.example");
    assert_eq!(field.refusal(&of_type(FORM, "other=1")).await, (400, "invalid_body"));
    // The same source takes JSON too, since the bytes say what they are.
    assert_eq!(
        field.signal(&trusted("{\"user\":\"a@b.example\"}")).await.reason,
        Reason::Logout
    );
}

#[tokio::test]
async fn a_key_of_several_places_names_each_row_of_a_search() {
    let endpoint = Endpoint::trusting(
        "[[rule]]\nsubject = [{ pointer = '/result/user', is = 'email' }]\nreason = 'compromised'\nkey = ['/sid', '/result']\n",
    );
    let row =
        |user: &str, from: &str| json!({"sid": "scheduler__1", "result": {"user": user, "src": from}, "link": from}).to_string();
    let (first, second) = (
        endpoint.mapped(&row("a@b.example", "x")).await,
        endpoint.mapped(&row("c@b.example", "x")).await,
    );
    assert_ne!(first.key, second.key);
    assert_eq!(first.key, endpoint.mapped(&row("a@b.example", "x")).await.key);
    assert_ne!(first.key, endpoint.mapped(&row("a@b.example", "y")).await.key);
    assert!(!first.key.contains("b.example"), "a name stands in the trail");
    // Where nothing of it is there, the body names the item.
    assert!(endpoint.mapped("{}").await.key.starts_with("body:"));
}

#[tokio::test]
async fn rows_that_share_one_key_in_one_body_are_told_apart() {
    let endpoint =
        Endpoint::trusting("[[rule]]\nsubject = [{ pointer = '/user', is = 'email' }]\nreason = 'compromised'\nkey = '/sid'\n");
    let row = |user: &str| json!({"sid": "s", "user": user});
    let body = json!([row("a@b.example"), row("c@b.example"), row("a@b.example")]).to_string();
    let keys: Vec<String> = endpoint
        .signals(&trusted(&body))
        .await
        .into_iter()
        .map(|signal| signal.key)
        .collect();
    assert_eq!((keys[0].as_str(), &keys[0]), ("s", &keys[2]));
    assert!(keys[1].starts_with("s#") && keys[1].len() == 18, "{keys:?}");
}

#[tokio::test]
async fn what_no_rule_of_a_preset_understands_is_told_to_a_person() {
    let alarms = async |preset: &str, body: Value| {
        let endpoint = Endpoint::new(&["a secret of the usual length"], &format!("preset = '{preset}'\n"));
        let read = endpoint.push.read_unproven(&trusted(&body.to_string())).unwrap().unwrap();
        let delivery = read.delivery().unwrap();
        let wishes = delivery
            .signals
            .iter()
            .all(|signal| matches!(signal.disposition, Disposition::Ignore(_)));
        assert!(wishes, "{preset}: {:?}", delivery.signals);
        delivery.alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>()
    };
    for (preset, known) in [
        ("okta", json!({"data": {"events": [{"eventType": "user.session.start"}]}})),
        (
            "bamboohr",
            json!({"employees": [{"id": "1", "action": "Created", "changedFields": ["First Name"]}]}),
        ),
        ("hibob", json!({"type": "task.created", "data": {"taskId": "1"}})),
        ("github", json!({"action": "member_added", "sender": {"login": "boss"}})),
        ("gusto", json!({"event_type": "company.updated"})),
        ("p2-keycloak", json!({"type": "access.LOGIN"})),
        ("auth0", json!([{"log_id": "1", "data": {"type": "s"}}])),
        ("pagerduty", json!({"event": {"event_type": "incident.triggered"}})),
        ("deel", json!({"data": {"meta": {"event_type": "contract.created"}}})),
        (
            "merge",
            json!({"hook": {"event": "Employee.changed"}, "data": {"employment_status": "ACTIVE"}}),
        ),
    ] {
        assert_eq!(alarms(preset, known).await, [], "{preset}");
        for strange in [json!({"hello": "world"}), json!({"value": [{"x": 1}]}), json!([7, null])] {
            assert_eq!(
                alarms(preset, strange.clone()).await,
                [AlarmKind::NotUnderstood],
                "{preset}: {strange}"
            );
        }
    }
}
