//! Reads the trail on, and makes spans of what has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::span::{Link, Span, SpanId, TraceId};
use crate::model::{Timestamp, error_chain};
use crate::store::{Result, Store, TrailFilter};
use crate::telemetry::table;

/// How often it is looked for new entries.
const EVERY: Duration = Duration::from_millis(500);
/// How many entries are read at once.
const PAGE: u32 = 1000;
/// How many attempts, and how many signals, are remembered at once. For each that comes on top the oldest is told of no more.
const MOST: usize = 10_000;

pub(super) struct Follower {
    store: Store,
    installation: String,
    spans: mpsc::Sender<Span>,
    /// The next entry.
    place: u64,
    /// The attempts that are under way, by their job.
    attempts: BTreeMap<i64, Attempt>,
    /// The signals that were accepted, by their number.
    accepted: BTreeMap<i64, Accepted>,
}

/// An entry, as far as it is told of: nothing of it that is not named here leaves.
#[derive(Deserialize)]
struct Read {
    seq: u64,
    at: i64,
    kind: String,
    case: Option<i64>,
    job: Option<i64>,
    subject_ref: Option<String>,
    #[serde(default)]
    detail: Value,
}

impl Read {
    fn at(&self) -> Timestamp {
        Timestamp::from_ms(self.at)
    }

    fn moment(&self, member: &str) -> Option<Timestamp> {
        self.detail[member].as_i64().map(Timestamp::from_ms)
    }
}

struct Accepted {
    at: Timestamp,
    /// The sender's transaction, or its digest.
    txn: Value,
    txn_sha256: Value,
}

struct Attempt {
    from: Timestamp,
    target: Value,
    number: Value,
    acts: Vec<Act>,
}

struct Act {
    id: i64,
    from: Timestamp,
    what: Value,
    grants: Value,
    /// When it was answered, how, and the target's ids of the requests.
    answer: Option<(Timestamp, Value, Value)>,
}

impl Follower {
    pub(super) async fn begin(store: Store, installation: &str, spans: mpsc::Sender<Span>) -> Result<Self> {
        let place = store.trail_head().await?.size();
        Ok(Self {
            store,
            installation: installation.to_owned(),
            spans,
            place,
            attempts: BTreeMap::new(),
            accepted: BTreeMap::new(),
        })
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let stopped = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
            if let Err(error) = self.read_on().await {
                tracing::warn!(error = %error_chain(&error), "could not read the trail for the traces");
            }
            if stopped {
                return;
            }
        }
    }

    async fn read_on(&mut self) -> Result<()> {
        loop {
            let filter = TrailFilter {
                from: self.place,
                limit: PAGE,
                ..TrailFilter::default()
            };
            let found = self.store.trail_search(&filter).await?;
            let Some(last) = found.rows.last() else {
                // Nothing, or nothing that can be read: then it goes on behind it.
                if !found.unreadable.is_empty() {
                    self.place = self.store.trail_head().await?.size();
                }
                return Ok(());
            };
            self.place = last.seq + 1;
            for row in &found.rows {
                let Ok(entry) = serde_json::from_str::<Read>(&row.body) else {
                    continue;
                };
                if let Err(error) = self.take(&entry).await {
                    tracing::warn!(error = %error_chain(&error), "a case could not be read for its trace");
                }
            }
            if found.rows.len() + found.unreadable.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, entry: &Read) -> Result<()> {
        match (entry.kind.as_str(), entry.case, entry.job) {
            ("signal.accepted", ..) => {
                if let Some(signal) = entry.detail["signal"].as_i64() {
                    let accepted = Accepted {
                        at: entry.at(),
                        txn: entry.detail["txn"].clone(),
                        txn_sha256: entry.detail["txn_sha256"].clone(),
                    };
                    self.accepted.insert(signal, accepted);
                    if self.accepted.len() > MOST {
                        self.accepted.pop_first();
                        table::SPANS.add(["dropped"], 1);
                    }
                }
            }
            ("job.claimed", Some(_), Some(job)) => {
                self.attempt(job, entry).number = entry.detail["attempt"].clone();
            }
            ("action.started", Some(_), Some(job)) => {
                let what = &entry.detail["what"];
                let grants = [&what["kind"], &what["grants"][0]["kind"]]
                    .into_iter()
                    .find(|kind| kind.is_string());
                self.attempt(job, entry).acts.push(Act {
                    id: entry.detail["action"].as_i64().unwrap_or_default(),
                    from: entry.at(),
                    what: what["do"].clone(),
                    grants: grants.cloned().unwrap_or_default(),
                    answer: None,
                });
            }
            ("action.finished", _, Some(job)) => {
                let id = entry.detail["action"].as_i64();
                let acts = self.attempts.get_mut(&job).map(|attempt| &mut attempt.acts);
                if let Some(act) = acts.into_iter().flatten().find(|act| Some(act.id) == id) {
                    let at = entry.moment("answered_at").unwrap_or(entry.at());
                    act.answer = Some((at, entry.detail["outcome"].clone(), entry.detail["requests"].clone()));
                }
            }
            (
                "job.settled" | "job.failed" | "job.retried" | "job.snoozed" | "job.interrupted" | "job.cancelled"
                | "job.lease_expired" | "hold.placed",
                Some(case),
                Some(job),
            ) => {
                if let Some(attempt) = self.attempts.remove(&job) {
                    self.tell_attempt(case, job, &attempt, entry);
                }
            }
            ("case.contained" | "case.cancelled" | "case.called_off", Some(case), None) => self.tell_case(case, entry).await?,
            _ => {}
        }
        Ok(())
    }

    /// The attempt at a job, begun by this entry where it is the first that speaks of it.
    fn attempt(&mut self, job: i64, entry: &Read) -> &mut Attempt {
        if self.attempts.len() >= MOST && !self.attempts.contains_key(&job) {
            self.attempts.pop_first();
            table::SPANS.add(["dropped"], 1);
        }
        self.attempts.entry(job).or_insert_with(|| Attempt {
            from: entry.at(),
            target: entry.detail["target"].clone(),
            number: entry.detail["attempt"].clone(),
            acts: Vec::new(),
        })
    }

    fn tell_attempt(&self, case: i64, job: i64, attempt: &Attempt, end: &Read) {
        let trace = TraceId::of(&self.installation, case);
        let of = |part: &str| trace.span(&format!("{part} {}", end.seq));
        let own = of("attempt");
        let span = |id: SpanId, name, (from, until), attributes, failed| Span {
            trace: trace.clone(),
            id,
            parent: Some(own),
            name,
            from,
            until,
            attributes,
            link: None,
            failed,
        };
        let outcome = end.kind.rsplit('.').next().unwrap_or_default();
        let about = vec![
            ("revoked.case", Value::from(case)),
            ("revoked.job", Value::from(job)),
            ("revoked.target", attempt.target.clone()),
            ("revoked.attempt", attempt.number.clone()),
            ("revoked.outcome", Value::from(outcome)),
            ("revoked.verdict", end.detail["verdict"].clone()),
            ("revoked.subject_ref", end.subject_ref.clone().into()),
        ];
        let failed = matches!(outcome, "failed" | "retried" | "lease_expired");
        self.tell(Span {
            parent: Some(trace.span("case")),
            ..span(own, "attempt", (attempt.from, end.at()), about, failed)
        });
        let seen = first_look(attempt, end);
        for (part, name, times) in before_changes(attempt, end) {
            self.tell(span(of(part), name, times, Vec::new(), false));
        }
        let mut acted = seen;
        for act in &attempt.acts {
            let (until, outcome, requests) = act.answer.clone().unwrap_or((end.at(), "unknown".into(), Value::Null));
            let failed = act.answer.is_none() || outcome == "failed";
            let about = vec![
                ("revoked.target", attempt.target.clone()),
                ("revoked.action", act.what.clone()),
                ("revoked.grant_kind", act.grants.clone()),
                ("revoked.outcome", outcome),
                ("revoked.requests", requests),
            ];
            self.tell(span(of(&format!("act {}", act.id)), "act", (act.from, until), about, failed));
            acted = acted.max(Some(until));
        }
        if let Some(after) = end.moment("after_at")
            && let Some(acted) = acted.filter(|acted| *acted <= after)
        {
            self.tell(span(of("observe again"), "observe again", (acted, after), Vec::new(), false));
        }
    }

    /// Tells of a case that has closed, and of the signals that led to it. One that closes again is told of under the same number: what has reopened it
    /// is one of its attempts.
    async fn tell_case(&mut self, case: i64, end: &Read) -> Result<()> {
        let detail = self.store.case_detail(case).await?;
        let trace = TraceId::of(&self.installation, case);
        let own = trace.span("case");
        let is_first = detail.case.reopened == 0;
        for signal in &detail.signals {
            let Some(accepted) = self.accepted.remove(&signal.id) else {
                continue;
            };
            let link = accepted.txn.as_str().and_then(Link::of_traceparent);
            self.tell(Span {
                trace: trace.clone(),
                id: trace.span(&format!("signal {}", signal.id)),
                parent: Some(own),
                name: "signal",
                from: signal.received_at,
                until: accepted.at,
                attributes: vec![
                    ("revoked.signal", signal.id.into()),
                    ("revoked.source", signal.source.as_str().into()),
                    ("revoked.reason", signal.reason.as_str().into()),
                    ("revoked.decision", signal.decision.as_str().into()),
                    ("revoked.txn", accepted.txn),
                    ("revoked.txn_sha256", accepted.txn_sha256),
                ],
                link,
                failed: false,
            });
        }
        let verdict = &end.detail["verdict"];
        self.tell(Span {
            id: if is_first {
                own
            } else {
                trace.span(&format!("closed again {}", end.seq))
            },
            parent: (!is_first).then_some(own),
            trace,
            name: if is_first { "case" } else { "case closed again" },
            from: if is_first { detail.case.received_at } else { end.at() },
            until: end.at(),
            attributes: vec![
                ("revoked.case", case.into()),
                ("revoked.subject_ref", end.subject_ref.clone().into()),
                ("revoked.reason", detail.case.reason.as_str().into()),
                ("revoked.playbook", detail.case.playbook.as_str().into()),
                ("revoked.verdict", verdict.clone()),
            ],
            link: None,
            failed: verdict == "failed",
        });
        Ok(())
    }

    fn tell(&self, span: Span) {
        if self.spans.try_send(span).is_err() {
            table::SPANS.add(["dropped"], 1);
        }
    }
}

/// When the first look of an attempt was complete. The end of every attempt names the job's: of a later attempt that tells nothing.
fn first_look(attempt: &Attempt, end: &Read) -> Option<Timestamp> {
    end.moment("before_at").filter(|seen| *seen >= attempt.from)
}

/// What came before the changes of an attempt, as far as its times are recorded: who it is was found out, what that account reaches was looked at,
/// and what to do was planned, up to the commit of the intent. Where the beginning of the look is not recorded, the first two are one.
fn before_changes(attempt: &Attempt, end: &Read) -> Vec<(&'static str, &'static str, (Timestamp, Timestamp))> {
    let Some(seen) = first_look(attempt, end) else {
        return Vec::new();
    };
    let looked_from = end.moment("looked_from").filter(|from| (attempt.from..=seen).contains(from));
    let mut parts = match looked_from {
        Some(from) => vec![
            ("resolve", "resolve", (attempt.from, from)),
            ("observe", "observe", (from, seen)),
        ],
        None => vec![("observe", "resolve and observe", (attempt.from, seen))],
    };
    // A change that is certain was intended with its signal, before anybody had looked: no look led to it.
    let intended = attempt.acts.iter().map(|act| act.from).filter(|from| *from >= seen).min();
    parts.extend(intended.map(|intended| ("plan", "plan", (seen, intended))));
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(claimed: i64, intents: &[i64], detail: &Value) -> Vec<(&'static str, i64, i64)> {
        let act = |at: &i64| Act {
            id: 1,
            from: Timestamp::from_ms(*at),
            what: Value::Null,
            grants: Value::Null,
            answer: None,
        };
        let attempt = Attempt {
            from: Timestamp::from_ms(claimed),
            target: Value::Null,
            number: Value::Null,
            acts: intents.iter().map(act).collect(),
        };
        let end = json!({ "seq": 9, "at": 99, "kind": "job.settled", "case": 1, "job": 1, "detail": detail });
        let end: Read = serde_json::from_value(end).unwrap();
        let parts = before_changes(&attempt, &end).into_iter();
        parts.map(|(_, name, (from, until))| (name, from.ms(), until.ms())).collect()
    }

    #[test]
    fn resolving_observing_and_planning_are_told_apart_by_recorded_times_alone() {
        let looked = json!({ "looked_from": 12, "before_at": 15 });
        let apart = [("resolve", 10, 12), ("observe", 12, 15)];
        assert_eq!(told(10, &[18, 30], &looked), [&apart[..], &[("plan", 15, 18)]].concat());
        assert_eq!(told(10, &[], &looked), apart, "nothing was to be changed");
        assert_eq!(told(10, &[10], &looked), apart, "it was intended before the look");
        assert_eq!(told(10, &[10, 16], &looked), [&apart[..], &[("plan", 15, 16)]].concat());
        let one = [("resolve and observe", 10, 15)];
        assert_eq!(
            told(10, &[], &json!({ "before_at": 15 })),
            one,
            "an older entry does not say when"
        );
        assert_eq!(told(10, &[], &json!({ "looked_from": 9, "before_at": 15 })), one);
        assert_eq!(
            told(20, &[25], &looked),
            [],
            "the job had been looked at in an attempt before"
        );
        assert_eq!(told(10, &[12], &json!({})), []);
    }
}
