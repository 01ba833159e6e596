//! From a signal in hand to the first revoking request, on an idle daemon, against an fsync on the same disk after the same idleness.

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use revoked::model::Reason;

use crate::lane::{self, Bench, Call, Noting};
use crate::table::{Row, median, ms, percentile};
use crate::{RUNS, figures, server};

const SIGNALS: usize = 60;
/// How long nothing happens before each signal and before its fsync: a disk and cores that were just busy answer sooner.
const IDLE: Duration = Duration::from_millis(20);

pub(crate) async fn measure() -> Vec<Row> {
    let (mut fsyncs, mut firsts, mut ratios, mut all) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut steps = Vec::new();
    for run in 0..RUNS {
        let server = server::start(200, None);
        let folder = lane::folder();
        let mut file = File::create(folder.path().join("fsync")).unwrap();
        let noting = Noting::new(server::target(&server, folder.path()));
        let bench = lane::lane(folder, noting.clone(), lane::unlimited(), 4).await;
        let (mut waits, mut paired) = (Vec::new(), Vec::new());
        for person in 1..=SIGNALS {
            // Each by turns first, so that neither has the better place.
            if person % 2 == 0 {
                paired.push(fsync(&mut file).await);
            }
            let step = signal(&bench, &noting, run, person).await;
            waits.push(step.first);
            steps.push(step);
            if person % 2 == 1 {
                paired.push(fsync(&mut file).await);
            }
        }
        let (first, fsync) = (median(waits.clone()), median(paired));
        ratios.push((first - 0.5) / fsync);
        fsyncs.push(fsync);
        firsts.push(first);
        all.extend(waits);
        drop(bench.stop().await);
    }
    if std::env::var_os("PROFILE").is_some() {
        profile(&steps);
    }
    let (fsync, first, tail) = (median(fsyncs), median(firsts), percentile(all, 0.99));
    let ratio = median(ratios);
    let bound = 2.5f64.mul_add(fsync, 0.5);
    vec![
        Row {
            what: figures::FIRST_REVOKE.to_owned(),
            measured: format!("{first:.2} ms = {ratio:.1} fsync + 0.5 ms"),
            reference: format!("an fsync paired with each signal: {fsync:.2} ms"),
            goal: format!("2.5 fsync + 0.5 ms = {bound:.2} ms"),
            met: Some(ratio <= 2.5),
        },
        Row {
            what: figures::FIRST_REVOKE_TAIL.to_owned(),
            measured: format!("{tail:.2} ms"),
            reference: "the same".to_owned(),
            goal: format!("4 (2.5 fsync + 0.5 ms) = {:.2} ms", 4.0 * bound),
            met: Some(tail <= 4.0 * bound),
        },
    ]
}

/// What happens after a signal, each in milliseconds from it.
struct Steps {
    resolved: f64,
    observe: f64,
    observed: f64,
    /// The sender is told: the commit has returned.
    stored: f64,
    /// The first revoking request.
    first: f64,
}

/// Where the time to the first revoke goes: medians over all runs.
fn profile(steps: &[Steps]) {
    println!("\n| after a signal | p50 |\n| --- | --- |");
    let row = |what: &str, of: fn(&Steps) -> f64| println!("| {what} | {:.2} ms |", median(steps.iter().map(of).collect()));
    row("the person is looked up", |steps| steps.resolved);
    row("the first look begins", |steps| steps.observe);
    row("the first look is over", |steps| steps.observed);
    row("the signal is stored", |steps| steps.stored);
    row("the first revoking request", |steps| steps.first);
}

async fn signal(bench: &Bench, noting: &Noting, run: usize, person: usize) -> Steps {
    tokio::time::sleep(IDLE).await;
    noting.calls.lock().unwrap().clear();
    let began = Instant::now();
    bench
        .accept(vec![lane::signal(person, 3, Reason::Compromised, &format!("{run}-{person}"))])
        .await;
    let stored = began.elapsed();
    let first = noting.first(Call::Apply, None).await;
    lane::drained(&bench.store, person, Duration::from_millis(5)).await;
    let resolved = noting.first(Call::Resolved, None).await;
    let observe = noting.first(Call::Observe, None).await;
    let observed = noting.first(Call::Observed, None).await;
    Steps {
        resolved: ms(resolved.duration_since(began)),
        observe: ms(observe.duration_since(began)),
        observed: ms(observed.duration_since(began)),
        stored: ms(stored),
        first: ms(first.duration_since(began)),
    }
}

/// The time to append a page to a file and have it on the disk, in milliseconds.
async fn fsync(file: &mut File) -> f64 {
    tokio::time::sleep(IDLE).await;
    let began = Instant::now();
    file.write_all(&[0x5a; 4096]).unwrap();
    file.sync_data().unwrap();
    ms(began.elapsed())
}
