//! The measurements behind the project's promises: each against a stated reference in the same run, as medians of five.
//!
//! The sandbox runs in a process of its own (this binary, started again), so that its work is not counted as ours; it shares the cores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed, and it prints"
)]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures with the machine's own clock")]

mod accept;
mod burst;
mod calls;
mod claim;
mod cost;
mod figures;
mod first_revoke;
mod lane;
mod memory;
mod pacing;
mod scale;
mod server;
mod table;
mod throughput;
mod urgent;
mod wal;

use table::Row;

/// How often each figure is taken; the median is printed.
const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if arguments.first().is_some_and(|word| word == server::CHILD) {
        return runtime.block_on(server::serve(&arguments[1..]));
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("first_revoke") {
        rows.extend(runtime.block_on(first_revoke::measure()));
    }
    if wanted("accept") {
        rows.extend(runtime.block_on(accept::measure()));
    }
    if wanted("throughput") {
        rows.extend(runtime.block_on(throughput::measure()));
    }
    if wanted("slow_server") {
        rows.extend(runtime.block_on(throughput::measure_slow()));
    }
    if wanted("calls") {
        rows.extend(runtime.block_on(calls::measure()));
    }
    if wanted("burst") {
        rows.extend(runtime.block_on(burst::measure()));
    }
    if wanted("urgent") {
        rows.extend(runtime.block_on(urgent::measure()));
    }
    if wanted("claim") {
        rows.extend(runtime.block_on(claim::measure()));
    }
    if wanted("pacing") {
        rows.extend(runtime.block_on(pacing::measure()));
    }
    if wanted("scale") {
        rows.extend(runtime.block_on(scale::measure()));
    }
    if wanted("memory") {
        rows.extend(runtime.block_on(memory::measure()));
    }
    table::print(&rows);
}
