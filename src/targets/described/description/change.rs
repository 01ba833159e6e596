//! Changes to an account: `[[suspend]]`, `[[password]]`, `[[before]]`.

use reqwest::Url;

use super::answer::AnyOf;
use super::principal::Reading;
use super::request::Request;
use super::table::Table;
use super::template::{Allowed, Slot};

/// One request of a change.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct ChangeStep {
    pub(in crate::targets::described) request: Request,
    /// It is sent only where this holds of the account as it was just read.
    pub(in crate::targets::described) when: Option<AnyOf>,
    /// It is not sent where this holds.
    pub(in crate::targets::described) unless: Option<AnyOf>,
    /// What is read first, in place of the account, for `{principal:…}`.
    pub(in crate::targets::described) read: Option<Reading>,
}

impl ChangeStep {
    /// Reads the steps of `key`, in order.
    pub(in crate::targets::described) fn read_all(
        table: &Table<'_>,
        key: &'static str,
        allowed: Allowed<'_>,
        origins: &[Url],
    ) -> Vec<Self> {
        let mut steps = Vec::new();
        for step in table.tables(key) {
            let request = Request::read(&step, allowed.with(&["id", "self", "random", "principal:"]), origins);
            let read = step.table("read").and_then(|read| {
                let reading = Reading::read(&read, "at", allowed.with(&["id", "self"]), origins);
                read.done();
                reading
            });
            let (when, unless) = (AnyOf::read(&step, "when"), AnyOf::read(&step, "unless"));
            if let Some(request) = request {
                if !request.names(|slot| matches!(slot, Slot::Id | Slot::Principal(_))) {
                    step.complain(
                        "call",
                        "call: the request names neither {id} nor {principal:…}, so it is about nobody",
                    );
                }
                if request.method == http::Method::GET {
                    step.complain("call", "call: a GET changes nothing");
                }
                steps.push(Self {
                    request,
                    when,
                    unless,
                    read,
                });
            }
            step.done();
        }
        steps
    }

    /// Whether the account must be read before it can be sent.
    pub(in crate::targets::described) fn needs_account(&self) -> bool {
        let splices = self.read.is_none() && self.request.names(|slot| matches!(slot, Slot::Principal(_)));
        splices || self.when.is_some() || self.unless.is_some()
    }
}
