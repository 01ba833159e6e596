//! The name of every figure, as the table prints it. `docs/speed.md` has a row for each, and a test compares.

pub(crate) const FIRST_REVOKE: &str = "signal to first revoke, idle, p50";
pub(crate) const FIRST_REVOKE_TAIL: &str = "signal to first revoke, idle, p99";
pub(crate) const ACCEPT: &str = "signals accepted a second, one by one";
pub(crate) const JOBS: &str = "jobs a second to verdict, 64 at once";
pub(crate) const CPU: &str = "own CPU a job, 64 at once";
pub(crate) const SWITCHES: &str = "context switches a job, 64 at once";
pub(crate) const COMMITS: &str = "commits a job, 64 at once";
pub(crate) const WAL: &str = "write-ahead log a job, 64 at once";
pub(crate) const DISK: &str = "on disk for each finished case";
pub(crate) const SLOW: &str = "jobs a second to verdict, 64 at once, a server that takes 5 ms a call";
pub(crate) const URGENT_5: &str = "urgent behind 10^5 routine at 10/s: signal to the answer of its first call";
pub(crate) const URGENT_6: &str = "urgent behind 10^6 routine at 10/s: signal to the answer of its first call";
pub(crate) const ALONE_FIRST: &str = "compromise alone at 10/s with a burst of 10: signal to first revoke";
pub(crate) const ALONE_VERDICT: &str = "compromise alone at 10/s with a burst of 10: signal to verdict";
pub(crate) const CROWD: &str = "20 compromised at once at 10/s without a burst: signal to the first revoke of the last";
pub(crate) const CALLS_COMPROMISED: &str = "calls a person, 1 compromised at once, 5 teams";
pub(crate) const CALLS_DEPARTED: &str = "calls a person, 1 departed at once, 5 teams";
pub(crate) const CALLS_MANY: &str = "calls a person, 300 departed at once, 5 teams";
pub(crate) const SWEEP: &str = "calls a sweep, 1 leaver at once, 5 teams";
pub(crate) const SWEEPS: &str = "calls a sweep, 300 leavers at once, 5 teams";
pub(crate) const CLAIM: &str = "claim of one job with its commit, 10^6 queued";
pub(crate) const PACING: &str = "achieved of 100/s permitted, over 10 s";
pub(crate) const IDLE_MEMORY: &str = "resident memory, idle";
pub(crate) const FULL_MEMORY: &str = "resident memory, 10^6 queued behind an unreachable target";
