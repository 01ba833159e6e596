//! What a daemon and its operators do beside a damage that has nothing to do with it, and what went wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use revoked::clock::Clock;
use revoked::model::{
    Action, Delivery, Evidence, Identity, LEASE_LENGTH, Priority, Reason, Settlement, Signal, SignalReceipt, Verdict,
};
use revoked::store::{
    DepartureFilter, Gathering, ListFilter, Listed, ObservationSummary, SendingOutcome, SlotOffers, Store, TrailFilter,
};

use super::furnished::leaver;
use super::making::connect;
use crate::store::{key, policy, signal};

/// What went wrong.
#[derive(Default)]
pub(super) struct Wrong(pub(super) Vec<String>);

impl Wrong {
    /// Asks, and asks once more where that failed, as a daemon does a moment later and an operator too.
    async fn ask<T, E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        doing: &str,
        asking: impl AsyncFn() -> Result<T, E>,
    ) -> Option<T> {
        if let Ok(value) = asking().await {
            return Some(value);
        }
        match asking().await {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push(format!("{doing}: {:#}", anyhow::Error::from(error)));
                None
            }
        }
    }

    fn say(&mut self, what: &str) {
        self.0.push(what.to_owned());
    }
}

/// What a daemon does with the store before it takes anything in.
pub(super) async fn start(store: &Store, wrong: &mut Wrong) {
    wrong
        .ask("taking leases back", async || store.expire_leases(true).await)
        .await;
    let receivers = vec![crate::store::outbox::receiver()];
    wrong
        .ask("telling the receivers", async || store.set_receivers(receivers.clone()).await)
        .await;
    let channels = vec![crate::store::channel_rules("ops")];
    wrong
        .ask("naming the channels", async || store.set_channels(channels.clone()).await)
        .await;
    wrong
        .ask("ending alerts", async || store.end_alerts("door_closed").await)
        .await;
    wrong.ask("the clock", async || store.check_clock_at_start().await).await;
    wrong.ask("the plans", async || store.planned_departures().await).await;
    let sources = vec!["hr".to_owned(), "scim".to_owned()];
    wrong
        .ask("the sources", async || store.register_sources(sources.clone()).await)
        .await;
    wrong.ask("a cursor", async || store.cursor("hr").await).await;
    for target in ["chat", "mail"] {
        wrong.ask("a lane", async || store.lane_paused(target).await).await;
        wrong.ask("a lane's time", async || store.permit_time(target).await).await;
    }
}

/// The daemon's work about what the damage does not concern.
pub(super) async fn work(store: &Store, clock: &Clock, path: &Path, wrong: &mut Wrong) {
    let mut cases = Vec::new();
    for (source, new) in [
        ("news", signal("news", "zoe@example.org", Reason::Compromised)),
        ("hr", signal("news", "yves@example.org", Reason::Departed)),
        ("hr", leaver("walt", Duration::from_hours(1))),
    ] {
        cases.extend(accept(store, clock, source, new, wrong).await);
    }
    let names = ["email:vera@example.org", "username:vera"].map(|name| name.parse().unwrap());
    let mut known = Delivery::of("scim", Vec::new(), clock.now());
    known.identities.push(Identity::of(names.to_vec()));
    wrong
        .ask("keeping names", async || {
            store.accept(policy(), known.clone(), SlotOffers::default()).await
        })
        .await;
    write_to_inbox(path).await;
    if let Some(rows) = wrong.ask("the inbox", async || store.inbox_new(256).await).await
        && !rows.iter().any(|row| row.subject.contains("yan@"))
    {
        wrong.say("the new row of the inbox was not found");
    }
    clock.advance(Duration::from_hours(9));
    wrong.ask("the clock", async || store.look_at_clock().await).await;
    wrong.ask("promoting", async || store.promote().await).await;
    let settled = settle_all(store, clock, &cases, wrong).await;
    for case in cases {
        if !settled.contains(&case) {
            wrong.say(&format!("the new case {case} was not settled"));
        }
    }
    if let Some(due) = wrong
        .ask("what is to be told", async || store.due_events("idp", 100).await)
        .await
        && !due.iter().any(|event| event.claims.contains("zoe@"))
    {
        wrong.say("the new case is not told");
    }
    wrong
        .ask("the ledger", async || store.retry_ledger(Duration::ZERO).await)
        .await;
    let silent = BTreeMap::from([("hr".to_owned(), Duration::from_mins(1))]);
    wrong
        .ask("silence", async || store.check_silence(BTreeMap::new(), silent.clone()).await)
        .await;
    wrong.ask("leases", async || store.expire_leases(false).await).await;
    wrong.ask("resuming a lane", async || store.resume_lane("mail").await).await;
    wrong.ask("paused targets", async || store.paused_targets().await).await;
    wrong.ask("paused batches", async || store.paused_batches().await).await;
    wrong.ask("batches", async || store.batches(None, 9).await).await;
    tell(store, wrong).await;
}

/// What tells people of alerts.
async fn tell(store: &Store, wrong: &mut Wrong) {
    wrong
        .ask("raising an alert", async || {
            store
                .raise_alert("came_back", "job:7".to_owned(), "a sentence".to_owned())
                .await
        })
        .await;
    wrong
        .ask("what time brings about", async || store.look_at_escalation().await)
        .await;
    let (to, pace) = ([String::new()], (Duration::ZERO, false));
    wrong
        .ask("binding messages", async || {
            store.bind_messages("ops", Gathering::Together, pace, &to).await
        })
        .await;
    let due = wrong
        .ask("what is to be sent", async || store.due_sendings("ops", 100).await)
        .await;
    let told = |sending: &revoked::store::Sending| sending.messages.iter().any(|message| message.thread == "came_back/job:7");
    if due.as_ref().is_some_and(|due| !due.iter().any(told)) {
        wrong.say("the new alert is told to nobody");
    }
    for sending in due.unwrap_or_default() {
        wrong
            .ask("recording what was sent", async || {
                store.record_sending(sending.id, SendingOutcome::Taken).await
            })
            .await;
    }
}

/// The case that a signal led to.
async fn accept(store: &Store, clock: &Clock, source: &str, new: Signal, wrong: &mut Wrong) -> Option<i64> {
    let delivery = Delivery::of(source, vec![new], clock.now());
    let accepted = wrong
        .ask("accepting", async || {
            store.accept(policy(), delivery.clone(), SlotOffers::default()).await
        })
        .await?;
    match &accepted.receipt.signals[0] {
        SignalReceipt::Accepted { case, held: false } => Some(case.0),
        other => {
            wrong.say(&format!("a new signal led to {other:?}"));
            None
        }
    }
}

async fn write_to_inbox(path: &Path) {
    let mut conn = connect(path, true).await;
    sqlx::query("INSERT INTO inbox (subject, reason, requested_by) VALUES ('email:yan@example.org', 'departed', 'ops')")
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
}

/// Claims and settles until nothing is left; what could not be settled comes back when its lease has ended. Answers the cases that were.
async fn settle_all(store: &Store, clock: &Clock, cases: &[i64], wrong: &mut Wrong) -> Vec<i64> {
    let mut settled = Vec::new();
    for _ in 0..5 {
        wrong.ask("looking at the queue", async || store.waiting("chat").await).await;
        let claims = wrong
            .ask("claiming", async || store.reserve("chat", Priority(u8::MAX), 64).await)
            .await;
        let Some(claims) = claims.filter(|claims| !claims.is_empty()) else {
            break;
        };
        // Together, so that the writer decides about groups in which some are damaged and some are not.
        let started = claims
            .iter()
            .map(|claim| store.start(claim, vec![Action::EndAllSessions], ObservationSummary::default()));
        for (claim, started) in claims.iter().zip(join_all(started).await) {
            if cases.contains(&claim.job.case.0) && started.is_err() {
                wrong.say(&format!("starting: {started:?}"));
            }
        }
        let numbers: Vec<i64> = claims.iter().map(|claim| claim.job.case.0).collect();
        let ends = claims.into_iter().map(|claim| {
            let evidence = Evidence {
                after_at: Some(clock.now()),
                principal: Some("u1".to_owned()),
                not_covered: vec!["links that plugins hold".into()],
                ..Evidence::default()
            };
            store.settle(claim, vec![], evidence, Settlement::Done(Verdict::Contained))
        });
        let ends = join_all(ends).await;
        let failed = ends.iter().any(Result::is_err);
        settled.extend(
            numbers
                .iter()
                .zip(&ends)
                .filter(|(_, end)| end.is_ok())
                .map(|(case, _)| *case),
        );
        if failed {
            clock.advance(LEASE_LENGTH + Duration::from_secs(1));
            wrong.ask("leases", async || store.expire_leases(false).await).await;
        }
    }
    settled
}

/// Every list and view, and the verification of the trail.
pub(super) async fn look(store: &Store, wrong: &mut Wrong) {
    let all = ListFilter {
        limit: 100,
        ..ListFilter::default()
    };
    wrong.ask("status", async || store.counts().await).await;
    wrong.ask("observed delays", async || store.observed_delays().await).await;
    wrong.ask("alert list", async || store.alerts(true).await).await;
    wrong.ask("notify list", async || store.channels().await).await;
    wrong.ask("source list", async || store.source_health().await).await;
    let targets = ["mail".to_owned()];
    wrong.ask("target list", async || store.target_states(&targets).await).await;
    wrong.ask("job list", async || store.jobs(&all).await).await;
    wrong.ask("subject unresolved", async || store.unresolved(true).await).await;
    let cases = wrong.ask("case list", async || store.cases(&all).await).await;
    for case in some_of(cases, |case| case.id) {
        wrong.ask("case show", async || store.case_detail(case).await).await;
    }
    let holds = wrong.ask("hold list", async || store.holds(true).await).await;
    for hold in some_of(holds, |hold| hold.id) {
        wrong.ask("hold show", async || store.hold(hold).await).await;
    }
    let planned = DepartureFilter {
        limit: 100,
        ..DepartureFilter::default()
    };
    let departures = wrong.ask("departures list", async || store.departures(&planned).await).await;
    for departure in some_of(departures, |departure| departure.id) {
        wrong.ask("departures show", async || store.departure(departure).await).await;
    }
    wrong.ask("the backlog", async || store.backlog("idp").await).await;
    let first = TrailFilter {
        limit: 1000,
        ..TrailFilter::default()
    };
    wrong.ask("trail show", async || store.trail_search(&first).await).await;
    if let Err(error) = revoked::trail::verify(store, std::slice::from_ref(&key()), &[]).await {
        wrong.say(&format!("trail verify: {error:#}"));
    }
}

/// Some of a list to be shown: of what it shows, and of what it only names.
fn some_of<T>(listed: Option<Listed<T>>, number: impl Fn(&T) -> i64) -> Vec<i64> {
    let listed = listed.unwrap_or_default();
    let shown = listed.rows.iter().map(number);
    let named = listed.unreadable.iter().filter_map(|row| row.row.parse().ok());
    shown.take(2).chain(named.take(2)).collect()
}
