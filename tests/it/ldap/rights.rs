//! Our own account: what it may, what it may not, and what a probe says of both.

use revoked::model::{Action, Resolution};
use revoked::targets::{Level, Remedy};

use super::fixture::{build, slapd, table};
use crate::servers::ldap_session::replace;
use crate::servers::slapd::{LENIENT, MANAGER, PEOPLE, POLICY, READER, REVOKED};
use crate::servers::{Slapd, System as _};

#[tokio::test]
async fn an_account_that_may_only_read_finds_people_and_pauses_where_it_is_to_change_them() {
    let Some(server) = Slapd::start().await else { return };
    let held = server.person("alice").await;
    let reader = build("ldap", &table(&server.url(), READER, "")).unwrap();
    let principal = reader.resolve("username:alice").await;
    for action in [Action::Suspend, Action::ResetPassword] {
        let error = reader.apply(&principal, &action).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Pause, "{error}");
        assert!(error.to_string().contains("insufficient rights"), "{error}");
    }
    assert!(server.works(&held[0]).await);
    // The same by an account that may: the rights are what stood in the way.
    let fixture = build("ldap", &table(&server.url(), REVOKED, "")).unwrap();
    fixture.apply(&principal, &Action::Suspend).await.unwrap();
    assert!(!server.works(&held[0]).await);
}

#[tokio::test]
async fn our_own_password_refused_pauses_the_lane_and_never_means_nobody() {
    let Some((server, _)) = slapd("").await else { return };
    for bind in ["cn=nobody,dc=example,dc=test", PEOPLE] {
        let fixture = build("ldap", &table(&server.url(), bind, "")).unwrap();
        let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Pause, "{error}");
        assert!(error.to_string().contains("our own account is not let in"), "{error}");
        assert!(fixture.target.probe(&fixture.context).await.is_err());
    }
    // A password that is changed while we are connected shows with the next connection.
    let fixture = build("ldap", &table(&server.url(), READER, "")).unwrap();
    server
        .manager()
        .await
        .modify(READER, vec![replace("userPassword", &["another"])])
        .await;
    let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && !error.to_string().contains("another"),
        "{error}"
    );
}

#[tokio::test]
async fn where_nobody_can_be_is_not_where_nobody_is() {
    let Some(server) = Slapd::start().await else { return };
    let elsewhere = table(&server.url(), REVOKED, "").replace(PEOPLE, "ou=nowhere,dc=example,dc=test");
    let fixture = build("ldap", &elsewhere).unwrap();
    let error = fixture.resolution(&"username:alice".parse().unwrap()).await.unwrap_err();
    assert!(
        error.remedy == Remedy::Pause && error.to_string().contains("`people`"),
        "{error}"
    );
    assert!(fixture.target.probe(&fixture.context).await.is_err());
    // Another directory's names: the server sends us elsewhere, and we do not go.
    let elsewhere = table(&server.url(), REVOKED, "").replace(PEOPLE, "dc=example,dc=org");
    let fixture = build("ldap", &elsewhere).unwrap();
    let found = fixture.resolution(&"username:alice".parse().unwrap()).await;
    assert!(!matches!(found, Ok(Resolution::None)), "{found:?}");
}

#[tokio::test]
async fn a_probe_says_who_we_are_and_what_will_not_work() {
    let Some((server, fixture)) = slapd("").await else { return };
    server.add("alice", &[]).await;
    let probe = fixture.target.probe(&fixture.context).await.unwrap();
    assert_eq!(probe.acting_as.as_deref(), Some(REVOKED));
    assert_eq!(probe.version.as_deref(), Some("OpenLDAP"));
    assert!(
        probe.findings.iter().all(|finding| finding.level == Level::Note),
        "{:?}",
        probe.findings
    );
    let lenient = table(&server.url(), MANAGER, "").replace(POLICY, LENIENT);
    let probe = build("ldap", &lenient).unwrap();
    let probe = probe.target.probe(&probe.context).await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Error && finding.what.contains("pwdLockout")),
        "{:?}",
        probe.findings
    );
    // What our account may not see of somebody is said before anybody is to be contained.
    let by_name = table(&server.url(), REVOKED, "id = \"employeeNumber\"");
    let probe = build("ldap", &by_name).unwrap();
    let probe = probe.target.probe(&probe.context).await.unwrap();
    assert!(
        probe
            .findings
            .iter()
            .any(|finding| finding.level == Level::Error && finding.what.contains("employeeNumber")),
        "{:?}",
        probe.findings
    );
}
