//! How long an urgent job waits for its first call behind 100,000 routine ones at 10 calls a second.

use std::time::{Duration, Instant};

use revoked::model::Reason;
use revoked::worker::Rate;

use crate::lane::{self, Call, Noting};
use crate::table::{Row, median, ms};
use crate::{RUNS, server};

const ROUTINE: usize = 100_000;

pub(crate) async fn measure() -> Vec<Row> {
    let server = server::start(ROUTINE, None);
    let folder = lane::folder();
    let noting = Noting::new(server::target(&server, folder.path()));
    let rate = Rate::per(10, Duration::from_secs(1)).unwrap();
    let bench = lane::lane(folder, noting.clone(), rate, 4).await;
    for portion in (1..=ROUTINE).collect::<Vec<_>>().chunks(5000) {
        let signals = portion
            .iter()
            .map(|person| lane::signal(*person, 6, Reason::Departed, &format!("r{person}")));
        bench.accept(signals.collect()).await;
    }
    let mut waits = Vec::new();
    for run in 0..RUNS {
        // Somebody whom no routine job is about yet.
        let person = ROUTINE - run;
        let began = Instant::now();
        let signal = lane::signal(person, 6, Reason::Compromised, &format!("u{run}"));
        let subject = signal.subject.to_string();
        bench.accept(vec![signal]).await;
        // The first call of the job is its lookup: answered one permit after the signal at the latest.
        let answered = noting.first(Call::Resolved, Some(&subject)).await;
        waits.push(ms(answered.duration_since(began)));
    }
    bench.stop().await;
    let wait = median(waits);
    vec![Row {
        what: "urgent behind 100,000 routine at 10/s: signal to the answer of its first call".to_owned(),
        measured: format!("{wait:.0} ms"),
        reference: "permit interval 100 ms".to_owned(),
        goal: "110 ms".to_owned(),
        met: Some(wait <= 110.0),
    }]
}
