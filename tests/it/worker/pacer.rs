//! The priority pacer, on a paused clock: every instant here is exact.

use std::sync::Arc;
use std::time::Duration;

use revoked::model::Priority;
use revoked::targets::{AttemptStage, Permits as _, RateLimitHints};
use revoked::worker::{Pacer, Rate};
use tokio::sync::mpsc;
use tokio::time::Instant;

const INTERVAL: Duration = Duration::from_millis(100);
/// What a late timer may make up for.
const TOLERANCE: Duration = Duration::from_millis(5);

fn pacer(rate: f64) -> Arc<Pacer> {
    pacer_with(rate, 0, usize::MAX)
}

fn pacer_with(rate: f64, burst: u32, concurrency: usize) -> Arc<Pacer> {
    let pacer = Arc::new(Pacer::new("chat", Rate::per_second(rate).unwrap(), burst, concurrency));
    let running = Arc::clone(&pacer);
    tokio::spawn(async move { running.run().await });
    pacer
}

/// Lets `count` callers queue up; each tells its name when it has its permit.
async fn queue(pacer: &Arc<Pacer>, priority: Priority, count: usize, told: &mpsc::UnboundedSender<(Priority, usize, Instant)>) {
    let before = pacer.waiting();
    for n in 0..count {
        let (pacer, told) = (Arc::clone(pacer), told.clone());
        tokio::spawn(async move {
            drop(pacer.permit(priority, AttemptStage::Lookup).await);
            told.send((priority, n, Instant::now())).ok();
        });
    }
    while pacer.waiting() < before + count {
        tokio::task::yield_now().await;
    }
}

/// The instants of `count` permits, asked for by as many callers at once as there are permits.
async fn instants(rate: f64, count: usize) -> (Instant, Vec<Instant>) {
    let pacer = pacer(rate);
    let start = Instant::now();
    let (told, mut heard) = mpsc::unbounded_channel();
    for n in 0..count {
        let (pacer, told) = (Arc::clone(&pacer), told.clone());
        tokio::spawn(async move {
            drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
            told.send((n, Instant::now())).ok();
        });
    }
    let mut instants = Vec::with_capacity(count);
    while instants.len() < count {
        instants.push(heard.recv().await.unwrap().1);
    }
    (start, instants)
}

#[tokio::test(start_paused = true)]
async fn an_urgent_call_waits_one_interval_at_most_behind_100_000_routine_ones() {
    let pacer = pacer(10.0);
    let (told, mut heard) = mpsc::unbounded_channel();
    queue(&pacer, Priority::ROUTINE, 100_000, &told).await;
    for _ in 0..3 {
        assert_eq!(heard.recv().await.unwrap().0, Priority::ROUTINE);
    }
    let asked = Instant::now();
    queue(&pacer, Priority::URGENT, 1, &told).await;
    let (priority, _, at) = heard.recv().await.unwrap();
    assert_eq!(priority, Priority::URGENT);
    assert!(at - asked <= INTERVAL + TOLERANCE, "waited {:?}", at - asked);
}

#[tokio::test(start_paused = true)]
async fn permits_go_to_the_most_urgent_and_among_equals_to_the_first_to_come() {
    let pacer = pacer(10.0);
    let (told, mut heard) = mpsc::unbounded_channel();
    for priority in [Priority::SWEEP, Priority::ROUTINE, Priority::PROMPT, Priority::URGENT] {
        queue(&pacer, priority, 3, &told).await;
    }
    let mut served = Vec::new();
    for _ in 0..12 {
        let (priority, n, _) = heard.recv().await.unwrap();
        served.push((priority, n));
    }
    let mut ordered = served.clone();
    ordered.sort_unstable();
    assert_eq!(served, ordered);
}

#[tokio::test(start_paused = true)]
async fn within_one_urgency_the_earlier_stage_of_a_job_goes_first() {
    let pacer = pacer(10.0);
    let (told, mut heard) = mpsc::unbounded_channel();
    let stages = [
        AttemptStage::Shared,
        AttemptStage::Verify,
        AttemptStage::Rest,
        AttemptStage::CutOff,
        AttemptStage::Lookup,
    ];
    let callers = stages
        .map(|stage| (Priority::URGENT, stage))
        .into_iter()
        .chain([(Priority::ROUTINE, AttemptStage::Lookup)]);
    for (waiting, (priority, harness)) in callers.enumerate() {
        let (pacer, told) = (Arc::clone(&pacer), told.clone());
        let line = Arc::clone(&pacer);
        tokio::spawn(async move {
            drop(pacer.permit(priority, harness).await);
            told.send((priority, harness)).ok();
        });
        while line.waiting() <= waiting {
            tokio::task::yield_now().await;
        }
    }
    let mut served = Vec::new();
    for _ in 0..6 {
        served.push(heard.recv().await.unwrap());
    }
    let urgent = [
        AttemptStage::Lookup,
        AttemptStage::CutOff,
        AttemptStage::Rest,
        AttemptStage::Verify,
        AttemptStage::Shared,
    ]
    .map(|stage| (Priority::URGENT, stage));
    assert_eq!(served[..5], urgent);
    assert_eq!(served[5], (Priority::ROUTINE, AttemptStage::Lookup));
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_allowed_and_the_last_is_kept_for_the_urgent() {
    let pacer = pacer_with(1000.0, 0, 3);
    tokio::time::advance(Duration::from_secs(1)).await;
    let mut under_way = Vec::new();
    for _ in 0..2 {
        under_way.push(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    }
    let waits = tokio::time::timeout(INTERVAL, pacer.permit(Priority::ROUTINE, AttemptStage::Lookup)).await;
    assert!(waits.is_err(), "a third routine call went out");
    let urgent = tokio::time::timeout(INTERVAL, pacer.permit(Priority::URGENT, AttemptStage::Lookup)).await;
    under_way.push(urgent.expect("the last one is the urgent one's"));
    let waits = tokio::time::timeout(INTERVAL, pacer.permit(Priority::URGENT, AttemptStage::Lookup)).await;
    assert!(waits.is_err(), "a fourth call went out");
    under_way.clear();
    let freed = tokio::time::timeout(INTERVAL, pacer.permit(Priority::ROUTINE, AttemptStage::Lookup)).await;
    assert!(freed.is_ok(), "calls that are over free their places");
}

#[tokio::test(start_paused = true)]
async fn urgent_calls_use_what_idling_saved_and_routine_ones_never_do() {
    let pacer = pacer_with(10.0, 10, usize::MAX);
    tokio::time::advance(Duration::from_mins(1)).await;
    let asked = Instant::now();
    for _ in 0..3 {
        drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    }
    assert!(
        Instant::now() + TOLERANCE >= asked + 2 * INTERVAL,
        "routine calls came in a burst"
    );
    tokio::time::advance(Duration::from_mins(1)).await;
    let asked = Instant::now();
    for _ in 0..10 {
        drop(pacer.permit(Priority::URGENT, AttemptStage::Lookup).await);
    }
    assert_eq!(Instant::now(), asked, "ten urgent calls at once after idling");
    drop(pacer.permit(Priority::URGENT, AttemptStage::Lookup).await);
    assert!(
        Instant::now() + TOLERANCE >= asked + INTERVAL,
        "an eleventh in the same burst"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_grants_no_fresh_burst() {
    let start = Instant::now();
    let pacer = pacer_with(10.0, 10, usize::MAX);
    for _ in 0..5 {
        drop(pacer.permit(Priority::URGENT, AttemptStage::Lookup).await);
    }
    assert!(Instant::now() + TOLERANCE >= start + 5 * INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn no_window_holds_more_than_the_rate_and_the_rate_is_reached() {
    for (rate, count) in [
        (0.5, 20),
        (3.0, 60),
        (10.0, 200),
        (150.0, 1500),
        (2500.0, 20_000),
        (100_000.0, 60_000),
    ] {
        let (start, instants) = instants(rate, count).await;
        let interval = Rate::per_second(rate).unwrap().interval();
        for reach in [1, 2, 5, 10, 100, 1000].into_iter().filter(|reach| *reach < count) {
            for pair in instants.windows(reach + 1) {
                let (window, least) = (pair[reach] - pair[0], interval * u32::try_from(reach).unwrap());
                assert!(
                    window + TOLERANCE >= least,
                    "{} calls within {window:?} at {rate} a second",
                    reach + 1
                );
            }
        }
        assert!(
            instants[0] - start + Duration::from_micros(1) >= interval,
            "the first call came too early at {rate} a second"
        );
        let ideal = interval.as_secs_f64() * f64::from(u32::try_from(count).unwrap());
        let took = (*instants.last().unwrap() - start).as_secs_f64();
        assert!(ideal / took >= 0.98, "achieved only {} of {rate} a second", ideal / took);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_lane_gives_its_next_permit_at_once() {
    let pacer = pacer(10.0);
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    tokio::time::advance(INTERVAL * 50).await;
    let asked = Instant::now();
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    assert_eq!(Instant::now(), asked);
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    assert!(
        Instant::now() + TOLERANCE >= asked + INTERVAL,
        "fifty idle intervals bought a burst"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_grants_no_burst_and_keeps_a_refusal() {
    let start = Instant::now();
    for _ in 0..20 {
        drop(pacer(10.0).permit(Priority::URGENT, AttemptStage::Lookup).await);
    }
    assert!(Instant::now() + TOLERANCE >= start + 20 * INTERVAL);

    let restarted = pacer(10.0);
    restarted.close_for(Duration::from_mins(1));
    let asked = Instant::now();
    drop(restarted.permit(Priority::URGENT, AttemptStage::Lookup).await);
    assert!(asked.elapsed() >= Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn nobody_calls_while_the_target_refuses_and_then_it_recovers() {
    let pacer = pacer(10.0);
    drop(pacer.permit(Priority::URGENT, AttemptStage::Lookup).await);
    let refused = Instant::now();
    pacer.note_limits(RateLimitHints {
        refused: Some(Duration::from_secs(7)),
        ..RateLimitHints::default()
    });
    assert_eq!(pacer.closed_for(), Duration::from_secs(7));
    let (told, mut heard) = mpsc::unbounded_channel();
    queue(&pacer, Priority::ROUTINE, 5, &told).await;
    queue(&pacer, Priority::URGENT, 2, &told).await;
    let (priority, _, first) = heard.recv().await.unwrap();
    assert_eq!(priority, Priority::URGENT);
    assert!(first >= refused + Duration::from_secs(7));
    let (_, _, second) = heard.recv().await.unwrap();
    assert!(
        second >= first + 2 * INTERVAL,
        "a lane that was refused goes on at half its rate"
    );
    tokio::time::advance(Duration::from_mins(2)).await;
    while pacer.waiting() > 0 {
        heard.recv().await.unwrap();
    }
    let asked = Instant::now();
    for _ in 0..10 {
        drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    }
    assert!(
        asked.elapsed() <= 10 * INTERVAL + TOLERANCE,
        "its rate did not come back: {:?}",
        asked.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_target_has_left_is_spread_and_kept_for_the_urgent() {
    let pacer = pacer(10.0);
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    pacer.note_limits(RateLimitHints {
        remaining: Some(4),
        reset: Some(Duration::from_secs(8)),
        refused: None,
    });
    let heard_at = Instant::now();
    let (told, mut heard) = mpsc::unbounded_channel();
    queue(&pacer, Priority::ROUTINE, 1, &told).await;
    queue(&pacer, Priority::URGENT, 1, &told).await;
    let (first, _, at) = heard.recv().await.unwrap();
    assert_eq!(first, Priority::URGENT);
    assert!(at <= heard_at + INTERVAL + TOLERANCE);
    let (_, _, at) = heard.recv().await.unwrap();
    assert!(at >= heard_at + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_generous_target_does_not_raise_the_rate() {
    let pacer = pacer(10.0);
    let start = Instant::now();
    for _ in 0..20 {
        drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
        pacer.note_limits(RateLimitHints {
            remaining: Some(1_000_000),
            reset: Some(Duration::from_millis(1)),
            refused: None,
        });
    }
    assert!(start.elapsed() + TOLERANCE >= 20 * INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_line_and_costs_no_permit() {
    let pacer = pacer(10.0);
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    let start = Instant::now();
    let gone = tokio::time::timeout(INTERVAL / 2, pacer.permit(Priority::URGENT, AttemptStage::Lookup)).await;
    assert!(gone.is_err());
    assert_eq!(pacer.waiting(), 0);
    drop(pacer.permit(Priority::ROUTINE, AttemptStage::Lookup).await);
    assert!(start.elapsed() <= INTERVAL + TOLERANCE);
}
