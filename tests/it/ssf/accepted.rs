//! What is taken, and what it means.

use revoked::model::{CaseId, Disposition, Priority, Receipt, Scope, Signal, SignalReceipt, Subject, Timestamp};
use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, NOW, REVOKED, Stream, T1, about, claims, with};

fn disposition(disposition: &Disposition) -> String {
    match disposition {
        Disposition::Act => "act".to_owned(),
        Disposition::Hold(why) | Disposition::Stays(why) => format!("hold {why}"),
        Disposition::Ignore(why) => format!("ignore {why}"),
    }
}

/// Reason, priority and scope, as the tables of the fixtures write them.
fn gist(signal: &Signal) -> String {
    let scope = match signal.scope {
        Scope::Everything => "everything",
        Scope::AllSessions => "sessions",
        _ => "named",
    };
    format!("{} {} {scope}", signal.reason, signal.priority.0)
}

#[tokio::test]
async fn every_example_of_the_specifications_is_taken_with_its_meaning() {
    let vectors = include_str!("../../fixtures/ssf/positive.jsonl").lines();
    let meanings = include_str!("../../fixtures/ssf/positive.meanings.txt").lines();
    assert_eq!((vectors.clone().count(), meanings.clone().count()), (12, 12));
    for (n, (vector, meaning)) in vectors.zip(meanings).enumerate() {
        let mut claims: Value = serde_json::from_str(vector).unwrap();
        claims["jti"] = format!("vector-{n}").into();
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        let stream = Stream::of(&text("iss"), &text("aud"), "");
        stream.clock.set(Timestamp::from_seconds(claims["iat"].as_i64().unwrap()));
        let signal = stream
            .send_claims(&claims)
            .await
            .unwrap_or_else(|error| panic!("vector {n}: {error}"));
        let [expected, subject, wished] = meaning.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("vector {n} has no meaning");
        };
        assert_eq!(gist(&signal), expected, "vector {n}");
        assert!(
            signal.subject.to_string().starts_with(subject),
            "vector {n}: {}",
            signal.subject
        );
        assert!(
            disposition(&signal.disposition).starts_with(wished),
            "vector {n}: {:?}",
            signal.disposition
        );
        assert_eq!(signal.key, format!("{}|vector-{n}", text("iss")));
    }
}

#[tokio::test]
async fn a_signal_carries_time_initiator_and_reason() {
    let stream = Stream::new("");
    let event = json!({
        "initiating_entity": "policy",
        "reason_admin": {"de": "Richtlinie", "en": "Policy Violation: C076E82F\u{202e}"},
        "event_timestamp": 1_615_304_991,
    });
    let mut claims = about(REVOKED, event, claims()["sub_id"].clone());
    claims["txn"] = "8675309".into();
    let signal = stream.send_claims(&claims).await.unwrap();
    assert_eq!(signal.occurred_at, Some(Timestamp::from_seconds(1_615_304_991)));
    assert_eq!(signal.requested_by.as_deref(), Some("policy"));
    assert_eq!(
        signal.note.as_deref(),
        Some("session-revoked; Policy Violation: C076E82F\u{fffd}; txn 8675309")
    );
    assert_eq!(signal.subject, Subject::Email("alice@example.org".into()));
}

#[tokio::test]
async fn event_time_is_read_in_seconds_and_in_milliseconds() {
    let stream = Stream::new("");
    let sub_id = claims()["sub_id"].clone();
    for (stamp, ms) in [
        (json!(1_615_304_991), 1_615_304_991_000),
        (json!(1_615_304_991_643_i64), 1_615_304_991_643),
        (json!(1_615_304_991.5), 1_615_304_991_500),
        (json!("yesterday"), NOW * 1000),
        (json!(-5), NOW * 1000),
        (json!(NOW + 3600), NOW * 1000),
    ] {
        let claims = about(REVOKED, json!({"event_timestamp": stamp}), sub_id.clone());
        let signal = stream.send_claims(&claims).await.unwrap();
        assert_eq!(signal.occurred_at, Some(Timestamp::from_ms(ms)), "{stamp}");
    }
    let mut toe = about(REVOKED, json!({}), sub_id);
    toe["toe"] = json!(1_615_300_000);
    let signal = stream.send_claims(&toe).await.unwrap();
    assert_eq!(signal.occurred_at, Some(Timestamp::from_seconds(1_615_300_000)));
}

#[tokio::test]
async fn each_event_type_has_its_reason_urgency_and_wish() {
    let stream = Stream::new("");
    for line in include_str!("../../fixtures/ssf/meanings.txt").lines() {
        let (sent, expected) = line.split_once(" | ").unwrap();
        let (name, event) = sent.split_once(' ').unwrap();
        let uri = match name.split_once(':') {
            Some((family @ ("caep" | "risc" | "ssf" | "oauth"), name)) => {
                format!("https://schemas.openid.net/secevent/{family}/event-type/{name}")
            }
            Some(("okta", name)) => format!("https://schemas.okta.com/secevent/okta/event-type/{name}"),
            _ => name.to_owned(),
        };
        let event = serde_json::from_str(event).unwrap();
        let claims = about(&uri, event, claims()["sub_id"].clone());
        let signal = stream
            .send_claims(&claims)
            .await
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let wished = disposition(&signal.disposition);
        let wished = wished.split(' ').next().unwrap();
        assert_eq!(format!("{} {wished}", gist(&signal)), expected, "{line}");
    }
}

#[tokio::test]
async fn oktas_own_events_name_their_subject_in_the_event_whatever_the_form_of_the_token() {
    let uri = "https://schemas.okta.com/secevent/okta/event-type/user-risk-change";
    let member = |subject: Value| {
        json!({
            "event_timestamp": 1_615_304_991, "current_level": "high", "previous_level": "low", "initiating_entity": "policy",
            "reason_admin": {"en": "Malware"}, "subject": subject,
        })
    };
    let user = json!({"format": "email", "email": "Jane@example.com"});
    for more in ["", "legacy_subject = true"] {
        let stream = Stream::new(more);
        for subject in [
            user.clone(),
            json!({"user": user}),
            json!({"format": "complex", "user": user}),
        ] {
            let mut claims = about(uri, member(subject.clone()), Value::Null);
            claims.as_object_mut().unwrap().remove("sub_id");
            let signal = stream
                .send_claims(&claims)
                .await
                .unwrap_or_else(|error| panic!("{subject}: {error}"));
            assert_eq!(signal.subject.to_string(), "email:jane@example.com", "{subject}");
            assert_eq!(
                (gist(&signal).as_str(), &signal.disposition),
                ("compromised 0 everything", &Disposition::Act),
                "{subject}"
            );
        }
        // One device of a person costs that person's sessions, not the whole playbook.
        let device = json!({"user": user, "device": {"format": "opaque", "id": "d1"}});
        let mut claims = about(uri, member(device), Value::Null);
        claims.as_object_mut().unwrap().remove("sub_id");
        assert_eq!(stream.send_claims(&claims).await.unwrap().scope, Scope::AllSessions);
        // What the token itself names goes first.
        let claims = about(
            uri,
            member(user.clone()),
            json!({"format": "email", "email": "other@example.com"}),
        );
        assert_eq!(
            stream.send_claims(&claims).await.unwrap().subject.to_string(),
            "email:other@example.com"
        );
    }
}

#[tokio::test]
async fn an_unknown_event_type_is_kept_under_its_word() {
    let stream = Stream::new("");
    let odd = json!({"format": "catalog_item", "catalog_id": "c0384/winter/2354122"});
    for sub_id in [odd, json!("not even an object"), json!({"format": "email"})] {
        let claims = about("https://example.org/event/unheard-of", json!({}), sub_id);
        let signal = stream.send_claims(&claims).await.unwrap();
        assert_eq!(signal.disposition, Disposition::Ignore("ignored_unknown_type".into()));
        assert!(matches!(signal.subject, Subject::Unknown { .. }));
    }
}

#[tokio::test]
async fn nothing_that_is_not_one_known_person_is_acted_on() {
    let stream = Stream::new("");
    let opaque = |id: &str| json!({"format": "opaque", "id": id});
    let user = json!({"format": "email", "email": "bar@example.com"});
    let rows = [
        (json!({"format": "complex", "tenant": opaque("t")}), "hold many"),
        (
            json!({"format": "complex", "group": {"format": "email", "email": "all@example.com"}}),
            "hold many",
        ),
        (
            json!({"format": "complex", "org_unit": opaque("o"), "tenant": opaque("t")}),
            "hold many",
        ),
        (
            json!({"format": "complex", "device": opaque("d"), "tenant": opaque("t")}),
            "ignore device_only",
        ),
        (
            json!({"format": "complex", "session": opaque("s"), "tenant": opaque("t")}),
            "hold session_only",
        ),
        (json!({"format": "complex", "application": opaque("a")}), "hold unresolved"),
        (
            json!({"format": "complex", "user": opaque("u"), "session": opaque("s")}),
            "hold unresolved",
        ),
        (
            json!({"format": "complex", "user": {"format": "planet", "name": "x"}}),
            "hold unresolved",
        ),
        (
            json!({"format": "catalog_item", "catalog_id": "c0384/winter/2354122"}),
            "hold unresolved",
        ),
        (
            json!({"format": "ip-addresses", "ip-addresses": ["192.0.2.1"]}),
            "hold unresolved",
        ),
        (json!({"format": "jwt_id", "iss": ISSUER, "jti": "x"}), "hold session_only"),
        (
            json!({"format": "saml_assertion_id", "issuer": ISSUER, "assertion_id": "x"}),
            "hold session_only",
        ),
        (json!({"format": "did", "url": "did:example:123456"}), "hold unresolved"),
        (json!({"format": "uri", "uri": "https://example.org/u/1"}), "hold unresolved"),
        (json!({"format": "aliases", "identifiers": [opaque("x")]}), "hold unresolved"),
        (json!({"format": "complex", "user": user, "tenant": opaque("t")}), "act"),
        (json!({"format": "account", "uri": "acct:Bar@example.com"}), "act"),
        (
            json!({"format": "aliases", "identifiers": [user, opaque("x"), {"format": "phone_number", "phone_number": "+1 206"}]}),
            "act",
        ),
    ];
    for (sub_id, wished) in rows {
        let signal = stream.send_claims(&about(REVOKED, json!({}), sub_id.clone())).await.unwrap();
        assert!(
            disposition(&signal.disposition).starts_with(wished),
            "{sub_id}: {:?}",
            signal.disposition
        );
        let nobody = matches!(signal.subject, Subject::Unknown { .. });
        assert_eq!(nobody, wished != "act", "{sub_id} reads as {}", signal.subject);
    }
}

#[tokio::test]
async fn a_session_of_a_named_person_widens_to_all_sessions_of_that_person() {
    let stream = Stream::new("");
    let sub_id = json!({
        "format": "complex",
        "user": {"format": "email", "email": "bar@example.com"},
        "session": {"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"},
    });
    let signal = stream.send_claims(&about(REVOKED, json!({}), sub_id)).await.unwrap();
    assert_eq!((signal.scope, signal.disposition), (Scope::AllSessions, Disposition::Act));
    assert_eq!(signal.subject, Subject::Email("bar@example.com".into()));
}

#[tokio::test]
async fn a_critical_member_that_is_not_understood_discards_the_event() {
    let stream = Stream::new("critical_subject_members = [\"tenant\", \"planet\"]");
    let user = json!({"format": "email", "email": "bar@example.com"});
    let opaque = json!({"format": "opaque", "id": "x"});
    let odd = json!({"format": "star", "name": "x"});
    for (sub_id, discarded) in [
        (json!({"format": "complex", "user": user, "planet": opaque}), true),
        (json!({"format": "complex", "user": user, "tenant": odd}), true),
        (json!({"format": "complex", "user": user, "tenant": opaque}), false),
        (json!({"format": "complex", "user": user, "moon": opaque}), false),
    ] {
        let signal = stream.send_claims(&about(REVOKED, json!({}), sub_id.clone())).await.unwrap();
        assert_eq!(
            disposition(&signal.disposition).starts_with("ignore discarded_critical_subject"),
            discarded,
            "{sub_id}"
        );
    }
}

#[tokio::test]
async fn identifiers_are_read_as_the_settings_say() {
    let iss_sub = json!({"format": "iss_sub", "iss": ISSUER, "sub": "Jane.Smith@example.com"});
    let opaque = json!({"format": "opaque", "id": "npryem6qbfdcxji356uo9tc33o"});
    for (more, sub_id, subject) in [
        ("subjects = { iss_sub = \"email\" }", &iss_sub, "email:jane.smith@example.com"),
        (
            "subjects = { iss_sub = \"username\" }",
            &iss_sub,
            "username:Jane.Smith@example.com",
        ),
        (
            "subjects = { opaque = \"account_id\" }",
            &opaque,
            "opaque:npryem6qbfdcxji356uo9tc33o",
        ),
        (
            "subjects = { opaque = \"employee_id\" }",
            &opaque,
            "employee_id:npryem6qbfdcxji356uo9tc33o",
        ),
    ] {
        let stream = Stream::new(more);
        let signal = stream.send_claims(&about(REVOKED, json!({}), sub_id.clone())).await.unwrap();
        assert_eq!(
            (signal.subject.to_string().as_str(), &signal.disposition),
            (subject, &Disposition::Act),
            "{more}"
        );
    }
}

#[tokio::test]
async fn a_token_a_week_old_is_taken_but_does_not_go_first() {
    let stream = Stream::new("");
    let week = 7 * 86_400;
    let fresh = stream.send_claims(&with("iat", json!(NOW - week))).await.unwrap();
    let late = stream.send_claims(&with("iat", json!(NOW - week - 1))).await.unwrap();
    assert_eq!((fresh.priority, late.priority), (Priority::URGENT, Priority::ROUTINE));
    assert_eq!(late.disposition, Disposition::Act);
    assert!(late.note.unwrap().contains("more than a week late"));
}

#[tokio::test]
async fn one_of_several_audiences_on_either_side_is_enough() {
    let stream = Stream::new("");
    assert!(
        stream
            .send_claims(&with("aud", json!(["https://other.example", AUDIENCE])))
            .await
            .is_ok()
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, T1.jwks().unwrap().to_string()).unwrap();
    let text = format!("issuer = {ISSUER:?}\naudience = [\"a\", {AUDIENCE:?}]\njwks_file = {file:?}\n");
    let push = super::build(&text, &stream.clock).unwrap();
    assert!(
        push.receive(&super::post(&T1.sign(&claims()).unwrap()), &revoked::sources::NoState)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn white_space_around_the_token_and_parameters_of_the_media_type_are_taken() {
    let stream = Stream::new("");
    let token = format!("\r\n {}\n", T1.sign(&claims()).unwrap());
    let mut request = super::post(&token);
    let media = "Application/SecEvent+JWT; charset=utf-8".parse().unwrap();
    request.headers_mut().insert("content-type", media);
    assert!(stream.push.receive(&request, &revoked::sources::NoState).await.is_ok());
}

#[tokio::test]
async fn what_is_stored_is_answered_with_202_and_nothing_more() {
    let stream = Stream::new("");
    let case = CaseId(7);
    for receipt in [
        SignalReceipt::Accepted { case, held: false },
        SignalReceipt::Accepted { case, held: true },
        SignalReceipt::Ignored { why: "x".into() },
        SignalReceipt::Repeated { case: Some(case) },
    ] {
        let receipt = Receipt {
            signals: vec![receipt],
            hold: None,
        };
        let response = stream.push.accepted(&receipt);
        assert_eq!((response.status().as_u16(), response.body().len()), (202, 0), "{receipt:?}");
    }
}
