//! A store with rows in every table, and jobs in every state.

use std::path::Path;
use std::time::Duration;

use revoked::model::{Action, Actor, Departure, DepartureStep, Evidence, Leaves, Reason, Settlement, Signal, Verdict, When};
use revoked::store::ObservationSummary;
use sqlx::Connection as _;

use super::making::connect;
use crate::store::{NOW, Place, place, signal};

/// A store with rows in every table.
pub(super) async fn furnished() -> Place {
    let place = place().await;
    let store = &place.store;
    let delay = revoked::store::CanaryDelay {
        kind: revoked::model::GrantKind::Session,
        delay: Some(Duration::from_millis(9)),
    };
    store
        .keep_canary("chat", Some("6.7.0".to_owned()), Duration::from_secs(30), vec![delay])
        .await
        .unwrap();
    let list = ["username:ceo".to_owned()].into();
    store.keep_group_list("executives".to_owned(), list, [7; 32]).await.unwrap();
    store.set_receivers(vec![crate::store::outbox::receiver()]).await.unwrap();
    let ends = [
        ("alice", Some(Settlement::Done(Verdict::Contained))),
        (
            "dave",
            Some(Settlement::GiveUp {
                error: "refused".to_owned(),
            }),
        ),
        (
            "erin",
            Some(Settlement::Hold {
                why: "the last administrator".to_owned(),
                held_for: None,
            }),
        ),
        (
            "gina",
            Some(Settlement::Done(Verdict::NoPrincipal {
                what: "nobody".to_owned(),
            })),
        ),
        (
            "hugo",
            Some(Settlement::Retry {
                due: NOW.plus(Duration::from_hours(1)),
                error: "busy".to_owned(),
            }),
        ),
        ("frank", None),
    ];
    for (name, end) in ends {
        let person = format!("{name}@example.org");
        place.accept(vec![signal(name, &person, Reason::Departed)]).await;
        let claim = place.claim().await;
        let started = store
            .start(&claim, vec![Action::EndAllSessions], ObservationSummary::default())
            .await
            .unwrap();
        let Some(end) = end else { continue };
        let finished = started.iter().map(|action| revoked::model::Finished {
            id: action.id,
            outcome: revoked::model::ActionOutcome::Done,
            requests: vec!["req".to_owned()],
            at: NOW,
        });
        let evidence = Evidence {
            after_at: Some(NOW),
            principal: (name != "gina").then(|| "u1".to_owned()),
            not_covered: vec!["links that plugins hold".into()],
            ..Evidence::default()
        };
        store.settle(claim, finished.collect(), evidence, end).await.unwrap();
    }
    place.accept(vec![signal("bob", "bob@example.org", Reason::Departed)]).await;
    place.accept(vec![leaver("carol", Duration::from_hours(8))]).await;
    place.accept(vec![leaver("ines", Duration::from_hours(800))]).await;
    store.pause_lane("mail", "its token is refused").await.unwrap();
    let by = Actor::operator("ann", Some(1000));
    store.pause_target("mail", by, "an upgrade".to_owned()).await.unwrap();
    store.keep_permit_time("mail", NOW).await.unwrap();
    // As many as make a block full.
    for _ in 0..=revoked_trail::BLOCK {
        store
            .record(revoked_trail::EntryKind::DaemonStarted, serde_json::json!({}))
            .await
            .unwrap();
    }
    store.keep_checkpoint(3, "no note".to_owned(), false).await.unwrap();
    furnish_rows(&place.path).await;
    place
}

/// Rows of the tables that nothing above writes to.
async fn furnish_rows(path: &Path) {
    let mut conn = connect(path, false).await;
    for sql in [
        "INSERT INTO batch (source, name, signals, refused, received_at) VALUES ('hr', 'file', 1, 0, 1764000000000)",
        "INSERT INTO cursor (source, cursor, at) VALUES ('hr', 'c', 1764000000000)",
        "INSERT INTO inbox (subject, reason, requested_by, note) VALUES ('email:xeno@example.org', 'departed', 'ops', 'n')",
        "INSERT INTO memory (source, drawer, key, look_up, about, body, changed_at) \
         VALUES ('scim', 'people', '1', 'xeno', 'email:xeno@example.org', '{}', 1764000000000)",
        "INSERT INTO identity (person, name, source, since, seen_at) VALUES (1, 'email:alice@example.org', 'scim', 1764000000000, 1764000000000)",
        "INSERT INTO identity (person, name, source, since, seen_at) VALUES (1, 'username:alice', 'scim', 1764000000000, 1764000000000)",
        "INSERT INTO alias (name, ref) SELECT 'username:alice', ref FROM person LIMIT 1",
        "INSERT INTO source_refusal (source, code, times, last_at) VALUES ('hr', 'unreadable', 2, 1764000000000)",
        "INSERT INTO case_note (case_id, note, written_by, written_at) VALUES (1, 'n', 'ops', 1764000000000)",
        "INSERT INTO api_token (hash, name, role, owner, made_at, expires_at, used_at, ended_at, ended_by) \
         VALUES (zeroblob(32), 'ci', 'viewer', 'operator:ops(1)', 1764000000000, 1764000000000, 1764000000000, 1764000000000, 'operator:ops(1)')",
        "INSERT INTO sign_in_link (hash, operator, role, made_at, expires_at) \
         VALUES (zeroblob(32), 'operator:ops(1)', 'viewer', 1764000000000, 1764000000000)",
        "INSERT INTO page_session (hash, operator, role, began_at, seen_at, ended_at, ends_at) \
         VALUES (zeroblob(32), 'operator:ops(1)', 'viewer', 1764000000000, 1764000000000, 1764000000000, 1764000000000)",
        "INSERT INTO sign_in_begun (state_hash, next, expires_at) VALUES (zeroblob(32), '/cases/7', 1764000000000)",
        "INSERT INTO asked (question, asked_by, asked_at, answer, answered_at) VALUES ('{}', 'ops', 1764000000000, '[]', 1764000000000)",
        "INSERT INTO reactivation (case_id, source, at) VALUES (1, 'scim', 1764000000000)",
        "INSERT INTO departure_change (departure, case_id, subject_ref, leaves, fire_at, acts_at) \
         SELECT id, 1, subject_ref, leaves, fire_at, acts_at FROM departure LIMIT 1",
        "INSERT OR REPLACE INTO approval_rule (one, two_above, two_for_protected, shared_uid) VALUES (1, 10, 1, 999)",
        "INSERT INTO hold_approval (set_hash, holds, except_cases, by, note, at, state, ended_at) \
         VALUES ('00', '[1]', '[]', 'operator:ops(1)', 'n', 1764000000000, 'void', 1764000000000)",
        "INSERT INTO notify_channel (name, carrier, kinds, urgent_only, after_ms, repeats, wait_ms, tells_care, tells_over, tells_each, ok_at, \
                                     failing_since, error) \
         VALUES ('ops', 'webhook', '|hold|came_back|', 0, 0, 1, 0, 1, 1, 0, 1764000000000, 1764000000000, 'busy')",
        "INSERT INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at) \
         VALUES ('ops', 1, 'hold/hold:1', 'raised', 1, 1764000000000, 1764000000000)",
        "INSERT INTO notify_message (channel, alert_id, thread, what, urgent, due, created_at, state, bundle) \
         VALUES ('ops', 1, 'hold/hold:1', 'raised', 1, 1764000000000, 1764000000000, 'bound', 2)",
        "INSERT INTO notify_delivery (uid, channel, recipient, bundle, urgent, attempts, due, error, created_at) \
         VALUES ('msg_1', 'ops', '', 2, 1, 1, 1764000000000, 'busy', 1764000000000)",
        "INSERT INTO batch_pause (set_key, at, by, note) VALUES ('00000000000000ff:1764000000000', 1764000000000, 'anna', 'wait')",
        "INSERT INTO paused_case (case_id, set_key) \
         SELECT max(id), '00000000000000ff:1764000000000' FROM cases WHERE state = 'closed'",
        "INSERT INTO sealed (digest, box, since) VALUES ('sha256:00', x'00', 1764000000000)",
        "INSERT INTO trail_mention (block, jobs, subjects) VALUES (0, x'00000001', x'00000001')",
        "INSERT OR IGNORE INTO employment (source, employee, employment, subject, state, changed_at) \
         VALUES ('hr', '9', '1', 'email:nora@example.org', 'stands', 1764000000000)",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}

pub(super) fn leaver(name: &str, after: Duration) -> Signal {
    let mut signal = signal(name, &format!("{name}@example.org"), Reason::Departed);
    let fire_at = NOW.plus(after);
    signal.when = When::Departure(Departure {
        employee: name.to_owned(),
        employment: "1".to_owned(),
        step: DepartureStep::Leave {
            leaves: Leaves::Instant { at: fire_at },
            fire_at,
        },
    });
    signal
}
