//! One command contains somebody at seven systems at once, by whichever names they know them.

use serde_json::json;

use super::departure::{Departures, living, newest_job};
use super::{JupyterHub, Keystone, PrivacyIdea, RabbitMq, Scim2Server, Synapse, System, TargetSystem, TargetTable};
use crate::harness::Installation;
use crate::harness::chat_holdings::Holdings;

/// Seven systems, one of them the sandbox of the chat server that every installation has.
struct Everywhere {
    matrix: Synapse,
    hub: JupyterHub,
    cloud: Keystone,
    directory: Scim2Server,
    broker: RabbitMq,
    factors: PrivacyIdea,
}

/// What somebody holds at the six that are not the chat server.
struct HeldEverywhere {
    matrix: Vec<<Synapse as System>::Credential>,
    hub: Vec<<JupyterHub as System>::Credential>,
    cloud: Vec<<Keystone as System>::Credential>,
    directory: Vec<<Scim2Server as System>::Credential>,
    broker: Vec<<RabbitMq as System>::Credential>,
    factors: Vec<<PrivacyIdea as System>::Credential>,
}

impl Everywhere {
    async fn start() -> Option<Self> {
        let (matrix, hub, cloud, directory, broker, factors) = tokio::join!(
            Synapse::start(),
            JupyterHub::start(),
            Keystone::start(),
            Scim2Server::start(),
            RabbitMq::start(),
            PrivacyIdea::start(),
        );
        Some(Self {
            matrix: matrix?,
            hub: hub?,
            cloud: cloud?,
            directory: directory?,
            broker: broker?,
            factors: factors?,
        })
    }

    async fn person(&self, name: &str) -> HeldEverywhere {
        HeldEverywhere {
            matrix: self.matrix.person(name).await,
            hub: self.hub.person(name).await,
            cloud: self.cloud.person(name).await,
            directory: self.directory.person(name).await,
            broker: self.broker.person(name).await,
            factors: self.factors.person(name).await,
        }
    }

    /// The directory and the cloud say who somebody is.
    fn targets(&self) -> [TargetTable; 6] {
        let provider = |table| TargetTable {
            is_provider: true,
            ..table
        };
        [
            self.matrix.target(),
            self.hub.target(),
            provider(self.cloud.target()),
            provider(self.directory.target()),
            self.broker.target(),
            self.factors.target(),
        ]
    }

    /// The kinds of what still works, system by system.
    async fn living(&self, held: &HeldEverywhere) -> [Vec<String>; 6] {
        [
            living(&self.matrix, &held.matrix).await,
            living(&self.hub, &held.hub).await,
            living(&self.cloud, &held.cloud).await,
            living(&self.directory, &held.directory).await,
            living(&self.broker, &held.broker).await,
            living(&self.factors, &held.factors).await,
        ]
    }
}

/// What `case show` says about each target, in the words before the time that it took.
async fn by_target(site: &Installation, case: i64) -> Vec<(String, String)> {
    let shown = site.says(&["case", "show", &case.to_string()]).await.out;
    let mut lines: Vec<(String, String)> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("  at ")?.split_once(": "))
        .map(|(target, came)| {
            let (verdict, _) = came.rsplit_once(" after ").unwrap_or_else(|| panic!("{shown}"));
            (target.to_owned(), verdict.to_owned())
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn one_command_contains_a_person_everywhere() {
    let Some(systems) = Everywhere::start().await else { return };
    // Two of those who are at the chat server.
    let (alice, bob) = (systems.person("user01").await, systems.person("user02").await);
    let (alices, bobs) = (systems.living(&alice).await, systems.living(&bob).await);
    assert_eq!(alices.each_ref().map(Vec::len), [5, 4, 8, 1, 4, 5]);
    assert_eq!(bobs, alices);
    let daemon = Departures::start(true, &systems.targets()).await;
    let site = &daemon.site;
    let chat = |name| Holdings::of(site.chat(), name);
    let (alices_chat, bobs_chat) = (chat("user01"), chat("user02"));
    assert!(alices_chat.active && !alices_chat.is_out());

    // The directory and the chat server know the address; whose it is, the directory tells the others.
    let case = daemon.depart("user01@example.test").await;
    let case = daemon.swept(&case).await;
    let dead: [&[&str]; 6] = [&[], &["Browser", "Browser"], &[], &[], &[], &[]];
    assert_eq!(systems.living(&alice).await, dead, "{case}");
    assert_eq!(systems.living(&bob).await, bobs, "the neighbour was touched: {case}");
    assert!(chat("user01").is_out() && !chat("user01").active);
    assert_eq!(chat("user02"), bobs_chat);

    let said = by_target(site, case["case"]["id"].as_i64().unwrap()).await;
    let hub = "unverified: an account cannot be suspended here; \
               cannot list session (JupyterHub lists no browser sessions; the cookie lives as long as the account)";
    let directory = "unverified: cannot list session (SCIM says nothing about sessions: a disabled account may keep them), \
                     access_token (SCIM says nothing about tokens)";
    let expected = [
        ("chat", "contained"),
        ("jupyterhub", hub),
        ("keystone", "contained"),
        ("privacyidea", "contained"),
        ("rabbitmq", "contained"),
        ("scim", directory),
        ("synapse", "contained"),
    ];
    assert_eq!(
        said,
        expected.map(|(target, verdict)| (target.to_owned(), verdict.to_owned()))
    );
    assert_eq!(case["case"]["verdict"], "unverified");
    // As the target calls the account, wherever the name came from.
    assert_eq!(
        newest_job(&case, "synapse", "watch")["evidence"]["principal"],
        "@user01:hs.example.test"
    );
    for target in ["jupyterhub", "privacyidea", "rabbitmq"] {
        assert_eq!(newest_job(&case, target, "watch")["evidence"]["principal"], json!("user01"));
    }
}
