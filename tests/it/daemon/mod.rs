//! The whole, as an operator has it: the real binary with a real config, over real HTTP to the sandbox.

mod chat;
mod departed;
mod lying;
mod patience;
mod running;
mod seeds;
mod site;

use patience::{BOUND, until};
use running::Running;
use site::{Plan, Said, Site};
