//! The installation: the stand-in, and a folder with the config, the secrets and the keys as an operator would put them there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use revoked_sandbox::{Sandbox, World};
use revoked_trail::key::random_key;

use super::Place;
use super::folder::Folder;
use super::people::People;
use crate::clock::Clock;
use crate::digest::hex;
use crate::jose::{Algorithm, Signer};

/// The identity provider's name for itself.
pub(super) const ISSUER: &str = "https://idp.example.test";
/// The identity provider's name for us.
pub(super) const AUDIENCE: &str = "https://revoked.example.test/signals/idp";
/// When the first sweep after a verdict comes, in the demo.
pub(super) const FIRST_SWEEP: &str = "2s";
/// The name of the key that the identity provider signs with.
pub(super) const KID: &str = "demo-1";

/// Everything that is there before the daemon starts.
pub(super) struct Installation {
    pub(super) sandbox: Sandbox,
    /// The identity provider.
    pub(super) issuer: Signer,
    /// What the identity provider sends as `Authorization`.
    pub(super) authorization: String,
    folder: Folder,
    address: Option<SocketAddr>,
}

impl Installation {
    /// Puts up the stand-in with `world` in it and writes the installation into `folder`.
    pub(super) async fn build(folder: Folder, world: World, people: &People, clock: &Clock) -> anyhow::Result<Self> {
        let token = world.operator_token().context("the sandbox has no operator")?;
        let sandbox = stand_in(world, clock).await?;
        let issuer = Signer::generate(KID, Algorithm::EdDsa)?;
        let authorization = format!("Bearer {}", hex(&random_key()?));
        folder.folder("hr")?;
        folder.folder("elsewhere")?;
        folder.write("chat-token", format!("{token}\n"))?;
        folder.write("idp-authorization", format!("{authorization}\n"))?;
        folder.write("trail-key", random_key()?)?;
        folder.write("idp.jwks.json", issuer.jwks()?.to_string())?;
        folder.write("revoked.toml", config(folder.path(), &sandbox.url(), people))?;
        Ok(Self {
            sandbox,
            issuer,
            authorization,
            folder,
            address: None,
        })
    }

    /// Takes note of where the daemon listens.
    pub(super) fn open(&mut self, address: SocketAddr) {
        self.address = Some(address);
    }

    pub(super) fn daemon_url(&self) -> String {
        self.address.map_or_else(String::new, |address| format!("http://{address}"))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.path().join("revoked.toml")
    }

    pub(super) fn store(&self) -> PathBuf {
        self.folder.path().join("revoked.db")
    }

    pub(super) fn anchor(&self) -> PathBuf {
        self.folder.path().join("elsewhere/checkpoints")
    }

    pub(super) fn drop_folder(&self) -> PathBuf {
        self.folder.path().join("hr")
    }

    pub(super) fn place(&self) -> Place {
        Place {
            server: self.sandbox.url(),
            daemon: self.daemon_url(),
            config: self.folder.is_kept().then(|| self.config()),
        }
    }
}

/// Starts the Mattermost stand-in with `world` in it, which tells the time by our clock.
pub(super) async fn stand_in(world: World, clock: &Clock) -> anyhow::Result<Sandbox> {
    let clock = clock.clone();
    let options = revoked_sandbox::Options {
        clock: revoked_sandbox::Clock::new(move || clock.now().ms()),
        ..revoked_sandbox::Options::default()
    };
    Sandbox::start(world, options)
        .await
        .context("starting the Mattermost stand-in")
}

/// The tables of the config without which there is no installation.
pub(super) fn base_config(folder: &Path, server: &str) -> String {
    let path = |name: &str| toml::Value::String(folder.join(name).display().to_string()).to_string();
    format!(
        "[store]
path = {store}

[listen]
address = \"127.0.0.1:0\"                 # any free port; name one in a config of your own

[trail]
origin = \"demo.example.test/trail/1\"
key = {{ file = {trail_key} }}
anchor = {anchor}

[[target]]
name = \"chat\"
kind = \"mattermost\"
url = \"{server}\"
token = {{ file = {token} }}
rate = \"100/s\"
concurrency = 4
",
        store = path("revoked.db"),
        trail_key = path("trail-key"),
        anchor = path("elsewhere/checkpoints"),
        token = path("chat-token"),
    )
}

/// The config, as a user writes one. The only things that a real one would not have are the short first sweep and the quick looks into the
/// drop folder, which keep the demo short.
fn config(folder: &Path, server: &str, people: &People) -> String {
    let path = |name: &str| toml::Value::String(folder.join(name).display().to_string()).to_string();
    format!(
        "# What `revoked demo` ran with. The stand-in at the target's url went away with the demo.

{base}
[[source]]
name = \"idp\"
kind = \"ssf-push\"
issuer = \"{ISSUER}\"
audience = \"{AUDIENCE}\"
jwks_file = {jwks}
algorithms = [\"EdDSA\"]
authorization = {{ file = {authorization} }}

[[source]]
name = \"hr\"
kind = \"hr-csv\"
folder = {hr}
time_zone = \"UTC\"                       # where a row names none
interval = \"200ms\"                      # the default is 1s

[playbook.compromised.chat]
reset_password = true                   # the intruder knows it; the account itself stays open for its owner
watch = [\"{FIRST_SWEEP}\", \"11m\", \"1h\", \"24h\"]  # the default begins at 1m

[playbook.departed.chat]
block = true
watch = [\"{FIRST_SWEEP}\", \"11m\", \"1h\", \"24h\"]

[policy]
protected = [\"email:{protected}\"]
",
        base = base_config(folder, server),
        jwks = path("idp.jwks.json"),
        authorization = path("idp-authorization"),
        hr = path("hr"),
        protected = people.protected.email,
    )
}
