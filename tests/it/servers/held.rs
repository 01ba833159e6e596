//! One system at a time: somebody who holds a credential of every kind leaves, and each of them is used afterwards. It is dead, or the verdict
//! says why it may not be.

use serde_json::{Value, json};

use super::departure::{Contained, Departures, living};
use super::{JupyterHub, Keystone, PrivacyIdea, RabbitMq, Scim2Server, Synapse, System, TargetSystem, Zabbix, that_work};

/// What one containment may cost at a system where lists lag behind. Most take half of it.
const MOST_CALLS: u64 = 24;

/// One who leaves and one who stays, at one system, and a daemon.
struct Departure<'s, S: TargetSystem> {
    system: &'s S,
    target: &'static str,
    daemon: Departures,
    alice: Vec<S::Credential>,
    bob: Vec<S::Credential>,
}

impl<'s, S: TargetSystem> Departure<'s, S> {
    async fn prepare(system: &'s S) -> Self {
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        let dead: &[String] = &[];
        assert_eq!(that_work(system, &alice, false).await, dead);
        let target = system.target();
        Self {
            system,
            target: target.kind,
            daemon: Departures::start(false, &[target]).await,
            alice,
            bob,
        }
    }

    /// Has alice contained, twice, by few calls. The credentials of these kinds are alive afterwards, and nobody else's are dead.
    async fn contain(&self, alive: &[&str]) -> Contained {
        let first = self.daemon.contain(self.target, "username:alice").await;
        let said = &first.verdict;
        assert_eq!(living(self.system, &self.alice).await, alive, "{said}");
        assert!(first.calls <= MOST_CALLS, "{} calls", first.calls);
        let again = self.daemon.contain(self.target, "username:alice").await;
        assert!(again.severity() <= first.severity(), "{said}, and then {}", again.verdict);
        assert_eq!(again.evidence["ended_count"], 0, "{}", again.evidence);
        assert_eq!(again.evidence["suspended"][0], again.evidence["suspended"][1]);
        assert_eq!(living(self.system, &self.alice).await, alive, "{said}");
        let dead: &[String] = &[];
        assert_eq!(
            that_work(self.system, &self.bob, false).await,
            dead,
            "the neighbour was touched"
        );
        first
    }
}

fn contained() -> Value {
    json!({ "verdict": "contained" })
}

#[tokio::test]
async fn everything_held_at_synapse_is_dead_or_named() {
    let Some(synapse) = Synapse::start().await else { return };
    let mut departure = Departure::prepare(&synapse).await;
    let minted = synapse.minted("alice").await;
    let login_token = synapse.login_token(&departure.alice[1]).await;
    assert!(synapse.works(&minted).await);
    departure.alice.push(minted);
    let said = departure.contain(&[]).await;
    assert_eq!(said.verdict, contained());
    assert!(!synapse.works(&login_token).await);
    let doors = said.evidence["doors"].to_string();
    assert!(
        doors.contains("a sign-in token that was fetched with a live session still makes something new"),
        "{doors}"
    );

    // What is said of a token that an administrator made: nothing but the lock stops it. What was ended stays dead without the lock too.
    assert!(said.admits("An access token that an administrator made for somebody (users/{id}/login) is in no list"));
    synapse.unlock("alice").await;
    assert!(said.admits("Synapse's own suspension stops neither reads nor sign-in"));
    assert_eq!(living(&synapse, &departure.alice).await, ["Password", "AccessToken"]);
    assert!(
        synapse.works(&departure.alice.pop().unwrap()).await,
        "it was the one that was made"
    );
}

#[tokio::test]
async fn everything_held_at_jupyterhub_is_dead_or_named() {
    let Some(hub) = JupyterHub::start().await else { return };
    let departure = Departure::prepare(&hub).await;
    let said = departure.contain(&["Browser", "Browser"]).await;
    let session = "JupyterHub lists no browser sessions; the cookie lives as long as the account";
    let open = "an account cannot be suspended here";
    assert_eq!(
        said.verdict,
        json!({ "verdict": "unverified", "kinds": { "session": session }, "open": open })
    );
    assert!(said.admits("The hub's session cookie survives the end of every token; only deleting the account ends it"));
    assert!(said.admits("A running notebook server goes on until it is stopped"));
}

#[tokio::test]
async fn everything_held_at_keystone_is_dead_or_named() {
    let Some(keystone) = Keystone::start().await else { return };
    let departure = Departure::prepare(&keystone).await;
    let said = departure.contain(&[]).await;
    // Nobody lists its tokens: it says since when none works.
    assert_eq!(said.verdict, contained());
    assert_eq!(
        said.evidence["before"],
        json!({ "access_token": 1, "api_key": 1, "delegation": 1 })
    );
    // What was ended, and not only blocked, does not come back with the account.
    keystone.enable("alice").await;
    assert_eq!(living(&keystone, &departure.alice).await, ["Password"]);
}

#[tokio::test]
async fn everything_held_at_scim2_server_is_dead_or_named() {
    let Some(scim) = Scim2Server::start().await else { return };
    let departure = Departure::prepare(&scim).await;
    let said = departure.contain(&[]).await;
    let kinds = json!({
        "session": "SCIM says nothing about sessions: a disabled account may keep them",
        "access_token": "SCIM says nothing about tokens",
    });
    assert_eq!(said.verdict, json!({ "verdict": "unverified", "kinds": kinds }));
    assert!(said.admits("Sessions and tokens that the application issued itself."));
}

#[tokio::test]
async fn everything_held_at_zabbix_is_dead_or_named() {
    let Some(zabbix) = Zabbix::start().await else { return };
    let departure = Departure::prepare(&zabbix).await;
    let said = departure.contain(&[]).await;
    let session = "Zabbix lists no sessions; suspending ends them for good, a new password too";
    assert_eq!(
        said.verdict,
        json!({ "verdict": "unverified", "kinds": { "session": session } })
    );
    assert_eq!(said.evidence["before"], json!({ "access_token": 2 }));
}

#[tokio::test]
async fn everything_held_at_rabbitmq_is_dead_or_named() {
    let Some(broker) = RabbitMq::start().await else { return };
    let departure = Departure::prepare(&broker).await;
    let said = departure.contain(&[]).await;
    assert_eq!(said.verdict, contained());
    assert!(said.admits("Users that sign in by x509, LDAP or OAuth2 do not need the password hash"));
}

#[tokio::test]
async fn everything_held_at_privacyidea_is_dead_or_named() {
    let Some(factors) = PrivacyIdea::start().await else { return };
    let departure = Departure::prepare(&factors).await;
    let said = departure.contain(&[]).await;
    assert_eq!(said.verdict, contained());
    assert_eq!(said.evidence["before"], json!({ "mfa_factor": 5 }));
    assert!(said.admits("Sessions of the applications that ask privacyIDEA for the second factor."));
}
