//! What rules make of payloads: subjects, reasons, times, keys, scopes, lists, conditions.

use revoked::model::{Disposition, Reason, Scope, Subject, Timestamp, When};
use serde_json::{Value, json};

use super::*;

const RULE: &str = r#"
[[rule]]
subject = [{ pointer = "/user", is = "email" }]
reason = "compromised"
"#;

fn with(more: &str) -> Endpoint {
    Endpoint::trusting(&format!("{RULE}{more}\n"))
}

async fn fault(endpoint: &Endpoint, body: &Value) -> String {
    let rejection = endpoint.receive(&trusted(&body.to_string())).await.unwrap_err();
    assert_eq!(rejection.code, "not_understood");
    rejection.description
}

#[tokio::test]
async fn several_places_are_names_of_one_person() {
    let endpoint = Endpoint::trusting(
        r#"
[[rule]]
reason = "departed"
subject = [
    { pointer = "/email", is = "email" },
    { pointer = "/login", is = "username" },
    { pointer = "/number", is = "employee_id" },
    { pointer = "/account", is = "account_id" },
    { pointer = "/id", is = "iss_sub", issuer = "https://tenant.example/" },
    { pointer = "/path", is = "username", prefix = "users/" },
]
"#,
    );
    let all =
        json!({"email": "A@b.example", "login": "al", "number": 4711, "account": "x1", "id": "auth0|1#2", "path": "users/al"});
    let signal = endpoint.mapped(&all.to_string()).await;
    let names: Vec<String> = signal.subject.names().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "email:a@b.example",
            "username:al",
            "employee_id:4711",
            "opaque:x1",
            "iss_sub:https://tenant.example/#auth0|1#2"
        ]
    );
    assert_eq!(
        signal.subject.names()[4],
        Subject::IssSub {
            iss: "https://tenant.example/".to_owned(),
            sub: "auth0|1#2".to_owned()
        }
    );
    // A place that names nobody is passed over while another does.
    let some = json!({"email": "not an address", "login": "", "number": null, "path": "groups/al", "account": "x1"});
    assert_eq!(endpoint.mapped(&some.to_string()).await.subject.to_string(), "opaque:x1");
}

#[tokio::test]
async fn somebody_who_cannot_be_named_is_kept_and_held_and_never_dropped() {
    let endpoint = with("");
    for body in [
        json!({}),
        json!({"user": null}),
        json!({"user": "nobody"}),
        json!({"user": ["a@b.example"]}),
        json!({"user": "a\u{202e}@b.example"}),
    ] {
        let signal = endpoint.mapped(&body.to_string()).await;
        assert!(matches!(signal.subject, Subject::Unknown { .. }), "{body}");
        assert_eq!(
            signal.disposition,
            Disposition::Hold("unresolved: the item names nobody at /user".to_owned()),
            "{body}"
        );
        assert_eq!(signal.reason, Reason::Compromised);
    }
    let nowhere = Endpoint::trusting("[[rule]]\nreason = 'departed'\nhold = 'look there'\n");
    let held = nowhere.mapped("{}").await.disposition;
    assert_eq!(
        held,
        Disposition::Hold("look there; unresolved: the rule says nowhere whom the item is about".to_owned())
    );
}

#[tokio::test]
async fn an_object_of_rfc_9493_is_read_as_everywhere() {
    let keys = "[subjects]\nissuers = ['https://idp.example']\nopaque = 'account_id'\n";
    let endpoint = Endpoint::trusting(keys);
    let body = |subject: Value| ours(&json!({"subject": subject, "reason": "compromised"}));
    let subject = async |subject: Value| endpoint.mapped(&body(subject)).await.subject.to_string();
    assert_eq!(subject(json!({"format": "opaque", "id": "x1"})).await, "opaque:x1");
    let theirs = json!({"format": "iss_sub", "iss": "https://idp.example", "sub": "1"});
    assert_eq!(subject(theirs).await, "iss_sub:https://idp.example#1");
    let aliases = json!({"format": "aliases", "identifiers": [{"format": "email", "email": "a@b.example"}, {"format": "opaque", "id": "x1"}]});
    assert_eq!(subject(aliases).await, "aliases:email:a@b.example\nopaque:x1");
    // Nobody that we could know: kept for a human.
    let held = endpoint.mapped(&body(json!({"format": "did", "url": "did:example:1"}))).await;
    assert!(matches!(held.disposition, Disposition::Hold(why) if why.starts_with("unresolved")));
    // Not of its form: the sender is told.
    let other = json!({"format": "iss_sub", "iss": "https://else.example", "sub": "1"});
    for (subject, word) in [
        (json!({"format": "email"}), "email"),
        (json!("a@b.example"), "not an object"),
        (other, "may speak for"),
    ] {
        let said = fault(&endpoint, &serde_json::from_str(&body(subject)).unwrap()).await;
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test]
async fn the_senders_words_become_reasons_and_an_unknown_one_is_refused_unquoted() {
    let endpoint = Endpoint::trusting(
        r#"
[[rule]]
subject = [{ pointer = "/user", is = "email" }]
reason = { pointer = "/severity", words = { high = "compromised", low = "risk_elevated", 3 = "logout" } }
"#,
    );
    for (word, reason) in [
        (json!("high"), Reason::Compromised),
        (json!("low"), Reason::RiskElevated),
        (json!(3), Reason::Logout),
    ] {
        let body = json!({"user": "a@b.example", "severity": word}).to_string();
        assert_eq!(endpoint.mapped(&body).await.reason, reason);
    }
    let said = fault(&endpoint, &json!({"user": "a@b.example", "severity": "mid"})).await;
    assert_eq!(said, "the word at /severity is not a reason that is known here");
    assert_eq!(
        fault(&endpoint, &json!({"user": "a@b.example"})).await,
        "no reason stands at /severity"
    );
}

#[tokio::test]
async fn a_sender_gives_only_the_reasons_that_it_may() {
    let endpoint = Endpoint::trusting("reasons = ['compromised', 'logout']\n");
    let body = |reason: &str| ours(&json!({"subject": {"format": "email", "email": "a@b.example"}, "reason": reason}));
    assert_eq!(endpoint.mapped(&body("logout")).await.reason, Reason::Logout);
    let said = fault(&endpoint, &serde_json::from_str(&body("departed")).unwrap()).await;
    assert_eq!(said, "the reason departed may not be given by this sender");
}

#[tokio::test]
async fn times_are_read_in_the_form_that_the_rule_names() {
    let endpoint = with("time = { pointer = '/at', form = 'unix' }\neffective = { pointer = '/leaves' }");
    let body = |at: Value, leaves: Value| json!({"user": "a@b.example", "at": at, "leaves": leaves});
    let signal = endpoint
        .mapped(&body(json!(NOW - 60), json!("2026-02-28T18:00:00+01:00")).to_string())
        .await;
    assert_eq!(signal.occurred_at, Some(Timestamp::from_seconds(NOW - 60)));
    assert_eq!(signal.when, When::At(Timestamp::from_seconds(1_772_298_000)));
    // What is yet to come has not happened.
    let ahead = endpoint.mapped(&body(json!(NOW + 60), Value::Null).to_string()).await;
    assert_eq!(
        (ahead.occurred_at, ahead.when),
        (Some(Timestamp::from_seconds(NOW)), When::Now)
    );
    let without = endpoint.mapped(&body(Value::Null, Value::Null).to_string()).await;
    assert_eq!(without.occurred_at, None);
    for (at, leaves, word) in [
        (json!("yesterday"), Value::Null, "/at"),
        (Value::Null, json!("2026-02-28"), "/leaves"),
        (Value::Null, json!("2028-02-28T18:00:00Z"), "two years"),
    ] {
        let said = fault(&endpoint, &body(at, leaves)).await;
        assert!(said.contains(word) && !said.contains("yesterday"), "{said}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_loses_nothing_where_a_person_looks_anyway() {
    let body = json!({"user": "a@b.example", "at": "31.01.2026", "n": 7}).to_string();
    for wish in ["hold", "ignore"] {
        let endpoint = with(&format!("time = {{ pointer = '/at' }}\nnote = ['/n']\n{wish} = 'x'"));
        let signal = endpoint.mapped(&body).await;
        assert_eq!(
            (signal.occurred_at, signal.note.as_deref()),
            (None, Some("7; its time cannot be read"))
        );
    }
    assert!(
        fault(&with("time = { pointer = '/at' }"), &serde_json::from_str(&body).unwrap())
            .await
            .contains("/at")
    );
}

#[tokio::test]
async fn a_key_of_the_items_own_names_it_in_any_company() {
    let endpoint = Endpoint::trusting(&format!("items = '/events'\n{RULE}key = '/uuid'\n"));
    let item = |n: u8| json!({"user": format!("p{n}@b.example"), "uuid": format!("u{n}")});
    let first = endpoint
        .signals(&trusted(&json!({"id": "x", "events": [item(1), item(2)]}).to_string()))
        .await;
    let again = endpoint
        .signals(&trusted(&json!({"id": "y", "events": [item(2)]}).to_string()))
        .await;
    assert_eq!([&*first[0].key, &first[1].key], ["u1", "u2"]);
    assert_eq!((&first[1].key, first[1].digest), (&again[0].key, again[0].digest));
    assert_ne!(first[0].digest, first[1].digest);
    let other = json!({"events": [{"user": "q@b.example", "uuid": "u2"}]}).to_string();
    let other = endpoint.signals(&trusted(&other)).await;
    assert_eq!(other[0].key, "u2");
    assert_ne!(other[0].digest, again[0].digest);
}

#[tokio::test]
async fn without_a_key_the_delivery_or_the_body_names_each_item() {
    let list = json!([{"user": "a@b.example"}, {"user": "c@b.example"}]).to_string();
    let endpoint = Endpoint::new(&[SECRET], RULE);
    let keys = |signals: Vec<Signal>| signals.into_iter().map(|signal| signal.key).collect::<Vec<_>>();
    let signals = endpoint.signals(&signed(SECRET, "msg_1", NOW, list.as_bytes())).await;
    assert_eq!(keys(signals), ["msg_1#0", "msg_1#1"]);
    let header = Endpoint::trusting(&format!("key_header = 'X-Delivery'\n{RULE}"));
    let mut request = trusted(&list);
    request.headers_mut().insert("x-delivery", "d1".parse().unwrap());
    assert_eq!(keys(header.signals(&request).await), ["d1#0", "d1#1"]);
    request.headers_mut().append("x-delivery", "d2".parse().unwrap());
    let by_body = keys(header.signals(&request).await);
    assert!(by_body[0].starts_with("body:") && by_body[0] != by_body[1], "{by_body:?}");
    let long = Endpoint::trusting(&format!("{RULE}key = '/id'\n"));
    let body = |id: &str| json!({"user": "a@b.example", "id": id}).to_string();
    for id in ["x".repeat(257), "a\nb".to_owned()] {
        assert!(long.mapped(&body(&id)).await.key.starts_with("hash:"));
    }
}

#[tokio::test]
async fn a_sender_that_signs_no_time_has_each_body_once_for_ever_unless_told_otherwise() {
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    let form =
        "verify = 'signature'\nsignature = { header = 'X-Sig', algorithm = 'sha256', encoding = 'hex', signed = '{body}' }\n";
    let body = json!({"user": "a@b.example"}).to_string();
    let request = post(&[("x-sig", &hex_hmac(secret, body.as_bytes()))], body.as_bytes());
    let key = async |now: i64, more: &str| {
        Endpoint::at(now, &[secret], &format!("{form}{more}{RULE}"))
            .signal(&request)
            .await
            .key
    };
    assert_eq!(key(NOW, "").await, key(NOW + 86_400 * 365, "").await);
    let window = "repeat_window = '1d'\n";
    assert_ne!(key(NOW, window).await, key(NOW + 86_400, window).await);
}

#[tokio::test]
async fn a_scope_is_a_constant_or_an_id_of_the_item() {
    for (scope, expected) in [
        ("'everything'", Scope::Everything),
        ("'all_sessions'", Scope::AllSessions),
        ("{ session = '/sid' }", Scope::Session("s1".to_owned())),
        ("{ access_token = '/sid' }", Scope::AccessToken("s1".to_owned())),
        ("{ pointer = '/scope' }", Scope::AllSessions),
    ] {
        let endpoint = with(&format!("scope = {scope}"));
        let body = json!({"user": "a@b.example", "sid": "s1", "scope": "all_sessions"});
        assert_eq!(endpoint.mapped(&body.to_string()).await.scope, expected);
    }
    // One session that is not named must not become all of them.
    let endpoint = with("scope = { session = '/sid' }");
    assert_eq!(
        fault(&endpoint, &json!({"user": "a@b.example"})).await,
        "no id stands at /sid"
    );
    let endpoint = with("scope = { pointer = '/scope' }");
    fault(&endpoint, &json!({"user": "a@b.example", "scope": "some"})).await;
}

#[tokio::test]
async fn the_first_rule_whose_conditions_hold_is_the_items() {
    let endpoint = Endpoint::trusting(
        r#"
[[rule]]
when = [{ pointer = "/kind", equals = "left" }, { pointer = "/sure", equals = true }]
subject = [{ pointer = "/user", is = "email" }]
reason = "departed"

[[rule]]
when = [{ pointer = "/kind", in = ["left", 7] }, { pointer = "/tags", contains = "vip" }]
subject = [{ pointer = "/user", is = "email" }]
reason = "departed"
hold = "a very important person"

[[rule]]
when = [{ pointer = "/text", contains = "stolen" }, { pointer = "/muted", exists = false }]
subject = [{ pointer = "/user", is = "email" }]
reason = "compromised"

[[rule]]
when = [{ pointer = "/kind", exists = true }]
reason = "noted"
ignore = "of no consequence"
"#,
    );
    for (body, reason, disposition) in [
        (json!({"kind": "left", "sure": true}), Reason::Departed, Disposition::Act),
        (
            json!({"kind": "left", "sure": "true", "tags": ["x", "vip"]}),
            Reason::Departed,
            Disposition::Hold("a very important person".into()),
        ),
        (
            json!({"kind": 7, "tags": ["vip"]}),
            Reason::Departed,
            Disposition::Hold("a very important person".into()),
        ),
        (
            json!({"kind": "left", "tags": ["vips"]}),
            Reason::Noted,
            Disposition::Ignore("of no consequence".into()),
        ),
        (
            json!({"text": "a stolen token", "muted": null}),
            Reason::Compromised,
            Disposition::Act,
        ),
        (
            json!({"text": "a stolen token", "muted": 0}),
            Reason::Noted,
            Disposition::Ignore("no rule of the source is about it".into()),
        ),
        (
            json!(3),
            Reason::Noted,
            Disposition::Ignore("no rule of the source is about it".into()),
        ),
    ] {
        let mut body = body;
        if let Some(members) = body.as_object_mut() {
            members.insert("user".to_owned(), json!("a@b.example"));
        }
        let signal = endpoint.mapped(&body.to_string()).await;
        assert_eq!((signal.reason, signal.disposition), (reason, disposition), "{body}");
    }
}

#[tokio::test]
async fn what_no_rule_is_about_is_recorded_dropped_or_refused() {
    let rule = format!("{RULE}when = [{{ pointer = '/kind', equals = 'x' }}]\n");
    let other = trusted(r#"{"user":"a@b.example","kind":"y"}"#);
    let record = Endpoint::trusting(&rule).signal(&other).await;
    assert!(matches!(
        (record.subject, record.disposition),
        (Subject::Unknown { .. }, Disposition::Ignore(_))
    ));
    assert_eq!(
        Endpoint::trusting(&format!("unmatched = 'drop'\n{rule}"))
            .signals(&other)
            .await,
        []
    );
    let refuse = Endpoint::trusting(&format!("unmatched = 'refuse'\n{rule}"));
    assert_eq!(refuse.refusal(&other).await, (422, "not_understood"));
    // A ping without the list, and a list without anything.
    let list = Endpoint::trusting(&format!("items = '/events'\n{rule}"));
    assert!(matches!(
        list.mapped(r#"{"ping":1}"#).await.disposition,
        Disposition::Ignore(_)
    ));
    assert_eq!(list.signals(&trusted(r#"{"events":[]}"#)).await, []);
}

#[tokio::test]
async fn what_cannot_be_read_does_not_take_its_neighbours_along() {
    let endpoint = Endpoint::trusting("[[rule]]\nsubject = [{ pointer = '/user', is = 'email' }]\nreason = { pointer = '/why' }\n");
    let good = json!({"user": "a@b.example", "why": "logout"});
    let bad = json!({"user": "c@b.example", "why": "boredom"});
    let delivery = endpoint.delivery(&trusted(&json!([bad, good, bad]).to_string())).await;
    assert_eq!(delivery.signals.len(), 1);
    let places: Vec<&str> = delivery.refused.iter().map(|part| part.place.as_str()).collect();
    assert_eq!(places, ["item 0", "item 2"]);
    assert!(!format!("{:?}", delivery.refused).contains("c@b.example"));
    let said = fault(&endpoint, &json!([bad, bad])).await;
    assert!(said.starts_with("item 0: the word at /why"), "{said}");
}

#[tokio::test]
async fn notes_are_joined_cut_and_kept_on_one_line() {
    let endpoint = with("note = ['/a', '/b', '/c']\nrequested_by = ['/d', '/e']");
    let body = json!({"user": "a@b.example", "a": "one\u{1b}[2J\ntwo", "b": 7, "c": {"x": 1}, "e": "soar\r\n"});
    let signal = endpoint.mapped(&body.to_string()).await;
    assert_eq!(signal.note.as_deref(), Some("one [2J two; 7"));
    assert_eq!(signal.requested_by.as_deref(), Some("soar"));
    let long = json!({"user": "a@b.example", "a": "ä".repeat(10_000), "d": "ä".repeat(10_000)});
    let signal = endpoint.mapped(&long.to_string()).await;
    assert_eq!(signal.note.unwrap().chars().count(), 500);
    assert_eq!(signal.requested_by.unwrap().chars().count(), 200);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_body_makes_it_panic_or_quotes_itself(body in "\\PC{0,60}|[\\[\\]{}\",:a-z0-9]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let endpoint = with("time = { pointer = '/at' }\nkey = '/id'");
        if let Err(rejection) = runtime.block_on(endpoint.receive(&trusted(&body))) {
            assert!(body.len() < 8 || !rejection.description.contains(&body));
        }
    }
}

#[tokio::test]
async fn what_a_sender_is_known_to_send_may_be_said_by_conditions() {
    let endpoint = with(
        "when = [{ pointer = '/kind', equals = 'Left', any_case = true }]\n[[rule]]\nreason = 'noted'\nignore = 'a test'\n\
         when = [{ pointer = '/tags', lacks = ['real', 'Live'], any_case = true }]\n",
    );
    for (body, act) in [
        (json!({"kind": "LEFT", "user": "a@b.example"}), true),
        (json!({"kind": "moved", "user": "a@b.example"}), false),
    ] {
        assert_eq!(
            endpoint.mapped(&body.to_string()).await.disposition == Disposition::Act,
            act,
            "{body}"
        );
    }
    let why = async |tags: Value| format!("{:?}", endpoint.mapped(&json!({"tags": tags}).to_string()).await.disposition);
    for tags in [json!(["drill"]), json!("a drill"), json!([])] {
        assert!(why(tags.clone()).await.contains("a test"), "{tags}");
    }
    for tags in [json!(["REAL"]), json!("so live"), Value::Null] {
        assert!(!why(tags.clone()).await.contains("a test"), "{tags}");
    }
    let known = "known_by = ['/ping', { pointer = '/kind', lacks = 'left', any_case = true }]\n";
    let endpoint = Endpoint::trusting(&format!(
        "{known}[[rule]]\nreason = 'noted'\nignore = 'x'\nwhen = [{{ pointer = '/kind', equals = 'left' }}]\n"
    ));
    for (body, alarms) in [
        (json!({"ping": 1}), 0),
        (json!({"kind": "moved"}), 0),
        (json!({"kind": "left"}), 0),
        (json!({"kind": "has Left"}), 1),
        (json!({"sort": "moved"}), 1),
    ] {
        assert_eq!(
            endpoint.delivery(&trusted(&body.to_string())).await.alarms.len(),
            alarms,
            "{body}"
        );
    }
}
