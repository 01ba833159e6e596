//! A stand-in and the target that was built for it, one for each shipped description.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use revoked::clock::Clock;
use revoked::jose::{Algorithm, Signer};
use revoked::model::{Access, GrantKind, Principal, Resolution, Subject, Timestamp};
use revoked::settings::Settings;
use revoked::targets::{CallContext, KINDS, ObservationRequest, Target, TargetError};

use super::description::{Description, shipped};
use super::recording::Recording;
use super::stand_in::{NOW, StandIn};

/// The credential that the stand-in is shown, where it is no key.
pub(super) const SECRET: &str = "a-secret-that-nobody-else-has";

static KEY: LazyLock<String> = LazyLock::new(|| {
    let der = Signer::generate("k1", Algorithm::Rs256).unwrap().to_pkcs8().unwrap();
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = (0..base64.len())
        .step_by(64)
        .map(|at| &base64[at..base64.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
});

/// One description at work.
pub(super) struct Stage {
    pub(super) description: Arc<Description>,
    pub(super) recording: Arc<Recording>,
    pub(super) server: StandIn,
    pub(super) target: Arc<dyn Target>,
    pub(super) context: CallContext,
    folder: tempfile::TempDir,
}

impl Stage {
    pub(super) async fn of(name: &str) -> Self {
        let description = Arc::new(Description::of(name));
        let recording = Arc::new(Recording::of(name));
        let server = StandIn::start(Arc::clone(&description), Arc::clone(&recording)).await;
        let folder = tempfile::tempdir().unwrap();
        let target = build(&description, &recording, &server.url(), folder.path());
        Self {
            description,
            recording,
            server,
            target,
            context: CallContext::unpaced(),
            folder,
        }
    }

    /// One of each.
    pub(super) async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for name in shipped() {
            all.push(Self::of(&name).await);
        }
        all
    }

    pub(super) fn name(&self) -> &str {
        &self.description.name
    }

    /// The same target at another URL.
    pub(super) fn rebuilt(&self, url: &str) -> Arc<dyn Target> {
        build(&self.description, &self.recording, url, self.folder.path())
    }

    pub(super) async fn resolve(&self, subject: &str) -> Result<Resolution, TargetError> {
        self.resolve_name(&subject.parse().unwrap()).await
    }

    pub(super) async fn resolve_name(&self, subject: &Subject) -> Result<Resolution, TargetError> {
        self.target.resolve(&self.context, subject).await
    }

    /// Who is found by the recording's subject.
    pub(super) async fn found(&self) -> Principal {
        match self.resolve(&self.recording.found).await {
            Ok(Resolution::One(principal)) => principal,
            other => panic!("{}: {other:?}; unknown: {:?}", self.name(), self.server.take_unknown()),
        }
    }

    pub(super) fn lists(&self) -> BTreeSet<GrantKind> {
        self.target.capabilities().lists
    }

    pub(super) async fn observe(&self, principal: &Principal, kinds: BTreeSet<GrantKind>) -> Result<Access, TargetError> {
        self.target
            .observe(&self.context, principal, &ObservationRequest::now(kinds))
            .await
    }

    /// Everything that can be seen.
    pub(super) async fn look(&self, principal: &Principal) -> Access {
        let able = self.target.capabilities();
        let kinds = able
            .lists
            .into_iter()
            .chain(able.unlisted.into_keys())
            .chain(able.ends_all)
            .collect();
        let seen = self.observe(principal, kinds).await;
        seen.unwrap_or_else(|error| panic!("{}: {error}; unknown: {:?}", self.name(), self.server.take_unknown()))
    }
}

fn build(description: &Description, recording: &Recording, url: &str, folder: &Path) -> Arc<dyn Target> {
    let mut keys = format!("url = \"{url}\"\n");
    for need in description.needs() {
        let file = folder.join(need);
        let signs = description.at("/auth/assertion").is_some();
        std::fs::write(&file, if signs { KEY.as_str() } else { SECRET }).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        writeln!(keys, "{need} = {{ file = \"{}\" }}", file.display()).unwrap();
    }
    for (key, value) in &recording.config {
        writeln!(keys, "{key} = {value}").unwrap();
    }
    if let Some(origins) = description.at("/origins").and_then(|origins| origins.as_array()) {
        let origins: Vec<String> = origins.iter().map(|origin| format!("{origin} = \"{url}\"")).collect();
        writeln!(keys, "origins = {{ {} }}", origins.join(", ")).unwrap();
    }
    let kind = KINDS.iter().find(|kind| kind.name == description.name);
    let kind = kind.unwrap_or_else(|| panic!("{} has no row in KINDS", description.name));
    let settings = Settings {
        name: "target",
        table: toml::de::DeTable::parse(&keys).unwrap(),
    };
    (kind.build)(&settings, &Clock::fixed(Timestamp::from_seconds(NOW)))
        .unwrap_or_else(|complaints| panic!("{keys}: {complaints:?}"))
}
