//! What a config may say, and what is refused with its place.

use super::fixture::{build, table};
use crate::servers::slapd::REVOKED;

fn refused(kind: &str, table: &str) -> String {
    match build(kind, table) {
        Err(said) => said,
        Ok(_) => panic!("taken: {table}"),
    }
}

#[test]
fn every_mistake_is_found_in_one_reading() {
    let text = "url = \"ldap://ldap.example.org\"\nbind = \"revoked\"\npassword = { file = \"{folder}/password\" }\npeople = [\"people\"]\n\
        filter = \"objectClass=person\"\nnames = { username = [\"u id\"] }\nremove_from = [\"vpn\"]\nlock = \"passwd\"\ntimeout = \"1h\"\nlongest_ticket = \"10h\"\n";
    insta::assert_snapshot!(refused("ldap", text), @r#"
    t:1:7: "ldap://ldap.example.org" would send the password unencrypted; write ldaps://, or start_tls = true (without either on loopback only)
    t:2:8: "revoked" is no distinguished name; write one such as ou=people,dc=example,dc=org
    t:4:10: "people" is no distinguished name; write one such as ou=people,dc=example,dc=org
    t:5:10: "objectClass=person" is no search filter; write one such as (objectClass=inetOrgPerson)
    t:6:23: "u id" is no name of an attribute; write one such as uid or employeeNumber
    t:7:16: "vpn" is no distinguished name; write one such as ou=people,dc=example,dc=org
    t:8:8: it must be "ppolicy" or "389-ds", or { attribute = "…", value = "…" } of another directory
    t:9:11: it must be between 100ms and 10m
    t:10:18: `longest_ticket` is of the kind active-directory; leave it out
    "#);
}

#[test]
fn what_is_of_the_other_kind_is_refused() {
    let text = table(
        "ldaps://dc.example.org",
        "revoked@corp.example.org",
        "lock = \"ppolicy\"\nid = \"entryUUID\"",
    );
    insta::assert_snapshot!(refused("active-directory", &text), @r#"
    t:5:10: `policy` is of the kind ldap; leave it out
    t:6:8: `lock` is of the kind ldap; leave it out
    t:7:6: `id` is of the kind ldap; leave it out
    "#);
}

#[test]
fn active_directory_is_never_spoken_to_in_the_clear() {
    let text = |url: &str, more: &str| {
        table(url, "revoked@corp.example.org", more).replace("policy = \"cn=default,ou=policies,dc=example,dc=test\"\n", "")
    };
    assert!(refused("active-directory", &text("ldap://127.0.0.1", "")).contains("start_tls"));
    for (url, more) in [
        ("ldaps://dc.example.org", ""),
        ("ldap://dc.example.org", "start_tls = true"),
        ("ldaps://dc.example.org", "longest_ticket = \"4h\""),
    ] {
        assert!(build("active-directory", &text(url, more)).is_ok(), "{url} {more}");
    }
}

#[test]
fn how_an_account_is_locked_can_be_said_for_other_directories() {
    let text = |more: &str| table("ldaps://ldap.example.org", REVOKED, more);
    let without_policy = |more: &str| text(more).replace("policy = \"cn=default,ou=policies,dc=example,dc=test\"\n", "");
    assert!(build("ldap", &text("lock = \"ppolicy\"")).is_ok());
    for more in [
        "lock = \"389-ds\"",
        "lock = { attribute = \"loginDisabled\", value = \"TRUE\" }",
    ] {
        assert!(build("ldap", &without_policy(more)).is_ok(), "{more}");
        assert!(refused("ldap", &text(more)).contains("leave it out"), "{more}");
    }
    assert!(refused("ldap", &without_policy("")).contains("`policy` is missing"));
    assert!(
        refused("ldap", &without_policy("lock = { attribute = \"a b\", value = \"TRUE\" }")).contains("no name of an attribute")
    );
}
