//! What people cost at the target, in calls, by the built-in playbooks on a server with five teams. Counts, not times: one run each.

use std::time::Duration;

use revoked::model::Reason;
use revoked::worker::Rate;

use crate::table::Row;
use crate::{figures, lane, server};

const TEAMS: usize = 5;
const BATCH: usize = 300;
/// Ten times the default, so that it does not take ten times as long: what is shared depends on who waits, and these wait as well.
const RATE: u32 = 100;

pub(crate) async fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, reason, people, goal) in [
        (figures::CALLS_COMPROMISED, Reason::Compromised, 1, 20.0),
        (figures::CALLS_DEPARTED, Reason::Departed, 1, 20.0),
        (figures::CALLS_MANY, Reason::Departed, BATCH, 11.0),
    ] {
        let (calls, _) = contained(reason, people, &[]).await;
        rows.push(row(what, calls, goal));
    }
    for (what, people, goal) in [(figures::SWEEP, 1, 10.0), (figures::SWEEPS, BATCH, 4.0)] {
        let (_, calls) = contained(Reason::Departed, people, &[60]).await;
        rows.push(row(what, calls, goal));
    }
    rows
}

fn row(what: &'static str, calls: f64, goal: f64) -> Row {
    Row {
        what: what.to_owned(),
        measured: format!("{calls:.1}"),
        reference: "the server's own count".to_owned(),
        goal: format!("{goal:.0}"),
        met: Some(calls <= goal),
    }
}

/// The calls a person until all verdicts are reached, and from then until all sweeps are over.
async fn contained(reason: Reason, people: usize, watch: &[u64]) -> (f64, f64) {
    let server = server::start_slow(people + 20, TEAMS, Duration::ZERO);
    let folder = lane::folder();
    let target = server::target(&server, folder.path());
    let rate = Rate::per(RATE, Duration::from_secs(1)).unwrap();
    let bench = lane::built_in(folder, target, (rate, 0), watch).await;
    // Who we are is asked once in a while, and then known: here for somebody whom the server does not know.
    bench
        .accept(vec![lane::signal(
            people + 21,
            width(people),
            reason,
            "nobody of the fixture",
        )])
        .await;
    lane::drained(&bench.store, 1, Duration::from_millis(20)).await;
    let before = server.counts().await.0;
    // From 13 on where there is one only: somebody with sessions and a token, and nothing else.
    let first = if people == 1 { 13 } else { 1 };
    let crowd = (first..first + people).map(|person| lane::signal(person, width(people), reason, &format!("p{person}")));
    bench.accept(crowd.collect()).await;
    lane::drained(&bench.store, people + 1, Duration::from_millis(20)).await;
    let verdicts = server.counts().await.0;
    if !watch.is_empty() {
        lane::swept(&bench.store, people, Duration::from_millis(200)).await;
    }
    let sweeps = server.counts().await.0;
    drop(bench.stop().await);
    let each = |calls: f64| calls / f64::from(u32::try_from(people).unwrap());
    (each(verdicts - before), each(sweeps - verdicts))
}

/// How many digits the names of a fixture of so many people have.
fn width(people: usize) -> usize {
    (people + 20).to_string().len().max(2)
}
