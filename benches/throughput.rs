//! Jobs a second to the full verdict, FULL and trail on, against the bare HTTP calls that the same work needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use revoked::model::{GrantKind, Reason, Resolution};
use revoked::targets::{CallContext, ObservationRequest, Target};

use crate::lane;
use crate::table::{Row, median};
use crate::{RUNS, server};

const JOBS: usize = 2000;
const AT_ONCE: usize = 64;

pub(crate) async fn measure() -> Vec<Row> {
    let (mut shares, mut ours, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        // A fresh world for each side: a person whose sessions are gone is less work.
        let plain = bare_calls().await;
        let server = server::start(JOBS, None);
        let folder = lane::folder();
        let target = server::target(&server, folder.path());
        let bench = lane::lane(folder, target, lane::unlimited(), AT_ONCE).await;
        let began = Instant::now();
        for portion in (1..=JOBS).collect::<Vec<_>>().chunks(200) {
            let signals = portion
                .iter()
                .map(|person| lane::signal(*person, 4, Reason::Departed, &format!("{run}-{person}")));
            bench.accept(signals.collect()).await;
        }
        lane::drained(&bench.store, JOBS, Duration::from_millis(50)).await;
        let rate = rate(JOBS, began);
        bench.stop().await;
        shares.push(rate / plain);
        ours.push(rate);
        bare.push(plain);
    }
    let share = median(shares);
    vec![Row {
        what: format!("jobs a second to verdict, {AT_ONCE} at once"),
        measured: format!("{:.0}/s = {share:.2} of bare", median(ours)),
        reference: format!("bare calls {:.0} jobs/s", median(bare)),
        goal: "at least 0.8 of bare".to_owned(),
        met: Some(share >= 0.8),
    }]
}

/// The same calls through the same connector with nothing around them: resolve, observe, end all sessions and each token, observe.
async fn bare_calls() -> f64 {
    let server = server::start(JOBS, None);
    let folder = lane::folder();
    let target = server::target(&server, folder.path());
    let kinds = [GrantKind::Session, GrantKind::AccessToken, GrantKind::OauthGrant].into();
    let containment = revoked::model::Containment {
        scope: revoked::model::Scope::Everything,
        end: kinds,
        ..revoked::model::Containment::nothing()
    };
    let containment = Arc::new(containment);
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(1));
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (target, next, containment) = (Arc::clone(&target), Arc::clone(&next), Arc::clone(&containment));
        workers.spawn(async move {
            loop {
                let person = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if person > JOBS {
                    return;
                }
                one(target.as_ref(), &containment, person).await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    rate(JOBS, began)
}

async fn one(target: &dyn Target, containment: &revoked::model::Containment, person: usize) {
    let context = CallContext::unpaced();
    let signal = lane::signal(person, 4, Reason::Departed, "bare");
    let Resolution::One(principal) = target.resolve(&context, &signal.subject).await.unwrap() else {
        return;
    };
    let before = target
        .observe(&context, &principal, &ObservationRequest::now(containment.end.clone()))
        .await
        .unwrap();
    let progress = revoked::model::Progress::default();
    for action in containment.plan(&before, &target.capabilities(), progress) {
        target
            .apply(&context, &action, std::slice::from_ref(&principal))
            .await
            .unwrap();
    }
    let after = target
        .observe(&context, &principal, &ObservationRequest::now(containment.end.clone()))
        .await
        .unwrap();
    drop(containment.verdict(&before, &after, progress));
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn rate(jobs: usize, began: Instant) -> f64 {
    jobs as f64 / began.elapsed().as_secs_f64()
}
