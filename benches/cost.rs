//! What a stretch of work cost a machine, as the kernel counts it: CPU and context switches, by thread.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How the kernel names the threads on which SQLite runs: by the first fifteen letters.
const STORE_THREADS: &str = "sqlx-sqlite-wor";

/// The counts of one thread, or of several.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) cpu: Duration,
    /// How often it gave up the core: to wait, or because its time was over.
    pub(crate) waits: u64,
    pub(crate) preempted: u64,
}

/// The counts of a program, by the name of its threads. A thread that has ended is no longer counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost(pub(crate) BTreeMap<String, Count>);

/// What this program has cost so far.
pub(crate) fn own() -> Cost {
    of(std::process::id())
}

pub(crate) fn of(pid: u32) -> Cost {
    let mut cost = Cost::default();
    let tasks = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).unwrap();
    for task in tasks.map(|task| task.unwrap().path()) {
        // A thread may end while it is looked at.
        let read = |file: &str| std::fs::read_to_string(task.join(file)).unwrap_or_default();
        let (name, schedule, status) = (read("comm"), read("schedstat"), read("status"));
        let nanos = schedule.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
        let counted = |what: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(what));
            line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
        };
        let count = cost.0.entry(name.trim().to_owned()).or_default();
        count.cpu += Duration::from_nanos(nanos);
        count.waits += counted("voluntary_ctxt_switches:");
        count.preempted += counted("nonvoluntary_ctxt_switches:");
    }
    cost
}

impl Cost {
    /// What has been added since.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let added = self.0.iter().map(|(name, now)| {
            let then = before.0.get(name).copied().unwrap_or_default();
            let count = Count {
                cpu: now.cpu.saturating_sub(then.cpu),
                waits: now.waits.saturating_sub(then.waits),
                preempted: now.preempted.saturating_sub(then.preempted),
            };
            (name.clone(), count)
        });
        Self(added.collect())
    }

    /// All threads together.
    pub(crate) fn whole(&self) -> Count {
        sum(self.0.values())
    }

    /// The threads on which SQLite runs. Each statement that is sent to one, or several that are sent together, wakes it once.
    pub(crate) fn store(&self) -> Count {
        sum(self
            .0
            .iter()
            .filter(|(name, _)| *name == STORE_THREADS)
            .map(|(_, count)| count))
    }
}

impl Count {
    pub(crate) fn switches(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let switches = (self.waits + self.preempted) as f64;
        switches
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a Count>) -> Count {
    counts.fold(Count::default(), |all, one| Count {
        cpu: all.cpu + one.cpu,
        waits: all.waits + one.waits,
        preempted: all.preempted + one.preempted,
    })
}
