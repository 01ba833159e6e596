//! A question to all hosts at once. Each answers, or fails, by itself.

use super::failure::Failure;
use super::report::Report;
use super::ssh::{Asked, Host, Login};
use crate::model::Timestamp;
use crate::targets::CallContext;

/// What each host answered, by the host's name.
pub(super) type Answers = Vec<(String, Result<Report, Failure>)>;

/// All hosts of a target.
pub(super) struct Hosts {
    hosts: Vec<Host>,
    login: Login,
}

impl Hosts {
    pub(super) const fn new(hosts: Vec<Host>, login: Login) -> Self {
        Self { hosts, login }
    }

    /// Our account there.
    pub(super) fn user(&self) -> &str {
        &self.login.user
    }

    /// Asks every host; each waits for a permit of its own.
    pub(super) async fn ask(&self, context: &CallContext, asked: Asked, account: &str, at: Timestamp) -> Answers {
        let one = async |host: &Host| {
            let _permit = context.permit().await;
            (host.name.clone(), self.login.ask(host, asked, account, at).await)
        };
        futures_util::future::join_all(self.hosts.iter().map(one)).await
    }
}
