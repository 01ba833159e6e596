//! What takes things in and goes on until the daemon stops, or until a new config has no more use for it.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::supervision::Supervisor;

/// What takes things in, until `stop`. Cheap to clone.
#[derive(Clone)]
pub(super) struct Listeners {
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
    pub(super) supervisor: Supervisor,
}

/// One of them that can be stopped alone.
pub(super) struct Work {
    stop: CancellationToken,
    ended: JoinHandle<()>,
}

impl Listeners {
    pub(super) fn spawn_watched(&self, name: &str, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(self.supervisor.watch(name, self.stop.clone(), work));
    }

    /// Starts something that can be stopped alone. It begins once `before`, which is told to stop now, has ended: no two are at the same thing.
    pub(super) fn spawn_after<W>(&self, before: Option<Work>, name: &str, work: impl FnOnce(CancellationToken) -> W) -> Work
    where
        W: Future<Output = ()> + Send + 'static,
    {
        if let Some(before) = &before {
            before.stop.cancel();
        }
        let stop = self.stop.child_token();
        let work = work(stop.clone());
        let in_turn = async move {
            if let Some(before) = before {
                // A panic of it has been told by its name.
                let _ = before.ended.await;
            }
            work.await;
        };
        let ended = self.tracker.spawn(self.supervisor.watch(name, stop.clone(), in_turn));
        Work { stop, ended }
    }
}

impl Work {
    /// Tells it to stop. It ends in its own time.
    pub(super) fn stop(self) {
        self.stop.cancel();
    }
}
