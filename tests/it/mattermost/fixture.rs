//! A sandbox with people in it, the target that works on it, and an intruder who holds what `user01` holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::{Access, Containment, GrantKind, Principal, Progress, Remaining, Resolution, Scope, Timestamp, Verdict};
use revoked::settings::Settings;
use revoked::targets::mattermost::GRANTS;
use revoked::targets::mattermost::KIND;
use revoked::targets::{CallContext, ObservationRequest, Target, TargetError};
use revoked_sandbox::world::PASSWORD;
use revoked_sandbox::{Id, Options, Sandbox, Version, World};

use crate::sandbox::clock_of;

/// A day after the fixture was made: later, its sessions run out.
const NOW: Timestamp = Timestamp::from_ms(1_767_686_400_000);

/// One node whose clock stands still.
pub(crate) fn options() -> Options {
    Options {
        clock: revoked_sandbox::Clock::new(|| NOW.ms()),
        ..Options::default()
    }
}

/// A running sandbox and the target for it.
pub(crate) struct Fixture {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Clock,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) context: CallContext,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// Twenty people on a server of that version.
    pub(crate) async fn of(version: Version) -> Self {
        let mut world = World::fixture(7, 20);
        world.version = version;
        Self::start(world, options(), false).await
    }

    /// A world on the network; with `nodes`, the target knows every node by its URL.
    pub(crate) async fn start(world: World, mut options: Options, nodes: bool) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let clock = Clock::fixed(NOW);
        options.clock = clock_of(&clock);
        let token = world.operator_token().unwrap();
        let sandbox = Sandbox::start(world, options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, token.as_str()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut toml = format!("url = \"{}\"\ntoken = {{ file = \"{}\" }}\n", sandbox.url(), file.display());
        if nodes {
            toml = format!("{toml}nodes = {:?}\n", sandbox.node_urls());
        }
        let table = toml::de::DeTable::parse(&toml).unwrap();
        let target = (KIND.build)(&Settings { name: "chat", table }, &clock).unwrap_or_else(|complaints| panic!("{complaints:?}"));
        Self {
            sandbox,
            clock,
            target,
            context: CallContext::unpaced(),
            client: revoked::http::client(revoked::http::Bounds::default()).unwrap(),
            _folder: folder,
        }
    }

    /// Looks up what must be one account.
    pub(crate) async fn resolve(&self, subject: &str) -> Principal {
        match self.target.resolve(&self.context, &subject.parse().unwrap()).await.unwrap() {
            Resolution::One(principal) => principal,
            other => panic!("{other:?}"),
        }
    }

    /// Looks at everything.
    pub(crate) async fn observe(&self, principal: &Principal) -> Access {
        let seen = self
            .target
            .observe(&self.context, principal, &ObservationRequest::now(GRANTS.into()))
            .await;
        seen.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The loop of an attempt: observe, plan, apply, observe, verdict, at most four times round.
    pub(crate) async fn contain(&self, principal: &Principal, demanded: &Containment) -> Result<Outcome, TargetError> {
        let kinds = demanded.kinds(&self.target.capabilities());
        let before = self
            .target
            .observe(&self.context, principal, &ObservationRequest::now(kinds.clone()))
            .await?;
        let (mut access, mut progress) = (before.clone(), Progress::default());
        let mut outcome = None;
        for _ in 0..4 {
            for action in demanded.plan(&access, &self.target.capabilities(), &progress) {
                self.target
                    .apply(&self.context, &action, std::slice::from_ref(principal))
                    .await?;
                progress.acted = true;
            }
            access = self
                .target
                .observe(&self.context, principal, &ObservationRequest::now(kinds.clone()))
                .await?;
            progress.sessions_ended = access.suspended() || !demanded.blocks();
            progress.password_reset = true;
            let verdict = demanded.verdict(&before, &access, &self.target.capabilities(), &progress);
            let holds = verdict.is_ok();
            outcome = Some(Outcome {
                verdict,
                before: before.clone(),
                after: access.clone(),
            });
            if holds {
                break;
            }
        }
        Ok(outcome.unwrap())
    }

    /// The status that a call with a stolen credential gets at a node.
    pub(crate) async fn status(&self, node: usize, credential: Id) -> u16 {
        let url = format!("{}/api/v4/users/me", self.sandbox.node_urls()[node]);
        let sent = self.client.get(url).bearer_auth(credential.as_str()).send().await;
        sent.unwrap().status().as_u16()
    }

    /// Whether `user01`'s password opens a session.
    pub(crate) async fn signs_in(&self, name: &str) -> bool {
        let url = format!("{}/api/v4/users/login", self.sandbox.url());
        let body = serde_json::json!({"login_id": name, "password": PASSWORD});
        self.client.post(url).json(&body).send().await.unwrap().status().is_success()
    }

    /// The secrets of everything that lets somebody act as the person: sessions, OAuth tokens and access tokens.
    pub(crate) fn stolen(&self, name: &str) -> Vec<Id> {
        let world = self.sandbox.world();
        let person = world.person(name).unwrap();
        let sessions = person
            .sessions
            .iter()
            .filter_map(|id| world.session(*id))
            .map(|session| session.token);
        sessions.chain(world.tokens_of(person.id).map(|token| token.secret)).collect()
    }
}

/// What came of containing somebody.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Result<Verdict, Remaining>,
    pub(crate) before: Access,
    pub(crate) after: Access,
}

/// A demand for everything, with or without a block.
pub(crate) fn everything(block: bool) -> Containment {
    demand(Scope::Everything, GRANTS.into(), block)
}

/// One of the three single operations.
pub(crate) fn single(scope: Scope) -> Containment {
    demand(scope, BTreeSet::new(), false)
}

fn demand(scope: Scope, end: BTreeSet<GrantKind>, block: bool) -> Containment {
    Containment {
        scope,
        end,
        block,
        ..Containment::nothing()
    }
}
