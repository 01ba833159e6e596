//! The whole, as an operator has it: the real binary with a real config, over real HTTP to the sandbox.
//!
//! Ways in: `inbox`, `webhooks`, `ssf_push`, `ssf_streams`, `scim`, `universal_logout`, `back_channel_logout`, `hr_files`, `hr_exports`,
//! `hr_preview`, `hr_accounts`, `hr_departures`, `large_files`, `planned_departures`, `leaked_credentials`, `silent_source`. Cases: `seed_operations` first,
//! `departed_person`, `identity`, `evidence`, `open_doors`, `holds`, `sweeps`, `keep_out`, `case_call_off`, `release`. What receivers are told: `transmitter`. Operation:
//! `asked`, `reload`, `readiness_and_watchdog`, `graceful_shutdown`, `crash_recovery`, `full_disk`, `lock_waits`, `log_lines`, `target_outage`, `target_pause`, `paused_batches`, `alert_exec`, `lying_target`,
//! `connection_flood`, `throttled_endpoints`, `file_modes`, `displaced_store`, `refused_starts`, `trail_keys`, `secret_leaks`. The installation that they all
//! drive is `harness`; `under_way` has those from which several begin.

mod alert_exec;
mod asked;
mod back_channel_logout;
mod canary;
mod case_call_off;
mod connection_flood;
mod crash_recovery;
mod damaged_file;
mod damaged_rows;
mod dead_writer;
mod departed_person;
mod displaced_store;
mod evidence;
mod file_modes;
mod full_disk;
mod graceful_shutdown;
mod holds;
mod hr_accounts;
mod hr_departures;
mod hr_exports;
mod hr_files;
mod hr_preview;
mod identity;
mod inbox;
mod keep_out;
mod large_files;
mod leaked_credentials;
mod lock_waits;
mod log_lines;
mod lying_target;
mod open_doors;
mod paused_batches;
mod planned_departures;
mod readiness_and_watchdog;
mod refused_starts;
mod release;
mod reload;
mod scim;
mod secret_leaks;
mod seed_operations;
mod silent_source;
mod ssf_push;
mod ssf_streams;
mod sweeps;
mod target_outage;
mod target_pause;
mod throttled_endpoints;
mod traces;
mod trail_keys;
mod trail_look;
mod transmitter;
mod under_way;
mod universal_logout;
mod webhooks;

use crate::harness::{BOUND, CommandOutput, DaemonProcess, Installation, InstallationPlan, until};
