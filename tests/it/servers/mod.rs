//! The systems that people hold credentials at, for real: `tests/servers` installs and starts them, `server` runs one for a test, and one module
//! each says how a person comes to hold every kind of credential that the system has, and what using one is. `target_table` writes them into a
//! config, `departure` has a daemon contain somebody; `mail` is a mail server, which people are told by; `held` tries each system alone, `everywhere` all of them under one command.

mod amqp;
mod departure;
mod everywhere;
mod held;
mod jupyterhub;
mod keystone;
pub(crate) mod ldap_session;
mod mail;
mod postgresql;
mod privacyidea;
mod rabbitmq;
pub(crate) mod samba;
mod scim2_server;
mod server;
pub(crate) mod slapd;
mod sshd;
mod synapse;
mod target_table;
mod zabbix;

use std::fmt::Debug;

pub(crate) use jupyterhub::JupyterHub;
pub(crate) use keystone::Keystone;
pub(crate) use postgresql::Postgresql;
pub(crate) use privacyidea::PrivacyIdea;
pub(crate) use rabbitmq::RabbitMq;
pub(crate) use samba::Samba;
pub(crate) use scim2_server::Scim2Server;
pub(crate) use server::Server;
pub(crate) use slapd::Slapd;
pub(crate) use sshd::Sshd;
pub(crate) use synapse::Synapse;
pub(crate) use target_table::TargetTable;
pub(crate) use zabbix::Zabbix;

/// A system under test, with a person's view of it and an administrator's.
pub(crate) trait System: Sized {
    /// A credential as its holder has it.
    type Credential: Debug;

    /// Starts it, or says that it is left out.
    async fn start() -> Option<Self>;

    /// Makes a person who holds a live credential of every kind that there is.
    async fn person(&self, name: &str) -> Vec<Self::Credential>;

    /// Uses a credential as its holder would. A failure that is no refusal fails the test: an outage ends nothing.
    async fn works(&self, credential: &Self::Credential) -> bool;

    /// Ends everything that a person holds, by means that leave nothing to ask: the account goes with it.
    async fn delete(&self, name: &str);
}

/// A system that the daemon of a test contains people at.
pub(crate) trait TargetSystem: System {
    /// It as a target, as an operator writes it.
    fn target(&self) -> TargetTable;
}

/// The credentials among these that still work, or those that do not.
pub(crate) async fn that_work<S: System>(system: &S, held: &[S::Credential], wanted: bool) -> Vec<String> {
    let mut found = Vec::new();
    for credential in held {
        if system.works(credential).await == wanted {
            found.push(format!("{credential:?}"));
        }
    }
    found
}

/// Every credential works until its holder is deleted, and the neighbour's go on working.
async fn every_credential_is_live<S: System>(kinds: usize) {
    let Some(system) = S::start().await else { return };
    let (alice, bob) = (system.person("alice").await, system.person("bob").await);
    assert_eq!((alice.len(), bob.len()), (kinds, kinds));
    let dead: &[String] = &[];
    assert_eq!(that_work(&system, &alice, false).await, dead);
    assert_eq!(that_work(&system, &bob, false).await, dead);
    system.delete("alice").await;
    assert_eq!(that_work(&system, &alice, true).await, dead, "they work for somebody deleted");
    assert_eq!(that_work(&system, &bob, false).await, dead, "the neighbour was touched");
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_scim2_server() {
    every_credential_is_live::<Scim2Server>(1).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_synapse() {
    every_credential_is_live::<Synapse>(5).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_jupyterhub() {
    every_credential_is_live::<JupyterHub>(4).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_rabbitmq() {
    every_credential_is_live::<RabbitMq>(4).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_keystone() {
    every_credential_is_live::<Keystone>(8).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_privacyidea() {
    every_credential_is_live::<PrivacyIdea>(5).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_zabbix() {
    every_credential_is_live::<Zabbix>(5).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_slapd() {
    every_credential_is_live::<Slapd>(2).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_samba() {
    every_credential_is_live::<Samba>(4).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_postgresql() {
    every_credential_is_live::<Postgresql>(3).await;
}

#[tokio::test]
async fn a_held_credential_of_each_kind_works_at_a_linux_host() {
    every_credential_is_live::<Sshd>(4).await;
}
