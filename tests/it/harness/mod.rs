//! An installation under test: a folder with config, secrets and store (`installation`), the daemon as a child process (`daemon_process`),
//! an identity provider that signs and pushes (`identity_provider`), what people hold at the chat server
//! (`chat_holdings`), a terminal to run commands in (`pty`), a browser (`webdriver`), and what must hold whatever was done to the daemon (`invariants`).

pub(crate) mod chat_holdings;
mod daemon_process;
pub(crate) mod identity_provider;
mod installation;
pub(crate) mod invariants;
pub(crate) mod pty;
pub(crate) mod webdriver;

pub(crate) use crate::wait::{BOUND, PATIENT, until};
pub(crate) use daemon_process::DaemonProcess;
pub(crate) use installation::{CommandOutput, Installation, InstallationPlan};
