//! One scenario: its signal is sent, followed to the verdict, and to the sender's being told.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

use super::outcome::{ResultingCase, ScenarioLine};
use super::scenario::ScenarioContext;
use super::told_back;
use super::{ProgressSender, record};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::store::{CaseDetail, ListFilter, Store};

/// How long one scenario may take, from sending to the verdict.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// Sends the signal of one scenario and follows it to the verdict.
pub(super) async fn run_scenario(
    context: &ScenarioContext<'_>,
    store: &Store,
    clock: &Clock,
    progress: &ProgressSender,
) -> anyhow::Result<ScenarioLine> {
    let scenario = context.scenario;
    let sent = context.sends();
    progress.line(format!("{}: {sent}", scenario.kind));
    let sent_at = clock.now();
    let answer = (scenario.send)(context)
        .await
        .with_context(|| format!("sending a signal through {}", scenario.kind))?;
    progress.line(format!("{}: the sender is answered: {answer}", scenario.kind));
    let found = follow(scenario.source, store).await?;
    let came = found.map(|detail| came(&detail, scenario.reason, sent_at));
    progress.line(match &came {
        Some(came) => format!(
            "{}: case {} ({}): {} {} ms after it was sent; ended: {}",
            scenario.kind,
            came.case,
            came.reason,
            came.verdict.as_deref().unwrap_or("no verdict yet"),
            came.sent_to_verdict_ms.unwrap_or_default(),
            came.ended_in_words()
        ),
        None => format!("{}: no case followed within {} s", scenario.kind, PATIENCE.as_secs()),
    });
    let told = match &came {
        Some(came) if scenario.told_back => told_back::heard(context.provider, &context.daemon, came.case, sent_at).await?,
        _ => None,
    };
    if let Some(told) = &told {
        progress.line(format!(
            "{}: the identity provider is told back, signed: {} about {}, {} ms after it sent",
            scenario.kind, told.event, told.subject, told.sent_to_told_ms
        ));
    }
    Ok(ScenarioLine {
        kind: scenario.kind.to_owned(),
        source: scenario.source.to_owned(),
        who: scenario.who.to_owned(),
        sent,
        answer,
        answer_expected: scenario.answer.to_owned(),
        came,
        told_expected: scenario.told_back,
        told,
    })
}

/// The case that a source opened: once it is over, or as it is when the patience ends.
async fn follow(source: &str, store: &Store) -> anyhow::Result<Option<CaseDetail>> {
    let until = Instant::now() + PATIENCE;
    loop {
        let cases = store
            .cases(&ListFilter {
                limit: 100,
                ..ListFilter::default()
            })
            .await?;
        let case = cases.iter().find(|case| case.source == source);
        let late = Instant::now() >= until;
        match case {
            Some(case) if late || case.state != "open" => return Ok(Some(store.case_detail(case.id).await?)),
            None if late => return Ok(None),
            _ => tokio::time::sleep(EVERY).await,
        }
    }
}

fn came(detail: &CaseDetail, reason: &str, sent_at: Timestamp) -> ResultingCase {
    let case = &detail.case;
    let evidence = || {
        let jobs = detail.jobs.iter().filter(|job| job.kind == "contain");
        jobs.filter_map(|job| job.evidence.as_ref())
    };
    let mut ended = BTreeMap::new();
    for evidence in evidence() {
        for (kind, before) in &evidence.before {
            let gone = before.saturating_sub(evidence.after.get(kind).copied().unwrap_or_default());
            if gone > 0 {
                *ended.entry(*kind).or_default() += gone;
            }
        }
    }
    ResultingCase {
        case: case.id,
        reason: case.reason.clone(),
        reason_expected: reason.to_owned(),
        verdict: case.verdict.clone(),
        sent_to_verdict_ms: case.contained_at.map(|at| record::ms(at.since(sent_at))),
        ended,
        suspended: evidence().any(|evidence| evidence.suspended.1),
    }
}
