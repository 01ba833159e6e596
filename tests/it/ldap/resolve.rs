//! From names to accounts: the right one, nobody, several, and names that are made to match everybody.

use revoked::model::{PrincipalTrait, Resolution, Subject};
use revoked::targets::Remedy;

use super::fixture::{build, slapd, table};
use crate::servers::slapd::{PEOPLE, REVOKED, dn};
use crate::servers::{Slapd, System as _};

#[tokio::test]
async fn somebody_is_found_by_every_form_of_name() {
    let Some((server, fixture)) = slapd("names = { account = [\"mail\"] }").await else {
        return;
    };
    server
        .add("alice", &[("employeeNumber", "4711"), ("mail", "A.Smith@Example.test")])
        .await;
    server.add("bob", &[]).await;
    let principal = fixture.resolve("username:ALICE").await;
    assert!(principal.traits.is_empty() && !principal.account.suspended && principal.account.own_password);
    for subject in [
        "username:alice",
        "alice@example.test",
        "a.smith@example.test",
        "employee_id:4711",
        "acct:a.smith@example.test",
        &format!("opaque:{}", principal.id),
        &format!("opaque:{}", dn("alice")),
        "aliases:username:alice\nemployee_id:4711\nphone_number:+4930123456",
    ] {
        assert_eq!(fixture.resolve(subject).await, principal, "{subject}");
    }
    for name in ["username:alice", "a.smith@example.test", "employee_id:4711"] {
        assert!(principal.names.contains(&name.parse().unwrap()), "{:?}", principal.names);
    }
    assert!(uuid::Uuid::try_parse(&principal.id).is_ok(), "{}", principal.id);
}

#[tokio::test]
async fn nobody_is_nobody_and_several_are_several() {
    let Some((server, fixture)) = slapd("").await else { return };
    for name in ["alice", "bob", "carol", "dave", "erin", "frank", "grace"] {
        server.add(name, &[("employeeNumber", "7")]).await;
    }
    for subject in [
        "username:nobody",
        "nobody@example.test",
        "opaque:24355964-7f23-1041-8978-d561b52673d6",
        "opaque:uid=x,dc=y",
    ] {
        assert_eq!(
            fixture.resolution(&subject.parse().unwrap()).await.unwrap(),
            Resolution::None,
            "{subject}"
        );
    }
    let several = fixture.resolution(&"employee_id:7".parse().unwrap()).await.unwrap();
    assert!(matches!(&several, Resolution::Ambiguous(ids) if ids.len() > 1), "{several:?}");
    let names = "aliases:username:alice\nbob@example.test";
    let two = fixture.resolution(&names.parse().unwrap()).await.unwrap();
    assert!(matches!(&two, Resolution::Ambiguous(ids) if ids.len() == 2), "{two:?}");
    let error = fixture
        .resolution(&"phone_number:+4930123456".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::GiveUp);
    assert!(!fixture.target.asks_by(&"acct:alice@example.test".parse().unwrap()));
}

#[tokio::test]
async fn no_name_matches_anybody_but_who_has_it() {
    let Some((server, fixture)) = slapd("").await else { return };
    server.add("alice", &[]).await;
    let strange = r"o'*)(uid=*\";
    server
        .manager()
        .await
        .add(
            &format!("cn=strange,{PEOPLE}"),
            &[
                ("objectClass", "inetOrgPerson"),
                ("cn", "strange"),
                ("sn", "s"),
                ("uid", strange),
            ],
        )
        .await;
    let found = fixture.resolution(&Subject::Username(strange.to_owned())).await.unwrap();
    assert!(
        matches!(&found, Resolution::One(one) if one.names.contains(&Subject::Username(strange.to_owned()))),
        "{found:?}"
    );
    let long = "a".repeat(64 << 10);
    for name in [
        "*",
        "a*",
        "*lice",
        ")(uid=*",
        "*)(objectClass=*",
        "\\2a",
        "\0",
        "alice\0",
        "(",
        ")",
        "\\",
        "&",
        "|(uid=*)",
        "!",
        &long,
        &"*".repeat(64 << 10),
    ] {
        for subject in [
            Subject::Username(name.to_owned()),
            Subject::Email(format!("{name}@example.test")),
            Subject::EmployeeId(name.to_owned()),
            Subject::Opaque(name.to_owned()),
            Subject::Opaque(format!("uid={name},{PEOPLE}")),
        ] {
            let found = fixture.resolution(&subject).await;
            assert!(matches!(found, Ok(Resolution::None)), "{}: {found:?}", subject.masked());
        }
    }
    // An empty name asks for nobody, and says so.
    assert!(!fixture.target.asks_by(&Subject::Username(" ".to_owned())));
}

#[tokio::test]
async fn we_know_ourselves_and_are_never_touched() {
    let Some(server) = Slapd::start().await else { return };
    let everywhere = table(
        &server.url(),
        REVOKED,
        "filter = \"(objectClass=*)\"\nnames = { username = [\"cn\"] }",
    );
    let everywhere = everywhere.replace(PEOPLE, "dc=example,dc=test");
    let fixture = build("ldap", &everywhere).unwrap();
    let principal = fixture.resolve("username:revoked").await;
    assert!(principal.traits.contains(&PrincipalTrait::Ourselves));
    for action in [revoked::model::Action::Suspend, revoked::model::Action::ResetPassword] {
        let error = fixture.apply(&principal, &action).await.unwrap_err();
        assert!(
            error.remedy == Remedy::GiveUp && error.to_string().contains("ourselves"),
            "{error}"
        );
    }
    let reader = fixture.resolve("username:reader").await;
    assert!(reader.traits.is_empty());
}
