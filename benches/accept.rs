//! Signals taken in one by one, each on the disk before the next comes, against an fsync for each.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use revoked::clock::Clock;
use revoked::model::{Delivery, Reason};
use revoked::policy::Policy;
use revoked::store::{Role, SlotOffers, Store};

use crate::table::{Row, median};
use crate::{RUNS, figures, lane};

const SIGNALS: u32 = 500;

pub(crate) async fn measure() -> Vec<Row> {
    let (mut rates, mut fsyncs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let folder = lane::folder();
        fsyncs.push(appends(folder.path()));
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, Clock::system())
            .await
            .unwrap();
        let mut policy = Policy::standard(&["chat"]);
        lane::no_limits(&mut policy);
        let policy = Arc::new(policy);
        let began = Instant::now();
        for person in 1..=SIGNALS {
            let signal = lane::signal(person as usize, 4, Reason::Compromised, &person.to_string());
            let delivery = Delivery::of("bench", vec![signal], store.clock().now());
            store
                .accept(Arc::clone(&policy), delivery, SlotOffers::default())
                .await
                .unwrap();
        }
        rates.push(f64::from(SIGNALS) / began.elapsed().as_secs_f64());
        store.close().await;
    }
    let (rate, fsync) = (median(rates), median(fsyncs));
    vec![Row {
        what: figures::ACCEPT.to_owned(),
        measured: format!("{rate:.0}/s"),
        reference: format!("pages appended with an fsync each, one behind the other: {fsync:.0}/s"),
        goal: "-".to_owned(),
        met: None,
    }]
}

/// How many pages a second are appended to a file and on the disk, one by one.
fn appends(folder: &std::path::Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("fsync")).unwrap();
    let began = Instant::now();
    for _ in 0..SIGNALS {
        file.write_all(&[0x5a; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    f64::from(SIGNALS) / began.elapsed().as_secs_f64()
}
