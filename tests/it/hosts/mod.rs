//! Targets that are reached otherwise than by HTTP: databases, hosts, programs of the operator's own.

mod exec;
mod exec_lies;
mod linux_host;
mod postgresql;

use std::collections::BTreeSet;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::{Access, Containment, GrantKind, PasswordReset, Principal, Progress, Remaining, Resolution, Verdict};
use revoked::settings::{ConfigReport, Settings};
use revoked::targets::{CallContext, Kind, ObservationRequest, Target, TargetError};

/// A target as the config builds it.
struct Built {
    target: Arc<dyn Target>,
    context: CallContext,
}

/// What a config with this table says is wrong with it.
fn complaints(kind: &Kind, toml: &str) -> String {
    let table = toml::de::DeTable::parse(toml).unwrap();
    let built = (kind.build)(&Settings { name: "t", table }, &Clock::system());
    ConfigReport::new("t", toml, built.err().expect("the table was taken")).to_string()
}

/// A demand for these kinds.
fn demand(end: impl Into<BTreeSet<GrantKind>>, block: bool, reset_password: PasswordReset) -> Containment {
    Containment {
        end: end.into(),
        block,
        reset_password,
        ..Containment::nothing()
    }
}

impl Built {
    fn new(kind: &Kind, toml: &str) -> Self {
        let table = toml::de::DeTable::parse(toml).unwrap();
        let built = (kind.build)(&Settings { name: "t", table }, &Clock::system());
        Self {
            target: built.unwrap_or_else(|complaints| panic!("{}", ConfigReport::new("t", toml, complaints))),
            context: CallContext::unpaced(),
        }
    }

    async fn resolution(&self, subject: &str) -> Result<Resolution, TargetError> {
        self.target.resolve(&self.context, &subject.parse().unwrap()).await
    }

    /// Looks up what must be one account.
    async fn resolve(&self, subject: &str) -> Principal {
        match self.resolution(subject).await {
            Ok(Resolution::One(principal)) => principal,
            Ok(other) => panic!("{other:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Looks at everything that there is.
    async fn observe(&self, principal: &Principal) -> Result<Access, TargetError> {
        let able = self.target.capabilities();
        let kinds = GrantKind::ALL.into_iter().filter(|kind| able.has(*kind)).collect();
        self.target
            .observe(&self.context, principal, &ObservationRequest::now(kinds))
            .await
    }

    /// The loop of an attempt: observe, plan, apply, observe, verdict, at most four times round.
    async fn contain(&self, principal: &Principal, demanded: &Containment) -> Result<Result<Verdict, Remaining>, TargetError> {
        let able = self.target.capabilities();
        let ask = ObservationRequest::now(demanded.kinds(&able));
        let before = self.target.observe(&self.context, principal, &ask).await?;
        let (mut access, mut progress) = (before.clone(), Progress::default());
        let mut verdict = None;
        for _ in 0..4 {
            for action in demanded.plan(&access, &able, &progress) {
                self.target
                    .apply(&self.context, &action, std::slice::from_ref(principal))
                    .await?;
                progress.acted = true;
            }
            access = self.target.observe(&self.context, principal, &ask).await?;
            progress.password_reset = true;
            if access.suspended() || !demanded.blocks() {
                progress.ended_all.clone_from(&able.ends_all);
            }
            let found = demanded.verdict(&before, &access, &able, &progress);
            let holds = found.is_ok();
            verdict = Some(found);
            if holds {
                break;
            }
        }
        Ok(verdict.unwrap())
    }
}
