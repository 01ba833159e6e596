//! The whole, as an operator has it: the real binary with a real config, over real HTTP to the sandbox.

mod chat;
mod checker;
mod departed;
mod holds;
mod idp;
mod inbox;
mod kills;
mod lying;
mod outage;
mod patience;
mod refusals;
mod running;
mod seeds;
mod site;
mod stop;
mod watch;

use patience::{BOUND, until};
use running::Running;
use site::{Plan, Said, Site};
