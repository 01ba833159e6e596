//! The achieved rate against the permitted one, at a server that limits to exactly that.

use std::time::{Duration, Instant};

use revoked::model::Reason;
use revoked::worker::Rate;

use crate::table::Row;
use crate::{figures, lane, server};

const PERMITTED: u32 = 100;
const SECONDS: u64 = 10;

pub(crate) async fn measure() -> Vec<Row> {
    let server = server::start(3000, Some(PERMITTED));
    let folder = lane::folder();
    let target = server::target(&server, folder.path());
    let bench = lane::lane(folder, target, Rate::per(PERMITTED, Duration::from_secs(1)).unwrap(), 8).await;
    let people = (1..=2000).map(|person| lane::signal(person, 4, Reason::Departed, &format!("p{person}")));
    bench.accept(people.collect()).await;
    // The first second fills the pipeline; then the server's own count is compared over whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.counts().await;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let after = server.counts().await;
    let seconds = began.elapsed().as_secs_f64();
    drop(bench.stop().await);
    let achieved = (after.0 - before.0) / seconds / f64::from(PERMITTED);
    let refused = after.1 - before.1;
    vec![Row {
        what: figures::PACING.to_owned(),
        measured: format!("{achieved:.3}, {refused:.0} answers of 429"),
        reference: "the server's own count and limiter".to_owned(),
        goal: "at least 0.98, no 429 after the first second".to_owned(),
        met: Some(achieved >= 0.98 && refused < 0.5),
    }]
}
