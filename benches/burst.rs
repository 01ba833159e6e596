//! What people wait for at the default rate: one compromise after idling, and the last of twenty at once, against a server whose calls take
//! five milliseconds.

use std::time::{Duration, Instant};

use revoked::model::Reason;
use revoked::worker::Rate;

use crate::lane::{self, Call, Noting};
use crate::table::{Row, median, ms};
use crate::{RUNS, figures, server};

/// The default of `rate`.
const RATE: u32 = 10;
/// The default of `burst`.
const BURST: u32 = 10;
/// How long a call takes at the server.
const LATENCY: Duration = Duration::from_millis(5);
/// How many are compromised at once.
const CROWD: usize = 20;

pub(crate) async fn measure() -> Vec<Row> {
    let (mut firsts, mut contained, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let (first, whole) = alone(run).await;
        firsts.push(first);
        contained.push(whole);
        lasts.push(crowd(run).await);
    }
    let (first, whole, last) = (median(firsts), median(contained), median(lasts));
    let interval = 1000.0 / f64::from(RATE);
    let row = |what: &'static str, measured: f64, goal: f64| Row {
        what: what.to_owned(),
        measured: format!("{measured:.0} ms"),
        reference: format!("permit interval {interval:.0} ms, call 5 ms"),
        goal: format!("{goal:.0} ms"),
        met: Some(measured <= goal),
    };
    vec![
        row(figures::ALONE_FIRST, first, 100.0),
        row(figures::ALONE_VERDICT, whole, 1500.0),
        row(figures::CROWD, last, 13_000.0),
    ]
}

fn rate() -> Rate {
    Rate::per(RATE, Duration::from_secs(1)).unwrap()
}

/// From the signal to the first revoke and to the verdict, in milliseconds, after the lane was idle long enough to save its burst.
async fn alone(run: usize) -> (f64, f64) {
    let server = server::start_slow(200, 1, LATENCY);
    let folder = lane::folder();
    let noting = Noting::new(server::target(&server, folder.path()));
    let bench = lane::built_in(folder, noting.clone(), (rate(), BURST), &[]).await;
    // Who we are is asked once in a while, and then known.
    bench
        .accept(vec![lane::signal(1, 3, Reason::Compromised, &format!("warm-{run}"))])
        .await;
    lane::drained(&bench.store, 1, Duration::from_millis(20)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    noting.calls.lock().unwrap().clear();
    let began = Instant::now();
    bench
        .accept(vec![lane::signal(13, 3, Reason::Compromised, &format!("alone-{run}"))])
        .await;
    let first = ms(noting.first(Call::Applied, None).await.duration_since(began));
    lane::drained(&bench.store, 2, Duration::from_millis(5)).await;
    let whole = ms(began.elapsed());
    drop(bench.stop().await);
    (first, whole)
}

/// From twenty signals at once to the answer of the first revoke of the last of them, in milliseconds.
async fn crowd(run: usize) -> f64 {
    let server = server::start_slow(200, 1, LATENCY);
    let folder = lane::folder();
    let noting = Noting::new(server::target(&server, folder.path()));
    let bench = lane::built_in(folder, noting.clone(), (rate(), 0), &[]).await;
    let people = (20..20 + CROWD).map(|person| lane::signal(person, 3, Reason::Compromised, &format!("crowd-{run}-{person}")));
    let began = Instant::now();
    bench.accept(people.collect()).await;
    let last = ms(noting.applied_to(CROWD).await.duration_since(began));
    drop(bench.stop().await);
    last
}
