//! Every recipe for a webhook's sender is run with two items, as its page has it: each item becomes a signal with a name of its own, and the
//! same item again has the same name.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use revoked::clock::Clock;
use revoked::model::{Delivery, Signal, Timestamp};
use revoked::settings::Settings;
use revoked::sources::{KINDS, Push, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::blocks;

/// 2026-01-31T18:42:00Z
const NOW: i64 = 1_769_884_920;
const PAGES: [&str; 3] = [
    "docs/sources/webhook.md",
    "docs/sources/webhook-clouds.md",
    "docs/sources/webhook-mapping.md",
];

/// A recipe, and the source that it builds.
struct Recipe {
    name: String,
    push: Arc<dyn Push>,
    _folder: TempDir,
}

/// The recipes of the pages, with secrets of their own.
fn recipes() -> Vec<Recipe> {
    let found = blocks().into_iter();
    let found = found.filter(|block| block.language == "toml" && PAGES.contains(&block.page.as_str()));
    found
        .filter_map(|block| {
            let mut config: toml::Table = block.text.parse().unwrap();
            let sources = config.remove("source")?.as_array().cloned().unwrap();
            assert_eq!(sources.len(), 1, "{}: {}", block.page, block.text);
            let mut table = sources.into_iter().next().unwrap().as_table().cloned().unwrap();
            let name = table.remove("name").unwrap().as_str().unwrap().to_owned();
            assert_eq!(table.remove("kind"), Some("webhook".into()));
            let folder = tempfile::tempdir().unwrap();
            if table.contains_key("secrets") {
                let path = folder.path().join("secret");
                let standard = !table.contains_key("verify") && !table.contains_key("preset");
                let secret = if standard {
                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
                } else {
                    "a-secret-of-the-usual-length"
                };
                std::fs::write(&path, secret).unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
                let source = toml::Table::from_iter([("file".to_owned(), path.to_str().unwrap().into())]);
                table.insert("secrets".to_owned(), vec![toml::Value::Table(source)].into());
            }
            Some(Recipe {
                push: build(&name, &table.to_string()),
                name,
                _folder: folder,
            })
        })
        .collect()
}

fn build(name: &str, text: &str) -> Arc<dyn Push> {
    let kind = KINDS.iter().find(|kind| kind.name == "webhook").unwrap();
    let settings = Settings {
        name,
        table: toml::de::DeTable::parse(text).unwrap(),
    };
    let built = (kind.build)(&settings, &Clock::fixed(Timestamp::from_seconds(NOW)));
    match built.unwrap_or_else(|complaints| panic!("{name}: {complaints:?} in\n{text}")) {
        Source::Push(push) => push,
        _ => panic!("a webhook is pushed"),
    }
}

impl Recipe {
    /// What is stored of a body, whoever sent it.
    fn read(&self, body: &str) -> Delivery {
        let media = if body.starts_with(['{', '[']) {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        let request = Request::post("/signals/x").header("content-type", media);
        let read = self
            .push
            .read_unproven(&request.body(Bytes::from(body.to_owned())).unwrap())
            .unwrap();
        let delivery = read
            .unwrap_or_else(|why| panic!("{}: {why}\n{body}", self.name))
            .delivery()
            .unwrap();
        assert_eq!(delivery.refused, [], "{}: {body}", self.name);
        delivery
    }
}

/// How a sender puts items together.
enum Sent {
    /// One in each request.
    Each(fn(&str) -> Value),
    /// Several in one, as this makes them.
    Together(fn(&str) -> Value, fn(&[Value]) -> String),
    /// One in each request, as this writes it.
    Written(fn(&str) -> String),
}

/// What the senders of the recipes send about somebody: the local part of an address.
const SENDERS: &[(&str, Sent)] = &[
    ("soar", Sent::Each(ours)),
    ("siem", Sent::Together(ours, list)),
    (
        "splunk",
        Sent::Each(|who| {
            json!({"sid": "scheduler__admin__search__W2_at_1427942640_178", "search_name": "Impossible travel", "owner": "admin", "app": "search",
                "results_link": "https://splunk.example/x", "result": {"user": format!("{who}@example.test"), "src": "192.0.2.1"}})
        }),
    ),
    (
        "pagerduty",
        Sent::Each(|who| {
            json!({"event": {"id": format!("01{who}"), "event_type": "incident.triggered", "occurred_at": "2026-01-31T18:40:00Z",
                "data": {"title": format!("Account takeover: {who}@example.test"), "service": {"id": "PF9KMXH"}}}})
        }),
    ),
    (
        "bamboohr",
        Sent::Together(
            |who| json!({"id": who, "action": "Updated", "timestamp": "2026-01-31T18:42:00Z", "changedFields": ["Status"], "fields": {"Status": {"value": "Inactive"}}}),
            |items| json!({"employees": items}).to_string(),
        ),
    ),
    (
        "hibob",
        Sent::Each(
            |who| json!({"companyId": 636, "type": "employee.left", "triggeredBy": "33", "triggeredAt": "2026-01-31T18:42:00.915906", "version": "v2", "data": {"employeeId": who}}),
        ),
    ),
    (
        "gusto",
        Sent::Each(
            |who| json!({"uuid": format!("u-{who}"), "event_type": "employee.termination_effective", "entity_type": "Employee", "entity_uuid": who, "timestamp": NOW}),
        ),
    ),
    (
        "deel",
        Sent::Each(
            |who| json!({"data": {"meta": {"event_type": "contract.terminated"}, "resource": [{"id": who}]}, "timestamp": "2026-01-31T18:42:00.789Z"}),
        ),
    ),
    (
        "merge",
        Sent::Each(
            |who| json!({"hook": {"event": "Employee.changed"}, "data": {"work_email": format!("{who}@example.test"), "employment_status": "INACTIVE"}}),
        ),
    ),
    (
        "rippling",
        Sent::Written(|who| format!("event_name=EmployeeDeleted&company_id=1&company_primary_email=boss%40example.test&id={who}")),
    ),
    (
        "github",
        Sent::Each(
            |who| json!({"action": "member_removed", "membership": {"user": {"login": who}}, "organization": {"login": "acme"}, "sender": {"login": "boss"}}),
        ),
    ),
    (
        "okta-hook",
        Sent::Together(
            |who| {
                json!({"eventType": "user.lifecycle.deactivate", "outcome": {"result": "SUCCESS"}, "published": "2026-01-31T18:42:00.862Z",
                    "uuid": format!("u-{who}"), "actor": {"type": "User", "alternateId": "admin@example.test"},
                    "target": [{"type": "User", "alternateId": format!("{who}@example.test")}]})
            },
            |items| json!({"eventType": "com.okta.event_hook", "data": {"events": items}}).to_string(),
        ),
    ),
    (
        "auth0",
        Sent::Together(
            |who| json!({"log_id": format!("9002{who}"), "data": {"date": "2026-01-31T18:42:00.432Z", "type": "pwd_leak", "user_name": format!("{who}@example.test")}}),
            lines,
        ),
    ),
    (
        "onelogin",
        Sent::Together(
            |who| json!({"uuid": format!("u-{who}"), "event_timestamp": "2026-01-31 18:42:00 UTC", "event_type_id": 17, "user_id": who, "user_name": "Ann Ex"}),
            lines,
        ),
    ),
    (
        "keycloak",
        Sent::Each(
            |who| json!({"uid": format!("u-{who}"), "time": NOW * 1000, "type": "admin.USER-DELETE", "details": {"username": who}}),
        ),
    ),
    ("in-house", Sent::Together(ours, list)),
    (
        "edr",
        Sent::Together(
            |who| {
                json!({"id": format!("i-{who}"), "category": "token_theft", "severity": "high", "seen": NOW * 1000, "title": "t",
                    "user": {"email": format!("{who}@example.test")}})
            },
            |items| json!({"alerts": items}).to_string(),
        ),
    ),
    (
        "sns",
        Sent::Each(|who| json!({"Type": "Notification", "MessageId": format!("m-{who}"), "Message": ours(who).to_string()})),
    ),
    (
        "event-grid",
        Sent::Together(
            |who| {
                let data = ours(who)["data"].take();
                json!({"id": format!("e-{who}"), "topic": "/subscriptions/1", "eventType": "revoked.request.v1", "eventTime": "2026-01-31T18:42:00.7Z", "data": data})
            },
            list,
        ),
    ),
    (
        "graph",
        Sent::Together(
            |who| {
                json!({"id": format!("n-{who}"), "subscriptionId": "s1", "clientState": "x", "changeType": "deleted", "tenantId": "t1",
                    "resource": format!("Users/{who}"), "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": who}})
            },
            |items| json!({"value": items}).to_string(),
        ),
    ),
    (
        "pubsub",
        Sent::Each(
            |who| json!({"message": {"data": STANDARD.encode(ours(who).to_string()), "messageId": format!("m-{who}")}, "subscription": "s"}),
        ),
    ),
    (
        "workspace",
        Sent::Each(|who| {
            let alert = json!({"alertId": format!("a-{who}"), "createTime": "2026-01-31T18:42:00Z", "source": "Google identity", "type": "Leaked password",
                "data": {"email": format!("{who}@example.test")}});
            json!({"message": {"data": STANDARD.encode(alert.to_string()), "messageId": format!("m-{who}"), "attributes": {"alertcenter_resource_status": "CREATED"}}})
        }),
    ),
    (
        "scanning",
        Sent::Together(
            |who| json!({"token": format!("acme_{who}"), "type": "acme_token", "url": "https://github.com/a/b", "source": "commit"}),
            list,
        ),
    ),
];

fn ours(who: &str) -> Value {
    json!({"type": "revoked.request.v1", "data": {"subject": {"format": "email", "email": format!("{who}@example.test")}, "reason": "compromised"}})
}

fn list(items: &[Value]) -> String {
    json!(items).to_string()
}

fn lines(items: &[Value]) -> String {
    items.iter().fold(String::new(), |text, item| format!("{text}{item}\n"))
}

/// The items in one body after another, all of them as often as they are sent.
fn bodies(sent: &Sent, people: &[&str]) -> Vec<String> {
    match sent {
        Sent::Each(one) => people.iter().map(|who| one(who).to_string()).collect(),
        Sent::Written(one) => people.iter().map(|who| one(who)).collect(),
        Sent::Together(one, together) => vec![together(&people.iter().map(|who| one(who)).collect::<Vec<_>>())],
    }
}

#[test]
fn every_recipe_takes_two_people_for_two_and_the_same_one_for_one() {
    let recipes = recipes();
    let written: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let known: BTreeSet<&str> = SENDERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        written, known,
        "each recipe of the docs has what its sender sends, and nothing else does"
    );
    for recipe in &recipes {
        let (_, sent) = SENDERS.iter().find(|(name, _)| *name == recipe.name).unwrap();
        let signals: Vec<Signal> = bodies(sent, &["user03", "user04"])
            .iter()
            .flat_map(|body| {
                let delivery = recipe.read(body);
                let strange = delivery
                    .alarms
                    .iter()
                    .any(|alarm| alarm.kind == revoked::model::AlarmKind::NotUnderstood);
                assert!(!strange, "{}: no rule understands {body}", recipe.name);
                delivery.signals
            })
            .collect();
        assert_eq!(signals.len(), 2, "{}: {signals:?}", recipe.name);
        assert_ne!(signals[0].key, signals[1].key, "{}: the second person is lost", recipe.name);
        if !["deel", "rippling"].contains(&recipe.name.as_str()) {
            assert_ne!(signals[0].subject, signals[1].subject, "{}", recipe.name);
        }
        let again: Vec<Signal> = bodies(sent, &["user03", "user04"])
            .iter()
            .flat_map(|body| recipe.read(body).signals)
            .collect();
        for (before, again) in signals.iter().zip(&again) {
            assert_eq!((&before.key, before.digest), (&again.key, again.digest), "{}", recipe.name);
        }
    }
}
