//! Supervision: long-lived work is watched, and work that ends or panics although nobody has stopped it is told by its name.
//!
//! Half a daemon is worse than none: it says that it is ready while nobody reads the inbox or tells the receivers. Whoever runs the whole
//! waits for [`Supervisor::failure`], stops the rest in good order and ends with an error, so that systemd starts it again.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Watches long-lived work. Cheap to clone; the clones share the first failure.
#[derive(Debug, Clone, Default)]
pub struct Supervisor(watch::Sender<Option<Failure>>);

/// Work that is over although it should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the work was.
    pub name: String,
    /// How it came to an end.
    pub how: &'static str,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.how)
    }
}

impl Supervisor {
    /// The same work, watched: it may end once `stop` is cancelled and not before, and it may never panic.
    pub fn watch<W>(&self, name: &str, stop: CancellationToken, work: W) -> impl Future<Output = ()> + Send + use<W>
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (supervisor, name) = (self.clone(), name.to_owned());
        async move {
            // Nothing that the work has left half done is used again: the daemon stops.
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(()) if stop.is_cancelled() => {}
                Ok(()) => supervisor.report(&name, "has ended although nobody had stopped it"),
                Err(_) => supervisor.panicked(&name),
            }
        }
    }

    /// Tells of work that has panicked. What a panic says may quote what somebody sent, so it is not told on: it stands on standard error.
    pub fn panicked(&self, name: &str) {
        self.report(name, "has panicked; standard error says why");
    }

    /// Tells of work that is over although it should not be. The first of several is the one that is kept.
    pub fn report(&self, name: &str, how: &'static str) {
        let failure = Failure {
            name: name.to_owned(),
            how,
        };
        tracing::error!("{failure}");
        self.0.send_if_modified(|first| {
            let new = first.is_none();
            first.get_or_insert(failure);
            new
        });
    }

    /// The first work that is over although it should not be. Waits until there is one.
    pub async fn failure(&self) -> Failure {
        let mut seen = self.0.subscribe();
        loop {
            if let Some(failure) = &*seen.borrow_and_update() {
                return failure.clone();
            }
            // Never an error: this is a sender itself.
            if seen.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn told(supervisor: &Supervisor) -> Option<String> {
        let failure = tokio::time::timeout(Duration::from_secs(1), supervisor.failure()).await;
        failure.ok().map(|failure| failure.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_or_panics_before_it_is_stopped_is_told_by_its_name() {
        let supervisor = Supervisor::default();
        let stop = CancellationToken::new();
        tokio::spawn(supervisor.watch("the inbox", stop.clone(), async {}));
        assert_eq!(
            told(&supervisor).await.unwrap(),
            "the inbox has ended although nobody had stopped it"
        );
        // The first is what the daemon ends for; what follows from it is in the log.
        tokio::spawn(supervisor.watch("a lane", stop, async { panic!("of a test") }));
        assert!(told(&supervisor).await.unwrap().starts_with("the inbox "));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_told_whether_or_not_it_was_stopped_and_its_words_are_not() {
        for stopped in [false, true] {
            let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
            if stopped {
                stop.cancel();
            }
            tokio::spawn(supervisor.watch("a lane", stop, async { panic!("alice@example.org") }));
            let said = told(&supervisor).await.unwrap();
            assert!(said.starts_with("a lane has panicked") && !said.contains("alice"), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_ends_once_it_is_stopped_is_no_failure() {
        let (supervisor, stop) = (Supervisor::default(), CancellationToken::new());
        let work = stop.clone().cancelled_owned();
        let running = tokio::spawn(supervisor.watch("the scheduler", stop.clone(), work));
        assert_eq!(told(&supervisor).await, None);
        stop.cancel();
        running.await.unwrap();
        assert_eq!(told(&supervisor).await, None);
    }
}
