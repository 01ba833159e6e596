//! The whole, as an operator has it: the real binary with a real config, over real HTTP to the sandbox.

mod canary;
mod chat;
mod checker;
mod departed;
mod full_disk;
mod holds;
mod hr_exports;
mod hr_files;
mod identity;
mod idp;
mod inbox;
mod kills;
mod leavers;
mod logged_out;
mod lying;
mod outage;
mod patience;
mod plans;
mod provisioned;
mod pushed;
mod refusals;
mod running;
mod seeds;
mod silence;
mod site;
mod stop;
mod streams;
mod told;
mod universal_logout;
mod watch;
mod webhooks;

pub(crate) use patience::{BOUND, until};
pub(crate) use running::Running;
pub(crate) use site::{Plan, Said, Site};
