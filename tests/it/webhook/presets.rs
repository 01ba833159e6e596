//! What the presets make of the vendors' payloads: hints never act, and the administrator who did something is never the one it is done to.

use std::path::Path;

use revoked::model::{AlarmKind, Disposition, Priority, Reason};
use revoked::sources::webhook::PRESETS;
use serde_json::{Value, json};

use super::*;

/// The signals of a body under a preset, whoever sent it.
fn under(preset: &str, body: &Value) -> Vec<Signal> {
    delivered(preset, body).signals
}

fn delivered(preset: &str, body: &Value) -> Delivery {
    let endpoint = Endpoint::new(&["a-secret-of-the-usual-length"], &format!("preset = '{preset}'\n"));
    let read = endpoint
        .push
        .read_unproven(&trusted(&body.to_string()))
        .expect("a webhook is read unproven");
    read.unwrap().delivery().unwrap()
}

/// Whether a person is told that a body was not understood.
fn is_strange(preset: &str, body: &Value) -> bool {
    let alarms = delivered(preset, body).alarms;
    alarms.iter().any(|alarm| alarm.kind == AlarmKind::NotUnderstood)
}

fn one(preset: &str, body: &Value) -> (String, Reason, &'static str) {
    let mut signals = under(preset, body);
    assert_eq!(signals.len(), 1);
    let signal = signals.remove(0);
    let disposition = match signal.disposition {
        Disposition::Act => "act",
        Disposition::Hold(_) | Disposition::Stays(_) => "hold",
        Disposition::Ignore(_) => "ignore",
    };
    (signal.subject.to_string(), signal.reason, disposition)
}

#[test]
fn every_preset_can_be_built_and_has_a_place_in_the_docs() {
    let pages = ["docs/sources/webhook.md", "docs/sources/webhook-clouds.md"]
        .map(|page| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap());
    let pages = pages.concat();
    for (preset, _) in PRESETS {
        let (secrets, more): (&[&str], &str) = match *preset {
            "aws-sns" => (&[], "sns = { topics = ['arn:aws:sns:eu-west-1:1:leavers'] }\n"),
            "google-pubsub" | "google-alert-center" => (&[], "token = { audience = 'us', email = 'push@p.example' }\n"),
            "github-secret-scanning" => (&[], ""),
            _ => (&["a-secret-of-the-usual-length"], ""),
        };
        Endpoint::new(secrets, &format!("preset = '{preset}'\n{more}"));
        let named = [format!("`{preset}`"), format!("preset = \"{preset}\"")];
        assert!(named.iter().any(|named| pages.contains(named)), "{preset} is not in the docs");
    }
}

#[test]
fn a_changed_termination_date_at_bamboohr_is_held_and_any_other_change_is_kept() {
    let body = |kind: &str, fields: Value| json!({"type": kind, "timestamp": "2026-01-31T18:42:00+0000", "data": {"companyId": "12345", "employeeId": "67890", "changedFields": fields}});
    let who = || "employee_id:67890".to_owned();
    let date = one("bamboohr", &body("employee.updated", json!(["status", "terminationDate"])));
    assert_eq!(date, (who(), Reason::Departed, "hold"));
    for (kind, fields) in [("employee.updated", json!(["firstName"])), ("employee.deleted", Value::Null)] {
        assert_eq!(one("bamboohr", &body(kind, fields)), (who(), Reason::Noted, "ignore"));
    }
}

#[test]
fn bamboohrs_older_form_brings_several_employees_with_fields_of_theirs() {
    let body = json!({"employees": [
        {"id": "12", "action": "Updated", "timestamp": "2026-01-31T18:42:00+0000", "changedFields": ["Status"],
            "fields": {"Status": {"value": "Inactive"}, "Work Email": {"value": "ann@example.test"}}},
        {"id": "13", "action": "Updated", "timestamp": "2026-01-31T18:42:00", "changedFields": ["First Name"],
            "fields": {"First Name": {"value": "Bo"}}},
        {"id": "14", "action": "Deleted", "timestamp": "2026-01-31T18:42:00Z"},
    ]});
    let signals = under("bamboohr", &body);
    let read: Vec<_> = signals
        .iter()
        .map(|signal| (signal.subject.to_string(), signal.reason))
        .collect();
    assert_eq!(
        read,
        [
            ("aliases:employee_id:12\nemail:ann@example.test".to_owned(), Reason::Departed),
            ("employee_id:13".to_owned(), Reason::Noted),
            ("employee_id:14".to_owned(), Reason::Noted),
        ]
    );
    assert!(matches!(signals[0].disposition, Disposition::Hold(_)));
    assert_eq!(signals[0].note.as_deref(), Some("Updated; Inactive"));
    assert_eq!(signals[0].occurred_at, signals[1].occurred_at);
}

#[tokio::test]
async fn bamboohrs_events_may_come_as_a_form_that_is_signed_as_it_was_sent() {
    let endpoint = Endpoint::new(&["test-private-key"], "preset = 'bamboohr'\n");
    let form = "type=employee.updated&timestamp=2026-01-31T18%3A42%3A00%2B0000&data[companyId]=12345&data%5BemployeeId%5D=67890&data[changedFields][0]=status";
    let request = |signed: &str| {
        let signature = hex_hmac("test-private-key", format!("{signed}{NOW}").as_bytes());
        let mut request = post(
            &[
                ("x-bamboohr-timestamp", &NOW.to_string()),
                ("x-bamboohr-signature", &signature),
            ],
            form.as_bytes(),
        );
        let media = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert("content-type", media);
        request
    };
    let signal = endpoint.signal(&request(form)).await;
    assert_eq!(
        (signal.subject.to_string().as_str(), signal.reason),
        ("employee_id:67890", Reason::Departed)
    );
    // The same fields written in another way are another body.
    assert_eq!(
        endpoint
            .refusal(&request(&form.replace("%5B", "[").replace("%5D", "]")))
            .await
            .0,
        401
    );
}

#[test]
fn hibobs_times_have_no_offset() {
    let body = json!({"companyId": 636, "type": "employee.left", "triggeredBy": "33", "triggeredAt": "2026-01-31T18:42:00.915906",
        "version": "v2", "data": {"employeeId": "3332883854254932743"}});
    let signal = under("hibob", &body).remove(0);
    assert_eq!(signal.occurred_at.unwrap().to_string(), "2026-01-31T18:42:00.000Z");
    assert_eq!(signal.reason, Reason::Departed);
}

#[test]
fn who_left_at_hibob_is_held_and_an_inactivation_is_kept() {
    let body = |kind: &str| json!({"companyId": 636_192, "type": kind, "triggeredAt": "2026-01-31T00:00:00.000Z", "data": {"employeeId": "3332883884017713938"}});
    let who = || "employee_id:3332883884017713938".to_owned();
    for kind in ["employee.left", "employee.access.revoked.immediately"] {
        assert_eq!(one("hibob", &body(kind)), (who(), Reason::Departed, "hold"), "{kind}");
    }
    for kind in ["employee.inactivated", "employee.deleted", "employee.updated"] {
        assert_eq!(one("hibob", &body(kind)), (who(), Reason::Noted, "ignore"), "{kind}");
    }
}

#[test]
fn gustos_termination_is_held_when_it_is_entered_and_when_it_takes_effect() {
    let body = |kind: &str| {
        json!({"event_type": kind, "resource_type": "Company", "resource_id": 7_756_341_741_171_842_i64, "entity_type": "Employee",
            "entity_uuid": "bcfc9744-0ab3-4ef3-ab0d-e728255d659c", "timestamp": 1_671_058_841, "uuid": "03ffbf0c-48a9-4f1c-932a-546413a26ad1"})
    };
    let who = || "employee_id:bcfc9744-0ab3-4ef3-ab0d-e728255d659c".to_owned();
    assert_eq!(
        one("gusto", &body("employee.termination_effective")),
        (who(), Reason::Departed, "hold")
    );
    assert_eq!(one("gusto", &body("employee.terminated")), (who(), Reason::Departed, "hold"));
    assert_eq!(one("gusto", &body("employee.updated")), (who(), Reason::Noted, "ignore"));
    assert_eq!(
        one("gusto", &body("employee.termination_cancelled")),
        (who(), Reason::Reactivated, "act")
    );
    assert_eq!(
        under("gusto", &body("employee.terminated"))[0].key,
        "03ffbf0c-48a9-4f1c-932a-546413a26ad1"
    );
}

#[test]
fn who_was_removed_from_an_organisation_at_github_is_held_and_its_remover_is_not_the_subject() {
    let body = |action: &str| json!({"action": action, "membership": {"user": {"login": "octocat"}}, "organization": {"login": "acme"}, "sender": {"login": "boss"}});
    let removed = one("github", &body("member_removed"));
    assert_eq!(
        removed,
        ("iss_sub:https://github.com#octocat".to_owned(), Reason::Departed, "hold")
    );
    assert_eq!(
        under("github", &body("member_removed"))[0].requested_by.as_deref(),
        Some("boss")
    );
    assert_eq!(one("github", &body("member_added")).2, "ignore");
}

#[test]
fn oktas_events_are_about_their_target_and_several_may_come_together() {
    let event = |kind: &str, result: &str, target: Value| {
        json!({"eventType": kind, "outcome": {"result": result}, "published": "2020-11-16T18:15:12.862Z", "uuid": format!("uuid-{kind}"),
            "actor": {"type": "User", "alternateId": "admin@example.com"}, "target": target})
    };
    let john = || json!([{"id": "00u3m90rxKjGQ0G6L1d6", "type": "User", "alternateId": "john.doe@example.com"}]);
    let app = || json!([{"type": "AppInstance", "alternateId": "App"}, {"type": "User", "alternateId": "john.doe@example.com"}]);
    let body = json!({"eventType": "com.okta.event_hook", "data": {"events": [
        event("user.lifecycle.deactivate", "SUCCESS", john()),
        event("user.lifecycle.suspend", "SUCCESS", john()),
        event("user.session.clear", "SUCCESS", john()),
        event("user.account.report_suspicious_activity_by_enduser", "FAILURE", john()),
        event("security.breached_credential.detected", "FAILURE", Value::Null),
        event("user.account.update_password", "SUCCESS", john()),
        event("user.lifecycle.deactivate", "FAILURE", john()),
        event("user.session.clear", "SUCCESS", app()),
        event("user.session.end", "SUCCESS", Value::Null),
    ]}});
    let signals = under("okta", &body);
    let read: Vec<_> = signals
        .iter()
        .map(|signal| {
            (
                signal.subject.to_string(),
                signal.reason,
                matches!(signal.disposition, Disposition::Act),
            )
        })
        .collect();
    let john = || "email:john.doe@example.com".to_owned();
    assert_eq!(read[0], (john(), Reason::Departed, true));
    assert_eq!(read[1], (john(), Reason::Suspended, true));
    assert_eq!(read[2], (john(), Reason::Compromised, true));
    assert_eq!(read[3], (john(), Reason::Compromised, true));
    assert_eq!(read[4], ("email:admin@example.com".to_owned(), Reason::Compromised, true));
    assert_eq!(read[5], (john(), Reason::CredentialChanged, true));
    assert!(
        matches!(signals[6].disposition, Disposition::Ignore(_)),
        "what failed has not happened"
    );
    assert!(
        matches!(signals[7].disposition, Disposition::Hold(_)),
        "a person elsewhere is not passed over"
    );
    assert!(matches!(signals[8].disposition, Disposition::Ignore(_)));
    assert_eq!(
        (signals[0].key.as_str(), signals[2].priority),
        ("uuid-user.lifecycle.deactivate", Priority::URGENT)
    );
}

#[test]
fn keycloaks_deleted_user_has_left_and_a_disabled_one_is_held() {
    let body = |kind: &str, representation: &str| {
        json!({"uid": "1", "time": 1_769_884_920_000_i64, "type": kind, "resourcePath": "users/8a2b", "representation": representation,
            "details": {"username": "alice"}, "authDetails": {"username": "admin"}})
    };
    let who = || "username:alice".to_owned();
    assert_eq!(
        one("p2-keycloak", &body("admin.USER-DELETE", "{}")),
        (who(), Reason::Departed, "act")
    );
    assert_eq!(
        one("p2-keycloak", &body("admin.USER-UPDATE", "{\"enabled\":false}")),
        (who(), Reason::Suspended, "hold")
    );
    assert_eq!(
        one("p2-keycloak", &body("admin.USER-UPDATE", "{\"enabled\":true}")).2,
        "ignore"
    );
}

#[test]
fn auth0s_leaked_password_is_a_risk_and_the_rest_of_its_log_is_dropped() {
    let line = |kind: &str| json!({"log_id": format!("9002-{kind}"), "data": {"date": "2020-07-13T21:05:40.432Z", "type": kind, "user_name": "example@email.com"}});
    let signals = under("auth0", &json!([line("s"), line("pwd_leak"), line("f")]));
    assert_eq!(signals.len(), 1);
    // Its default is a line for each.
    let endpoint = Endpoint::new(&["a secret of the usual length"], "preset = 'auth0'\n");
    let lines = format!("{}\n{}\n{}\n", line("s"), line("pwd_leak"), line("f"));
    let read = endpoint
        .push
        .read_unproven(&trusted(&lines))
        .unwrap()
        .unwrap()
        .delivery()
        .unwrap();
    assert_eq!(
        (read.signals[0].key.as_str(), read.signals.len(), read.alarms.len()),
        ("9002-pwd_leak", 1, 0)
    );
    assert_eq!(
        (signals[0].key.as_str(), signals[0].reason),
        ("9002-pwd_leak", Reason::RiskElevated)
    );
    assert_eq!(signals[0].subject.to_string(), "email:example@email.com");
}

#[test]
fn what_speaks_of_an_ending_and_is_not_understood_is_told() {
    let okta = |kind: &str| json!({"eventType": kind, "uuid": "9", "target": [{"type": "User", "alternateId": "a@b.example"}]});
    let deleted = |change: &str, kind: &str| json!({"value": [{"id": "n", "changeType": change, "resource": "Things/x", "tenantId": "t", "resourceData": {"@odata.type": kind, "id": "x"}}]});
    let kept = |representation: Value| json!({"type": "admin.USER-UPDATE", "representation": representation, "details": {"username": "al"}});
    for (preset, body) in [
        ("okta", json!({"eventType": "com.okta.event_hook", "data": {}})),
        ("okta", json!({"data": {"events": [okta("user.lifecycle.deactivate")]}})),
        ("okta", okta("user.lifecycle.suspend")),
        ("okta", okta("user.lifecycle.retire")),
        ("okta", okta("User.Lifecycle.Deactivate")),
        ("okta", okta("user.session.clear")),
        (
            "bamboohr",
            json!({"type": "employee.terminated", "data": {"employeeId": "12"}}),
        ),
        ("bamboohr", json!({"employees": [{"id": "1", "action": "Terminated"}]})),
        ("hibob", json!({"type": "employee.terminated"})),
        ("hibob", json!({"type": "employee.terminated", "data": {"employeeId": "12"}})),
        (
            "gusto",
            json!({"event_type": "employee.dismissed", "entity_type": "Employee", "entity_uuid": "e", "uuid": "u"}),
        ),
        (
            "gusto",
            json!({"event_type": "contractor.terminated", "entity_type": "Contractor", "entity_uuid": "e", "uuid": "u"}),
        ),
        ("merge", json!({"hook": {"event": "employee.terminated"}, "data": {}})),
        (
            "merge",
            json!({"hook": {"event": "Employee.removed"}, "data": {"work_email": "a@b.example"}}),
        ),
        (
            "merge",
            json!({"hook": {"event": "Employee.changed"}, "data": {"employment_status": "TERMINATED"}}),
        ),
        ("deel", json!({"data": {"meta": {"event_type": "contract.terminated.v2"}}})),
        ("microsoft-graph", deleted("purged", "#microsoft.graph.user")),
        ("microsoft-graph", deleted("deleted", "microsoft.graph.user")),
        (
            "microsoft-graph",
            json!({"value": [{"id": "n", "changeType": "deleted", "resource": "x"}]}),
        ),
        (
            "azure-event-grid",
            json!([{"id": "1", "eventType": "revoked.request.v2", "data": {}}]),
        ),
        (
            "azure-event-grid",
            json!({"id": "1", "type": "Revoked.Request.V1", "data": {}}),
        ),
        ("p2-keycloak", kept(json!({"enabled": "no"}))),
        ("p2-keycloak", kept(json!("{\"enabled\" : false, \"enabled\" : true}"))),
        (
            "p2-keycloak",
            json!({"type": "access.DELETE_ACCOUNT", "details": {"username": "al"}}),
        ),
    ] {
        assert!(is_strange(preset, &body), "{preset} passes over {body}");
    }
}

#[test]
fn the_ordinary_traffic_of_a_vendor_is_silent() {
    let okta =
        |kind: &str, result: &str| json!({"data": {"events": [{"eventType": kind, "uuid": "9", "outcome": {"result": result}}]}});
    let graph = |change: &str, kind: &str| json!({"value": [{"id": "n", "changeType": change, "resource": "x", "tenantId": "t", "resourceData": {"@odata.type": kind, "id": "x"}}]});
    let keycloak =
        |kind: &str, representation: Value| json!({"type": kind, "representation": representation, "details": {"username": "al"}});
    let merge = |status: Value| json!({"hook": {"event": "Employee.changed"}, "data": {"employment_status": status}});
    for (preset, body) in [
        ("okta", okta("user.session.start", "SUCCESS")),
        ("okta", okta("user.session.start", "FAILURE")),
        ("okta", okta("user.session.end", "SUCCESS")),
        ("okta", okta("user.authentication.sso", "SUCCESS")),
        ("okta", okta("group.user_membership.remove", "SUCCESS")),
        ("okta", okta("application.lifecycle.deactivate", "SUCCESS")),
        ("okta", okta("user.lifecycle.create", "SUCCESS")),
        ("okta", okta("user.lifecycle.deactivate", "FAILURE")),
        ("okta", okta("user.session.clear", "FAILURE")),
        ("bamboohr", json!({"type": "employee.created", "data": {"employeeId": "12"}})),
        (
            "bamboohr",
            json!({"type": "employee.updated", "data": {"employeeId": "12", "changedFields": ["firstName"]}}),
        ),
        (
            "bamboohr",
            json!({"employees": [{"id": "1", "action": "Updated", "changedFields": ["First Name"]}]}),
        ),
        ("hibob", json!({"type": "employee.updated", "data": {"employeeId": "12"}})),
        ("hibob", json!({"type": "employee.joined", "data": {"employeeId": "12"}})),
        ("hibob", json!({"type": "table.entry.updated", "data": {"employeeId": "12"}})),
        ("hibob", json!({"type": "timeoff.request.created", "employee": {"id": "12"}})),
        (
            "gusto",
            json!({"event_type": "employee.onboarded", "entity_type": "Employee", "entity_uuid": "e", "uuid": "u"}),
        ),
        (
            "gusto",
            json!({"event_type": "payroll.processed", "entity_type": "Payroll", "entity_uuid": "e", "uuid": "u"}),
        ),
        ("merge", merge(json!("ACTIVE"))),
        ("merge", merge(json!("Pending"))),
        ("merge", merge(Value::Null)),
        ("merge", json!({"hook": {"event": "TimeOff.changed"}, "data": {}})),
        ("deel", json!({"data": {"meta": {"event_type": "contract.created"}}})),
        ("github", json!({"action": "member_added", "sender": {}})),
        ("github", json!({"ref": "refs/heads/main", "sender": {}})),
        ("microsoft-graph", graph("updated", "#Microsoft.Graph.User")),
        ("microsoft-graph", graph("Created", "#Microsoft.Graph.User")),
        ("microsoft-graph", graph("deleted", "#Microsoft.Graph.Group")),
        (
            "azure-event-grid",
            json!([{"id": "1", "eventType": "Microsoft.Storage.BlobDeleted", "data": {}}]),
        ),
        ("p2-keycloak", keycloak("access.LOGIN", Value::Null)),
        ("p2-keycloak", keycloak("admin.USER-UPDATE", Value::Null)),
        ("p2-keycloak", keycloak("admin.USER-UPDATE", json!("{\"enabled\" : true}"))),
        ("p2-keycloak", keycloak("admin.USER-UPDATE", json!({"firstName": "Al"}))),
        ("pagerduty", json!({"event": {"event_type": "incident.triggered"}})),
    ] {
        assert!(!is_strange(preset, &body), "{preset} alerts about {body}");
        assert!(
            under(preset, &body)
                .iter()
                .all(|signal| matches!(signal.disposition, Disposition::Ignore(_))),
            "{preset} {body}"
        );
    }
}

#[test]
fn a_plain_variant_of_a_vendors_form_is_understood() {
    let who = |word: &str| word.to_owned();
    let okta = json!({"eventType": "user.lifecycle.deactivate", "outcome": {"result": "SUCCESS"}, "target": [{"type": "User", "alternateId": "a@b.example"}]});
    assert_eq!(one("okta", &okta), (who("email:a@b.example"), Reason::Departed, "act"));
    let merge =
        json!({"hook": {"event": "employee.changed"}, "data": {"employment_status": "inactive", "work_email": "a@b.example"}});
    assert_eq!(one("merge", &merge), (who("email:a@b.example"), Reason::Departed, "hold"));
    for (change, resource, data) in [
        (
            "Deleted",
            "Users/x",
            json!({"@odata.type": "#Microsoft.Graph.User", "id": "x"}),
        ),
        (
            "deleted",
            "Users/x",
            json!({"@odata.type": "#Microsoft.Graph.user", "id": "x"}),
        ),
        ("deleted", "users/x", json!({"id": "x"})),
    ] {
        let body =
            json!({"value": [{"id": "n", "changeType": change, "resource": resource, "tenantId": "t", "resourceData": data}]});
        let subject = who("iss_sub:https://sts.windows.net/t/#x");
        assert_eq!(one("microsoft-graph", &body), (subject, Reason::Departed, "hold"), "{body}");
    }
    for representation in [
        json!("{\"enabled\" : false}"),
        json!({"enabled": false}),
        json!("{\n  \"enabled\":\tfalse\n}"),
    ] {
        let body = json!({"type": "admin.USER-UPDATE", "representation": representation, "details": {"username": "al"}});
        assert_eq!(
            one("p2-keycloak", &body),
            (who("username:al"), Reason::Suspended, "hold"),
            "{body}"
        );
    }
    let github = json!({"action": "member_removed", "organization": {}, "sender": {}});
    assert_eq!(one("github", &github).2, "hold");
}
