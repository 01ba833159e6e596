//! One lane: what it takes from the queue, and when.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::breaker::{Admits, Breaker};
use super::concurrency::{Slot, Slots, max_concurrent_jobs};
use super::lane_settings::{LaneSettings, LaneStatus, Shutdown, WorkSettings};
use super::pacer::Pacer;
use super::protection::Protection;
use crate::backoff::{Backoff, Jitter};
use crate::model::{LEASE_LENGTH, Priority, error_chain};
use crate::store::{Claim, Result, Store};
use crate::targets::{CallContext, Level, Probe, Target, TargetRole};

/// How often an idle lane looks by itself: the safety net under the wakes.
const POLL: Duration = Duration::from_secs(1);
/// How many slots are filled in one step at most.
const LARGEST_CLAIM: usize = 64;
/// How many jobs are read ahead of the slots that are free, where the queue is deep: one look at it then serves as many slots.
const AHEAD: usize = 64;
/// How many jobs that are done with the target may wait to be written down, besides those at work.
const UNWRITTEN: usize = 64;
/// How long a probe may take.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// The waits between probes of a paused lane.
const PROBES: Backoff = Backoff {
    first: Duration::from_secs(5),
    longest: Duration::from_mins(2),
};

/// One target's lane.
pub(super) struct Lane {
    pub(super) name: String,
    pub(super) target: Arc<dyn Target>,
    pub(super) role: TargetRole,
    pub(super) store: Store,
    pub(super) protection: Arc<dyn Protection>,
    pub(super) settings: Arc<WorkSettings>,
    pub(super) shutdown: Shutdown,
    pub(super) pacer: Arc<Pacer>,
    pub(super) jitter: Jitter,
    slots: Arc<Slots>,
    /// Bounds how many jobs that are done with the target wait to be written down.
    unwritten: Semaphore,
    state: Mutex<State>,
    /// A slot came free, or the breaker or the pause changed.
    changed: Arc<Notify>,
    /// When it is to have looked at its queue again at the latest.
    looks_by: Mutex<Instant>,
}

pub(super) struct State {
    pub(super) breaker: Breaker,
    pause: Option<Pause>,
    /// Why an operator has paused the target: nothing at all is sent then, no probe either.
    halted: Option<String>,
    /// Cuts off what is at work once an operator pauses the target, or the daemon stops at once.
    cut: CancellationToken,
    /// Whether the target has answered since the daemon started: an alert of an earlier run is over then.
    pub(super) answered: bool,
}

struct Pause {
    why: String,
    /// Whether the store knows of it: only then does its silence mean that an operator ended it.
    recorded: bool,
    probes: u32,
    next: Instant,
}

/// Jobs that are reserved for the slots that come free next. What is queued meanwhile may be more urgent, so a wake lets them go.
struct ReadAhead {
    claims: VecDeque<Claim>,
    /// Until when they are the next: later, the queue is looked at again.
    until: Instant,
}

/// What to do after a step.
enum Next {
    /// Look again at once.
    Again,
    /// Wait for a wake, until this at the latest.
    Until(Instant),
}

impl Lane {
    pub(super) fn new(
        lane: LaneSettings,
        store: Store,
        protection: Arc<dyn Protection>,
        settings: Arc<WorkSettings>,
        shutdown: Shutdown,
        pacer: Arc<Pacer>,
        (paused, halted): (Option<String>, Option<String>),
    ) -> Arc<Self> {
        let changed = Arc::new(Notify::new());
        let cut = shutdown.hard.child_token();
        Arc::new(Self {
            name: lane.name,
            target: lane.target,
            role: lane.role,
            store,
            protection,
            shutdown,
            pacer,
            jitter: Jitter::new(settings.seed),
            slots: Slots::new(
                settings
                    .concurrent_jobs
                    .unwrap_or_else(|| max_concurrent_jobs(lane.rate, lane.concurrency)),
                Arc::clone(&changed),
            ),
            unwritten: Semaphore::new(UNWRITTEN),
            state: Mutex::new(State {
                breaker: Breaker::new(settings.breaker),
                pause: paused.map(|why| Pause {
                    why,
                    recorded: true,
                    probes: 0,
                    next: Instant::now(),
                }),
                halted,
                cut,
                answered: false,
            }),
            settings,
            changed,
            looks_by: Mutex::new(Instant::now() + PROBE_LIMIT),
        })
    }

    /// Starts the lane and its pacer.
    pub(super) fn spawn(self: &Arc<Self>) {
        let (pacer, hard) = (Arc::clone(&self.pacer), self.shutdown.hard.clone());
        // The pacer outlives the lane's own loop, since attempts that finish still call; it ends with them.
        let (soft, slots) = (self.shutdown.soft.clone(), Arc::clone(&self.slots));
        self.shutdown
            .spawn_watched(&format!("the pacer of target {}", self.name), async move {
                let over = async {
                    soft.cancelled().await;
                    slots.emptied().await;
                };
                tokio::select! {
                    () = pacer.run() => {}
                    () = hard.cancelled() => {}
                    () = over => {}
                }
            });
        let lane = Arc::clone(self);
        self.shutdown
            .spawn_watched(&format!("the lane of target {}", self.name), lane.run());
    }

    async fn run(self: Arc<Self>) {
        let wake = self.store.wake(&self.name);
        let mut ahead = ReadAhead::new();
        while !self.shutdown.soft.is_cancelled() {
            // A step may take as long as a probe.
            self.will_look_by(Instant::now() + PROBE_LIMIT);
            // Registered before the query: what is queued or freed while it runs wakes us too.
            let (woken, changed) = (wake.notified(), self.changed.notified());
            let (mut woken, mut changed) = (std::pin::pin!(woken), std::pin::pin!(changed));
            if woken.as_mut().enable() {
                ahead.let_go();
            }
            changed.as_mut().enable();
            let Next::Until(next) = self.step(&mut ahead).await else {
                continue;
            };
            self.will_look_by(next);
            tokio::select! {
                () = woken => ahead.let_go(),
                () = changed => {}
                () = tokio::time::sleep_until(next) => {}
                () = self.shutdown.soft.cancelled() => {}
            }
        }
        self.keep_permit_time().await;
    }

    fn will_look_by(&self, at: Instant) {
        *self.looks_by.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// For how long it has stood still: it should have looked at its queue, and has not. Nothing once it is to stop.
    pub(super) fn stands_for(&self) -> Duration {
        if self.shutdown.soft.is_cancelled() {
            return Duration::ZERO;
        }
        let due = *self.looks_by.lock().unwrap_or_else(PoisonError::into_inner);
        Instant::now().saturating_duration_since(due)
    }

    #[cfg(test)]
    pub(super) fn age(&self, by: Duration) {
        let mut due = self.looks_by.lock().unwrap_or_else(PoisonError::into_inner);
        *due = due.checked_sub(by).unwrap_or(*due);
    }

    async fn step(self: &Arc<Self>, ahead: &mut ReadAhead) -> Next {
        let now = Instant::now();
        if self.state().halted.is_some() {
            ahead.let_go();
            return Next::Until(now + POLL);
        }
        let pause = self.state().pause.as_ref().map(|pause| (pause.next, pause.recorded));
        if let Some((next, recorded)) = pause {
            return self.tend_pause(next, recorded).await;
        }
        let (admits, reopens) = {
            let state = self.state();
            (state.breaker.admits(now), state.breaker.reopens(false))
        };
        let idle = Next::Until(reopens.filter(|at| *at > now).map_or(now + POLL, |at| at.min(now + POLL)));
        let most = match admits {
            Admits::Nothing(until) => return Next::Until(until),
            Admits::One => 1,
            Admits::OneUrgent => 0,
            Admits::All => LARGEST_CLAIM,
        };
        // A slot before a claim, so that nothing is claimed that cannot start.
        let (mut worst, mut slots) = (LAST, self.slots.take(most));
        if slots.is_empty() && self.urgent_waits().await {
            // The slots that are kept serve nobody else.
            worst = Priority::URGENT;
            slots.extend(self.slots.take_urgent());
        }
        if slots.is_empty() {
            return idle;
        }
        let mut claims = if worst == LAST { ahead.take(slots.len()) } else { Vec::new() };
        if claims.is_empty() {
            let more = if admits == Admits::All && worst == LAST { AHEAD } else { 0 };
            claims = self
                .store
                .reserve(&self.name, worst, slots.len() + more)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(target = %self.name, error = %error_chain(&error), "could not look at the queue");
                    Vec::new()
                });
            if more > 0 {
                *ahead = ReadAhead::of(claims.split_off(claims.len().min(slots.len())));
            }
        }
        let next = if claims.is_empty() { idle } else { Next::Again };
        if !claims.is_empty() && admits != Admits::All {
            self.state().breaker.trying(now + LEASE_LENGTH);
        }
        let mut slots = slots.into_iter();
        for (claim, slot) in claims.into_iter().zip(slots.by_ref()) {
            self.take(claim, slot);
        }
        slots.for_each(Slot::unused);
        next
    }

    /// Whether something urgent waits in the queue.
    async fn urgent_waits(&self) -> bool {
        match self.store.waiting(&self.name).await {
            Ok(waiting) => waiting.is_some_and(Priority::is_urgent),
            Err(error) => {
                tracing::warn!(target = %self.name, error = %error_chain(&error), "could not look at the queue");
                false
            }
        }
    }

    /// Starts a job in a slot.
    pub(super) fn take(self: &Arc<Self>, claim: Claim, mut slot: Slot) {
        if claim.job.priority.is_urgent() {
            slot.for_urgent();
        }
        let lane = Arc::clone(self);
        self.shutdown.tracker.spawn(async move {
            let Some(outcome) = lane.work(claim).await else { return };
            // The target is done with: another job may begin while this one is written down, as long as not too many wait for that.
            let unwritten = lane.unwritten.acquire().await;
            drop(slot);
            lane.settle(outcome).await;
            drop(unwritten);
        });
    }

    pub(super) fn reserve_urgent(&self) -> Option<Slot> {
        let state = self.state();
        if self.shutdown.soft.is_cancelled() || state.halted.is_some() || state.pause.is_some() || !state.breaker.is_closed() {
            return None;
        }
        self.slots.take_urgent()
    }

    pub(super) fn status(&self) -> LaneStatus {
        let state = self.state();
        LaneStatus {
            target: self.name.clone(),
            running: self.slots.taken(),
            waiting_for_permit: self.pacer.waiting(),
            paused: state
                .halted
                .clone()
                .or_else(|| state.pause.as_ref().map(|pause| pause.why.clone())),
            down: !state.breaker.is_closed(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What cuts off an attempt that begins now.
    pub(super) fn cut(&self) -> CancellationToken {
        self.state().cut.clone()
    }

    /// An operator pauses the target, or lets it go on. What is at work is cut off at its present call, and gives its job back.
    pub(super) fn halt(&self, why: Option<String>) {
        let changed = {
            let mut state = self.state();
            match (&why, state.halted.is_some()) {
                (Some(_), false) => state.cut.cancel(),
                (None, true) => state.cut = self.shutdown.hard.child_token(),
                (_, _) => {}
            }
            let changed = state.halted != why;
            state.halted.clone_from(&why);
            changed
        };
        if changed {
            if let Some(why) = why {
                tracing::warn!(target = %self.name, why, "an operator has paused the target: nothing is sent to it");
            } else {
                tracing::info!(target = %self.name, "an operator lets the target go on");
            }
            self.change();
        }
    }

    /// The breaker changed: look again at what may be started.
    pub(super) fn change(&self) {
        self.changed.notify_one();
    }

    /// Stops claiming until a probe finds the target usable again, or an operator says so.
    pub(super) async fn pause(&self, why: String) {
        {
            let mut state = self.state();
            if state.pause.is_some() {
                return;
            }
            state.pause = Some(Pause {
                why: why.clone(),
                recorded: false,
                probes: 1,
                next: Instant::now() + PROBES.wait(1, &self.jitter),
            });
        }
        self.change();
        match self.store.pause_lane(&self.name, &why).await {
            Ok(()) => {
                if let Some(pause) = self.state().pause.as_mut() {
                    pause.recorded = true;
                }
            }
            Err(error) => {
                tracing::error!(target = %self.name, error = %error_chain(&error), "could not record that the lane is paused");
            }
        }
    }

    /// Works again.
    pub(super) async fn resume(&self) -> Result<()> {
        self.store.resume_lane(&self.name).await?;
        self.state().pause = None;
        self.change();
        Ok(())
    }

    /// Looks whether a paused lane may work again: because an operator said so in the store, or because a probe finds nothing wrong.
    async fn tend_pause(&self, next: Instant, recorded: bool) -> Next {
        if recorded && matches!(self.store.lane_paused(&self.name).await, Ok(None)) {
            // The operator's `check` has found the target usable, with the credential as its file holds it now. A probe of our own reads
            // that file again; whatever it finds, the operator's word stands.
            self.probe(&self.shutdown.soft).await;
            self.state().pause = None;
            tracing::info!(target = %self.name, "an operator's check found that the target can be used again; the lane resumes");
            return Next::Again;
        }
        if Instant::now() >= next {
            if self.probe(&self.shutdown.soft).await {
                tracing::info!(target = %self.name, "the target can be used again; the lane resumes");
                if let Err(error) = self.resume().await {
                    tracing::warn!(target = %self.name, error = %error_chain(&error), "could not record that the lane resumes");
                }
                return Next::Again;
            }
            if let Some(pause) = self.state().pause.as_mut() {
                pause.probes += 1;
                pause.next = Instant::now() + PROBES.wait(pause.probes, &self.jitter);
            }
        }
        Next::Until(next.max(Instant::now()).min(Instant::now() + POLL))
    }

    /// Whether the target is reachable and lets us do what we need. Not, where `until` is cancelled first.
    pub(super) async fn probe(&self, until: &CancellationToken) -> bool {
        let found = self.ask(until).await;
        found.is_some_and(|found| found.findings.iter().all(|finding| finding.level != Level::Error))
    }

    /// What a probe finds; `None` where the target does not answer it, or `until` is cancelled first.
    pub(super) async fn ask(&self, until: &CancellationToken) -> Option<Probe> {
        let context = CallContext::new(Priority::URGENT, Arc::clone(&self.pacer) as _);
        let probe = tokio::time::timeout(PROBE_LIMIT, self.target.probe(&context));
        tokio::select! {
            answer = probe => answer.ok()?.ok(),
            () = until.cancelled() => None,
        }
    }

    /// Keeps until when the target refuses, so that a restart does not forget it.
    pub(super) async fn keep_permit_time(&self) {
        let closed = self.pacer.closed_for();
        if closed > POLL {
            let next = self.store.clock().now().plus(closed);
            if let Err(error) = self.store.keep_permit_time(&self.name, next).await {
                tracing::warn!(target = %self.name, error = %error_chain(&error), "could not keep how long the target refuses");
            }
        }
    }
}

impl ReadAhead {
    fn new() -> Self {
        Self::of(Vec::new())
    }

    /// What is urgent stays in the queue: slots of its own may be free for it.
    fn of(claims: Vec<Claim>) -> Self {
        Self {
            claims: claims.into_iter().filter(|claim| !claim.job.priority.is_urgent()).collect(),
            until: Instant::now() + POLL,
        }
    }

    /// Up to so many of them, the most urgent first.
    fn take(&mut self, limit: usize) -> Vec<Claim> {
        if Instant::now() >= self.until {
            self.let_go();
        }
        self.claims.drain(..limit.min(self.claims.len())).collect()
    }

    fn let_go(&mut self) {
        self.claims.clear();
    }
}

/// No priority is lower.
const LAST: Priority = Priority(u8::MAX);
