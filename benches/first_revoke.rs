//! From a signal in hand to the first revoking request, on an idle daemon, against one fsync on the same disk.

use std::io::Write as _;
use std::time::{Duration, Instant};

use revoked::model::Reason;

use crate::lane::{self, Call, Noting};
use crate::table::{Row, median, ms, percentile};
use crate::{RUNS, server};

const SIGNALS: usize = 60;

pub(crate) async fn measure() -> Vec<Row> {
    let mut ratios = Vec::new();
    let (mut fsyncs, mut firsts, mut tails) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let server = server::start(200, None);
        let folder = lane::folder();
        let noting = Noting::new(server::target(&server, folder.path()));
        let fsync = fsync(folder.path());
        let bench = lane::lane(folder, noting.clone(), lane::unlimited(), 4).await;
        let mut waits = Vec::new();
        for person in 1..=SIGNALS {
            noting.calls.lock().unwrap().clear();
            let began = Instant::now();
            bench
                .accept(vec![lane::signal(person, 3, Reason::Compromised, &format!("{run}-{person}"))])
                .await;
            let first = noting.first(Call::Apply, None).await;
            waits.push(ms(first.duration_since(began)));
            lane::drained(&bench.store, person, Duration::from_millis(5)).await;
        }
        let p50 = median(waits.clone());
        ratios.push((p50 - 0.5) / fsync);
        fsyncs.push(fsync);
        firsts.push(p50);
        tails.push(percentile(waits, 0.99));
        bench.stop().await;
    }
    let (fsync, first, tail) = (median(fsyncs), median(firsts), median(tails));
    let ratio = median(ratios);
    vec![Row {
        what: "signal to first revoke, idle, p50".to_owned(),
        measured: format!("{first:.2} ms (p99 {tail:.2} ms)"),
        reference: format!("fsync {fsync:.2} ms"),
        goal: format!(
            "2.5 fsync + 0.5 ms = {:.2} ms; measured {ratio:.1} fsync + 0.5 ms",
            2.5f64.mul_add(fsync, 0.5)
        ),
        met: Some(ratio <= 2.5),
    }]
}

/// The median time to append a page to a file and have it on the disk, in milliseconds.
pub(crate) fn fsync(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0x5a; 4096]).unwrap();
        let began = Instant::now();
        file.sync_data().unwrap();
        times.push(ms(began.elapsed()));
        std::thread::sleep(Duration::from_millis(1));
    }
    median(times)
}
