//! The built daemon and a real directory: from an operator's word to the verdict, and back.

use crate::harness::{Installation, InstallationPlan};
use crate::servers::slapd::{Credential, PASSWORD, PEOPLE, POLICY, REVOKED, dn};
use crate::servers::{Samba, Slapd, System as _, samba, that_work};

const CONTAINED: &str = "SELECT count(*) FROM job WHERE target = 'directory' AND verdict = 'contained'";
const RELEASED: &str = "SELECT count(*) FROM job WHERE target = 'directory' AND verdict = 'released'";

/// A daemon with a directory beside its chat server.
async fn installation(server: &Slapd, more: &str) -> Installation {
    let table = format!(
        r#"
[playbook.departed.directory]
reset_password = true
watch = []

[[target]]
name = "directory"
kind = "ldap"
url = "{}"
bind = "{REVOKED}"
password = {{ file = "{{folder}}/directory-password" }}
people = "{PEOPLE}"
policy = "{POLICY}"
rate = "1000/s"
{more}
"#,
        server.url()
    );
    let site = Installation::new(InstallationPlan {
        more: table.leak(),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("directory-password", PASSWORD.as_bytes());
    site
}

#[tokio::test]
async fn whoever_departs_is_locked_out_and_let_in_again_on_an_operators_word() {
    let Some(server) = Slapd::start().await else { return };
    let (mut alice, bob) = (server.person("alice").await, server.person("bob").await);
    let vpn = server.group("vpn", &["alice", "bob"]).await;
    // Nobody is signed in any more.
    alice.retain(|held| matches!(held, Credential::Password(_)));
    let site = installation(&server, &format!("remove_from = [\"{vpn}\"]")).await;
    let checked = site.says(&["check"]).await;
    assert!(checked.out.contains("OpenLDAP"), "{checked:?}");
    let _running = site.start().await;
    let said = site.revoke("username:alice", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count(CONTAINED, 1).await;
    let none: &[String] = &[];
    assert_eq!(that_work(&server, &alice, true).await, none);
    assert_eq!(that_work(&server, &bob, false).await, none, "the neighbour was touched");
    let mut manager = server.manager().await;
    assert_eq!(manager.values(&dn("alice"), "pwdAccountLockedTime").await, ["000001010000Z"]);
    assert_eq!(manager.values(&vpn, "member").await, [dn("bob")]);
    let rehearsal = site.ask(&["release", "1"]).await;
    let set = rehearsal["set"].as_str().unwrap();
    let said = site
        .says(&["release", "1", "--set", set, "--note", "HR ticket 812", "--json"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count(RELEASED, 1).await;
    assert!(manager.values(&dn("alice"), "pwdAccountLockedTime").await.is_empty());
    assert_eq!(that_work(&server, &alice, true).await, none, "the old password is no good");
}

#[tokio::test]
async fn a_connection_that_nobody_closes_stays_on_the_ledger() {
    let Some(server) = Slapd::start().await else { return };
    let alice = server.person("alice").await;
    let site = installation(&server, "").await;
    let _running = site.start().await;
    let said = site.revoke("username:alice", "departed", &[]).await;
    assert_ne!(said.code, 0, "{said:?}");
    let ledger = site.says(&["ledger"]).await;
    assert!(ledger.out.contains("connection"), "{ledger:?}");
    let working = that_work(&server, &alice, true).await;
    assert!(working.len() == 1 && working[0].starts_with("Connection"), "{working:?}");
}

#[tokio::test]
async fn whoever_departs_is_out_of_the_domain_and_what_is_still_signed_in_is_named() {
    let Some(server) = Samba::start().await else { return };
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let table = format!(
        r#"
[playbook.departed.domain]
reset_password = true
watch = []

[[target]]
name = "domain"
kind = "active-directory"
url = "{}"
ca_file = "{}"
bind = "{}"
password = {{ file = "{{folder}}/domain-password" }}
people = "{}"
rate = "1000/s"
"#,
        server.url(),
        server.authority().display(),
        samba::REVOKED,
        samba::PEOPLE,
    );
    let site = Installation::new(InstallationPlan {
        more: table.leak(),
        ..InstallationPlan::default()
    })
    .await;
    site.secret("domain-password", samba::PASSWORD.as_bytes());
    let _running = site.start().await;
    let said = site.revoke("username:alice", "departed", &["--target", "domain"]).await;
    let case = said.json();
    assert_eq!(case["case"]["verdict"], "unverified", "{case:#}");
    let named = case["jobs"][0]["verdict"]["kinds"]["connection"].as_str().unwrap_or_default();
    assert!(named.contains("signed in before"), "{case:#}");
    let working = that_work(&server, &alice, true).await;
    assert!(working.len() == 1 && working[0].starts_with("Connection"), "{working:?}");
    let none: &[String] = &[];
    assert_eq!(that_work(&server, &bob, false).await, none, "the neighbour was touched");
}
