//! What is said, and above all what is not.

use super::*;
use crate::model::GrantKind;

const AT: Timestamp = Timestamp::from_ms(1_764_000_000_750);

fn receiver() -> Receiver {
    Receiver {
        name: "idp".to_owned(),
        issuer: "https://revoked.example.org".to_owned(),
        audience: "https://idp.example.org/ssf".to_owned(),
        events: [EventType::SessionRevoked, EventType::CredentialChange].into(),
        subject: SubjectForm::AsReceived,
        sources: Vec::new(),
        reasons: Vec::new(),
        single_sessions: false,
    }
}

fn containment(scope: Scope) -> Containment {
    Containment {
        scope,
        end: [GrantKind::Session, GrantKind::AccessToken].into(),
        block: true,
        ..Containment::nothing()
    }
}

fn at(target: &str, verdict: Verdict) -> TargetProof {
    TargetProof {
        target: target.to_owned(),
        containment: containment(Scope::Everything),
        verdict,
        seen_at: Some(AT),
        password_reset_at: None,
    }
}

fn proof(subject: &str, targets: Vec<TargetProof>) -> Proof {
    Proof {
        case: CaseId(17),
        reason: Reason::Compromised,
        scope: Scope::Everything,
        said: vec![("okta".to_owned(), subject.parse().unwrap())],
        sources: vec!["okta".to_owned()],
        known: Vec::new(),
        by_operator: false,
        targets,
    }
}

fn alice() -> Proof {
    proof("alice@example.org", vec![at("chat", Verdict::Contained)])
}

fn claims(statement: &Statement) -> Value {
    serde_json::from_str(&statement.text(&receiver(), "jti-1", AT)).unwrap()
}

#[test]
fn a_contained_case_is_told_as_one_session_revoked_and_nothing_more() {
    let said = statements(&alice(), &receiver()).unwrap();
    assert_eq!(said.len(), 1);
    let expected = json!({
        "iss": "https://revoked.example.org",
        "aud": "https://idp.example.org/ssf",
        "jti": "jti-1",
        "iat": 1_764_000_000,
        "txn": "revoked:17",
        "sub_id": { "format": "email", "email": "alice@example.org" },
        "events": {
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {
                "event_timestamp": 1_764_000_000,
                "initiating_entity": "policy",
                "reason_admin": { "en": "case 17 of revoked: a second look at chat found that no session is left" },
            },
        },
    });
    assert_eq!(claims(&said[0]), expected);
}

#[test]
fn no_other_verdict_is_told_not_even_beside_a_contained_target() {
    let others = [
        Verdict::Unverified {
            kinds: [(GrantKind::Session, "no list".to_owned())].into(),
            open: None,
        },
        Verdict::Residual {
            until: AT,
            what: "a cache".to_owned(),
        },
        Verdict::Failed {
            why: "still there".to_owned(),
        },
    ];
    for verdict in others {
        let beside = proof(
            "alice@example.org",
            vec![at("chat", Verdict::Contained), at("mail", verdict.clone())],
        );
        assert_eq!(statements(&beside, &receiver()), Err(NotSent::NotProved), "{verdict}");
        let alone = proof("alice@example.org", vec![at("mail", verdict)]);
        assert_eq!(statements(&alone, &receiver()), Err(NotSent::NotProved));
    }
    let nobody = Verdict::NoPrincipal {
        what: "nobody".to_owned(),
    };
    assert_eq!(
        statements(&proof("alice@example.org", vec![at("chat", nobody.clone())]), &receiver()),
        Err(NotSent::NotProved)
    );
    let beside = proof("alice@example.org", vec![at("chat", Verdict::Contained), at("mail", nobody)]);
    let said = statements(&beside, &receiver()).unwrap();
    let why = said[0].claims["reason_admin"]["en"].as_str().unwrap();
    assert!(why.contains("chat") && !why.contains("mail"), "{why}");
}

#[test]
fn a_case_of_tokens_alone_and_a_look_of_unknown_time_say_nothing_of_sessions() {
    let mut tokens = alice();
    tokens.targets[0].containment.end = [GrantKind::AccessToken].into();
    assert_eq!(statements(&tokens, &receiver()), Err(NotSent::NotProved));
    let mut one_token = alice();
    one_token.scope = Scope::AccessToken("t1".to_owned());
    one_token.targets[0].containment = containment(Scope::AccessToken("t1".to_owned()));
    assert_eq!(statements(&one_token, &receiver()), Err(NotSent::NotProved));
    let mut unseen = alice();
    unseen.targets[0].seen_at = None;
    assert_eq!(statements(&unseen, &receiver()), Err(NotSent::NotProved));
}

#[test]
fn a_single_session_is_told_only_to_whom_reads_complex_subjects() {
    let mut one = alice();
    one.scope = Scope::Session("s1".to_owned());
    one.targets[0].containment = containment(one.scope.clone());
    assert_eq!(statements(&one, &receiver()), Err(NotSent::NoSubjectIdentifier));
    let reads = Receiver {
        single_sessions: true,
        ..receiver()
    };
    let said = statements(&one, &reads).unwrap();
    assert_eq!(
        said[0].sub_id,
        json!({
            "format": "complex",
            "user": { "format": "email", "email": "alice@example.org" },
            "session": { "format": "opaque", "id": "s1" },
        })
    );
}

#[test]
fn a_changed_password_is_a_credential_change_and_ended_tokens_are_not() {
    let mut reset = alice();
    reset.targets[0].containment.reset_password = crate::model::PasswordReset::Own;
    assert_eq!(statements(&reset, &receiver()).unwrap().len(), 1, "nothing was reset");
    reset.targets[0].password_reset_at = Some(Timestamp::from_ms(1_763_999_990_000));
    let said = statements(&reset, &receiver()).unwrap();
    assert_eq!(said[1].event, EventType::CredentialChange);
    let event = &claims(&said[1])["events"][EventType::CredentialChange.uri()];
    assert_eq!(event["credential_type"], "password");
    assert_eq!(event["change_type"], "update");
    assert_eq!(event["event_timestamp"], 1_763_999_990);
    let only = Receiver {
        events: [EventType::CredentialChange].into(),
        ..receiver()
    };
    assert_eq!(statements(&reset, &only).unwrap().len(), 1);
}

#[test]
fn nothing_is_sent_under_a_name_that_the_receiver_cannot_read() {
    let with = |form, subject: &str| {
        let receiver = Receiver {
            subject: form,
            ..receiver()
        };
        statements(&proof(subject, vec![at("chat", Verdict::Contained)]), &receiver).map(|said| said[0].sub_id.clone())
    };
    let email = json!({ "format": "email", "email": "a@example.org" });
    let iss_sub = json!({ "format": "iss_sub", "iss": "https://idp", "sub": "7" });
    let both = "aliases:iss_sub:https://idp#7\nemail:a@example.org\nusername:a";
    assert_eq!(with(SubjectForm::Email, both), Ok(email.clone()));
    assert_eq!(with(SubjectForm::IssSub, both), Ok(iss_sub.clone()));
    assert_eq!(
        with(SubjectForm::AsReceived, both),
        Ok(json!({ "format": "aliases", "identifiers": [iss_sub, email] }))
    );
    assert_eq!(
        with(SubjectForm::AsReceived, "account:a@example.org"),
        Ok(json!({ "format": "account", "uri": "acct:a@example.org" }))
    );
    for (form, subject) in [
        (SubjectForm::Email, "iss_sub:https://idp#7"),
        (SubjectForm::Email, "account:a@example.org"),
        (SubjectForm::IssSub, "email:a@example.org"),
        (SubjectForm::AsReceived, "username:alice"),
        (SubjectForm::AsReceived, "employee_id:4711"),
        (SubjectForm::AsReceived, "unknown:catalog_item#ab"),
        (SubjectForm::AsReceived, "opaque:npryem6qbfdcxji356uo9tc33o"),
    ] {
        assert_eq!(with(form, subject), Err(NotSent::NoSubjectIdentifier), "{subject}");
    }
    let home = Receiver {
        sources: vec!["okta".to_owned()],
        ..receiver()
    };
    let opaque = proof("opaque:x1", vec![at("chat", Verdict::Contained)]);
    assert!(statements(&opaque, &home).is_ok());
    let mut elsewhere = opaque;
    elsewhere.said[0].0 = "inbox".to_owned();
    assert_eq!(statements(&elsewhere, &home), Err(NotSent::NoSubjectIdentifier));
    let mut erased = alice();
    erased.said.clear();
    assert_eq!(statements(&erased, &receiver()), Err(NotSent::NoSubjectIdentifier));
}

#[test]
fn a_receiver_is_told_the_name_that_its_own_source_used() {
    let mut joined = alice();
    joined.said.push(("hr".to_owned(), "employee_id:4711".parse().unwrap()));
    joined.said.push(("entra".to_owned(), "opaque:e1".parse().unwrap()));
    joined.sources.extend(["hr".to_owned(), "entra".to_owned()]);
    joined.known = vec![
        "iss_sub:https://idp#7".parse().unwrap(),
        "email:other@example.org".parse().unwrap(),
    ];
    let to = |form, sources: &[&str]| {
        let sources = sources.iter().map(ToString::to_string).collect();
        let receiver = Receiver {
            subject: form,
            sources,
            ..receiver()
        };
        statements(&joined, &receiver).map(|said| said[0].sub_id.clone())
    };
    let email = json!({ "format": "email", "email": "alice@example.org" });
    assert_eq!(to(SubjectForm::AsReceived, &["okta"]), Ok(email.clone()));
    assert_eq!(
        to(SubjectForm::AsReceived, &["entra"]),
        Ok(json!({ "format": "opaque", "id": "e1" }))
    );
    assert_eq!(to(SubjectForm::AsReceived, &["hr"]), Err(NotSent::NoSubjectIdentifier));
    assert_eq!(
        to(SubjectForm::AsReceived, &[]),
        Ok(email.clone()),
        "an opaque name goes home only"
    );
    assert_eq!(
        to(SubjectForm::Email, &["hr"]),
        Ok(email),
        "what was reported goes before what is only known"
    );
    assert_eq!(
        to(SubjectForm::IssSub, &["hr"]),
        Ok(json!({ "format": "iss_sub", "iss": "https://idp", "sub": "7" }))
    );
}

#[test]
fn sources_reasons_and_events_choose_what_is_told() {
    let not_meant = |receiver: &Receiver| statements(&alice(), receiver) == Err(NotSent::NotSubscribed);
    assert!(not_meant(&Receiver {
        sources: vec!["entra".to_owned()],
        ..receiver()
    }));
    assert!(!not_meant(&Receiver {
        sources: vec!["entra".to_owned(), "okta".to_owned()],
        ..receiver()
    }));
    assert!(not_meant(&Receiver {
        reasons: vec![Reason::Departed],
        ..receiver()
    }));
    assert!(!not_meant(&Receiver {
        reasons: vec![Reason::Compromised],
        ..receiver()
    }));
}

#[test]
fn who_asked_is_told_by_kind_and_never_by_name() {
    let initiating = |proof: &Proof| {
        let said = statements(proof, &receiver()).unwrap();
        said[0].claims["initiating_entity"].clone()
    };
    let mut case = alice();
    assert_eq!(initiating(&case), "policy");
    case.by_operator = true;
    assert_eq!(initiating(&case), "admin");
    case.by_operator = false;
    case.reason = Reason::Logout;
    assert_eq!(initiating(&case), "user");
    let text = statements(&case, &receiver()).unwrap()[0].text(&receiver(), "j", AT);
    assert!(!text.contains("okta"), "{text}");
    assert_eq!(
        text.matches("alice").count(),
        1,
        "the name stands in the subject alone: {text}"
    );
}

#[test]
fn a_verification_is_about_the_stream_and_echoes_the_state() {
    let solicited = claims(&verification(&receiver(), Some("s")));
    assert_eq!(solicited["sub_id"], json!({ "format": "opaque", "id": "idp" }));
    assert_eq!(
        solicited["events"],
        json!({ EventType::Verification.uri(): { "state": "s" } })
    );
    let unsolicited = claims(&verification(&receiver(), None));
    assert_eq!(unsolicited["events"], json!({ EventType::Verification.uri(): {} }));
}
