//! A directory with people in it, and the target that works on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::{
    Access, Action, Containment, GrantKind, PasswordReset, Principal, Progress, Remaining, Resolution, Subject, Verdict,
};
use revoked::settings::{ConfigReport, Settings};
use revoked::targets::{Applied, CallContext, KINDS, ObservationRequest, Target, TargetError};
use tempfile::TempDir;
use toml::de::DeTable;

use crate::servers::slapd::{PASSWORD, PEOPLE, POLICY, REVOKED};
use crate::servers::{Slapd, System as _};

/// The target for a directory.
pub(crate) struct Fixture {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) context: CallContext,
    _folder: TempDir,
}

/// Builds a target of a kind, or shows what is wrong with its table. `{folder}` stands for a folder with our password in it.
pub(crate) fn build(kind: &str, table: &str) -> Result<Fixture, String> {
    build_with(kind, table, PASSWORD)
}

/// The same with another password.
pub(crate) fn build_with(kind: &str, table: &str, password: &str) -> Result<Fixture, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, password).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let text = table.replace("{folder}", &folder.path().display().to_string());
    let settings = Settings {
        name: "directory",
        table: DeTable::parse(&text).unwrap(),
    };
    let kind = KINDS.iter().find(|row| row.name == kind).unwrap();
    match (kind.build)(&settings, &Clock::system()) {
        Err(complaints) => Err(ConfigReport::new("t", &text, complaints).to_string()),
        Ok(target) => Ok(Fixture {
            target,
            context: CallContext::unpaced(),
            _folder: folder,
        }),
    }
}

/// The table of a target at this address, signed in as `bind`.
pub(crate) fn table(url: &str, bind: &str, more: &str) -> String {
    format!(
        "url = \"{url}\"\nbind = \"{bind}\"\npassword = {{ file = \"{{folder}}/password\" }}\npeople = \"{PEOPLE}\"\npolicy = \"{POLICY}\"\n{more}\n"
    )
}

/// A running directory and the target for it, or `None` where real servers are left out.
pub(crate) async fn slapd(more: &str) -> Option<(Slapd, Fixture)> {
    let server = Slapd::start().await?;
    let fixture = build("ldap", &table(&server.url(), REVOKED, more)).unwrap();
    Some((server, fixture))
}

/// What came of containing somebody.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Result<Verdict, Remaining>,
    pub(crate) before: Access,
    pub(crate) after: Access,
}

/// Everything but what a directory does not have.
pub(crate) fn departed() -> Containment {
    Containment {
        end: GrantKind::ALL.into(),
        block: true,
        reset_password: PasswordReset::Always,
        ..Containment::nothing()
    }
}

/// The account alone.
pub(crate) fn blocked() -> Containment {
    Containment {
        block: true,
        ..Containment::nothing()
    }
}

impl Fixture {
    pub(crate) async fn resolution(&self, subject: &Subject) -> Result<Resolution, TargetError> {
        self.target.resolve(&self.context, subject).await
    }

    /// Looks up what must be one account.
    pub(crate) async fn resolve(&self, subject: &str) -> Principal {
        match self.resolution(&subject.parse().unwrap()).await {
            Ok(Resolution::One(principal)) => principal,
            other => panic!("{subject}: {other:?}"),
        }
    }

    /// Looks at everything.
    pub(crate) async fn observe(&self, principal: &Principal) -> Access {
        let ask = ObservationRequest::now(GrantKind::ALL.into());
        self.target.observe(&self.context, principal, &ask).await.unwrap()
    }

    pub(crate) async fn apply(&self, principal: &Principal, action: &Action) -> Result<Applied, TargetError> {
        self.target
            .apply(&self.context, action, std::slice::from_ref(principal))
            .await
    }

    /// The loop of an attempt: observe, plan, apply, observe, verdict.
    pub(crate) async fn contain(&self, principal: &Principal, demanded: &Containment) -> Result<Outcome, TargetError> {
        let able = self.target.capabilities();
        let ask = ObservationRequest::now(demanded.kinds(&able));
        let before = self.target.observe(&self.context, principal, &ask).await?;
        let mut progress = Progress::default();
        for action in demanded.plan(&before, &able, &progress) {
            let applied = self.apply(principal, &action).await?;
            let now = Clock::system().now();
            progress.acted_at.note(&action, now, applied.sent_at.unwrap_or(now));
            progress.acted = true;
        }
        let after = self.target.observe(&self.context, principal, &ask).await?;
        Ok(Outcome {
            verdict: demanded.verdict(&before, &after, &able, &progress),
            before,
            after,
        })
    }
}
