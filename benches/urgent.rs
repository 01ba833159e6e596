//! How long an urgent job waits for its first call behind a hundred thousand and a million routine ones at 10 calls a second.

use std::time::{Duration, Instant};

use revoked::model::{Reason, SignalReceipt};
use revoked::worker::Rate;

use crate::lane::{self, Call, Noting};
use crate::table::{Row, median, ms};
use crate::{RUNS, claim, figures, server};

pub(crate) async fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, routine) in [(figures::URGENT_5, 100_000), (figures::URGENT_6, 1_000_000)] {
        let wait = behind(routine).await;
        rows.push(Row {
            what: what.to_owned(),
            measured: format!("{wait:.0} ms"),
            reference: "permit interval 100 ms".to_owned(),
            goal: "110 ms".to_owned(),
            met: Some(wait <= 110.0),
        });
    }
    rows
}

async fn behind(routine: usize) -> f64 {
    let server = server::start(200, None);
    let folder = lane::folder();
    claim::filled(&folder.path().join("revoked.db"), routine).await;
    let noting = Noting::new(server::target(&server, folder.path()));
    let rate = Rate::per(10, Duration::from_secs(1)).unwrap();
    let bench = lane::lane(folder, noting.clone(), rate, 4).await;
    // The routine jobs take what permits there are from now on.
    noting.first(Call::Resolved, None).await;
    let mut waits = Vec::new();
    for run in 0..RUNS {
        // Somebody whom no routine job is about.
        let began = Instant::now();
        let signal = lane::signal(run + 1, 3, Reason::Compromised, &format!("u{run}"));
        let subject = signal.subject.to_string();
        let receipt = bench.accept(vec![signal]).await;
        // The first call of the job is its lookup: answered one permit after the signal at the latest.
        let answered = noting.first(Call::Resolved, Some(&subject)).await;
        waits.push(ms(answered.duration_since(began)));
        closed(&bench, &receipt[0]).await;
    }
    drop(bench.stop().await);
    median(waits)
}

/// Waits until the urgent case is over: one slot is kept for urgent work, and the next run is about an idle one.
async fn closed(bench: &lane::Bench, receipt: &SignalReceipt) {
    let SignalReceipt::Accepted { case, .. } = receipt else {
        panic!("not accepted: {receipt:?}")
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    while bench.store.case(case.0).await.unwrap().state == "open" {
        ticks.tick().await;
    }
}
