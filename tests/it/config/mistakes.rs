//! Every mistake is told at once, and at its place.

use proptest::prelude::*;

use super::*;

#[test]
fn what_bounds_a_source_or_a_group_is_checked_at_its_place_with_the_word_that_was_meant() {
    let said = complaints(
        r#"
[[source]]
kind = "inbox"
mode = "rehearse"
reasons = ["departd", "noted"]
playbooks = ["lock-dwn", "logout"]
domains = ["@example.org"]
highest = "revoke_session"
urgency = "now"
departures_share = "2"
departures_per_delivery = "200%"
compromises_per_operator = "5%"
[[source]]
name = "idp"
kind = "scim"
compromises_per_operator = 3
rehearse = true
[playbook.lock-down.chat]
block = true
[[target]]
name = "chat"
kind = "mattermost"
url = "https://chat.example.org"
token = { file = "/nowhere" }
[group.protected]
hold = true
members = ["username:ann"]
[group.board]
members = ["ann"]
highest = "contian"
approvals = 3
file = "board"
[group.nobody]
hold = true
"#,
    );
    insta::assert_snapshot!(said, @r#"
    revoked.toml:4:8: mode: operators are always taken at their word; to see what would be done, they write revoke --rehearse
    revoked.toml:5:12: reasons: "departd" is none of the words here; did you mean "departed"?
    revoked.toml:5:23: reasons: "noted" is none of the words here; there are compromised, departed, suspended, credential_changed, logout, risk_elevated
    revoked.toml:6:14: playbooks: "lock-dwn" is none of the words here; did you mean "lock-down"?
    revoked.toml:7:12: domains: "@example.org" is no domain; write example.org, and every sub-domain that counts as well
    revoked.toml:8:11: highest: "revoke_session" is none of the words here; did you mean "revoke_sessions"?
    revoked.toml:9:11: urgency: "now" is none of the words here; there are urgent, prompt, routine
    revoked.toml:10:20: departures_share: it must be a share of the people who are known such as "2%" or "0.5%", or "unlimited", not a text
    revoked.toml:11:27: departures_per_delivery: it must be a whole number from 0 up, a share of the people who are known such as "5%", or "unlimited", not a text
    revoked.toml:12:28: compromises_per_operator: it must be a whole number from 0 up, or "unlimited", not a text
    revoked.toml:13:1: the key `token` is missing
    revoked.toml:13:1: the key `url` is missing
    revoked.toml:16:28: compromises_per_operator: operators ask through the inbox alone; write it in the [[source]] of the kind `inbox`
    revoked.toml:17:1: unknown key `rehearse`; the keys here are `url`, `token`, `next_token`, `issuer`, `external_id`, `deactivation`
    revoked.toml:24:9: cannot read the secret in /nowhere: No such file or directory (os error 2)
    revoked.toml:25:8: the group `protected` is the list `protected` of [policy]; take another name
    revoked.toml:29:12: members: cannot tell what "ann" names; write email:, username:, opaque:, iss_sub:<issuer>#<sub> or employee_id: before it
    revoked.toml:30:11: highest: "contian" is none of the words here; did you mean "contain"?
    revoked.toml:31:13: approvals: it must be 1 or 2
    revoked.toml:32:8: file: write the whole path of the list, such as "/etc/revoked/executives"
    revoked.toml:33:8: the group nobody has neither members nor a file
    "#);
}

#[test]
fn every_mistake_is_told_at_once_with_place_and_suggestion() {
    let said = complaints(
        r#"
storre = 3
[store]
path = "revoked.db"
[listen]
adress = "127.0.0.1:1"
connections = 0
header = "10"
[playbook.departd.chat]
block = true
[playbook.departed.caht]
end = ["session", "tokns", "cookies"]
[[target]]
name = "chat"
kind = "mattermots"
rate = "0/s"
[[target]]
name = "chat"
concurency = 4
[[source]]
name = "idp"
kind = "inbox"
compromises_per_minute = "lots"
[policy]
protected = ["alice", "a@example.org"]
ambiguous = "al"
[retry]
first = "1h"
longest = "1m"
[log]
level = "inof"
[trail]
key = "0123456789abcdef0123456789abcdef"
origin = "my trail"
"#,
    );
    insta::assert_snapshot!(said, @r#"
    revoked.toml:2:1: unknown key `storre`; did you mean `store`?
    revoked.toml:4:8: the database revoked.db needs its whole path, from / on
    revoked.toml:6:1: unknown key `adress`; did you mean `address`?
    revoked.toml:7:15: connections: it must be from 1 to 100000
    revoked.toml:8:10: header: "10" is not a length of time; write one such as "90s", "11m", "1h30m" or "7d"
    revoked.toml:9:11: no reason is called `departd`; did you mean `departed`? (a playbook of your own needs another name)
    revoked.toml:11:20: no target is called `caht`; did you mean `chat`?
    revoked.toml:12:19: end: no kind of grant is called "tokns"; did you mean "tokens"?
    revoked.toml:12:28: end: no kind of grant is called "cookies"; there are sessions, tokens, keys, oauth, bots, webhooks, factors, memberships, mail, session, access_token, oauth_grant, oauth_authorization, oauth_app, bot, bot_token, incoming_webhook, outgoing_webhook, slash_command, ssh_key, api_key, app_password, mfa_factor, device, membership, connection, mail_rule, delegation
    revoked.toml:15:8: kind: no kind of target is called "mattermots"; did you mean "mattermost"?
    revoked.toml:16:8: rate: "0/s" is not a rate; write whole calls per second, minute or hour such as "10/s" or "300/m", at least one and at most 10000 a second
    revoked.toml:17:1: the key `kind` is missing
    revoked.toml:18:8: name: another target is called `chat` already
    revoked.toml:19:1: unknown key `concurency`; did you mean `concurrency`?
    revoked.toml:21:8: name: the source of the kind `inbox` is called `inbox`, and no other is
    revoked.toml:23:26: compromises_per_minute: it must be a whole number from 0 up, or "unlimited", not a text
    revoked.toml:25:14: protected: cannot tell what "alice" names; write email:, username:, opaque:, iss_sub:<issuer>#<sub> or employee_id: before it
    revoked.toml:26:13: ambiguous: it cannot be "al"; did you mean "all"?
    revoked.toml:29:11: first (1h) is longer than longest (1m)
    revoked.toml:31:9: level: "inof" is not a level; did you mean "info"?
    revoked.toml:33:7: key: a secret never stands in the config itself; write { credential = "NAME" } or { file = "PATH" }
    revoked.toml:34:10: origin: it must have neither spaces nor `+`; write one such as "revoked.example.org/trail/1"
    "#);
}

#[test]
fn broken_toml_is_told_as_such_and_nothing_is_guessed_from_it() {
    insta::assert_snapshot!(complaints("[store\npath = revoked.db\n[log]\nlevel = 'info'\nlevel = 'warn'\n"), @r#"
    revoked.toml:1:7: not TOML: unclosed table, expected `]`
    revoked.toml:5:1: not TOML: duplicate key
    "#);
}

#[test]
fn a_single_bracket_for_a_target_is_explained() {
    insta::assert_snapshot!(complaints("[target]\nname = 'chat'\n[sources]\n"), @r#"
    revoked.toml:1:2: write [[target]], with two brackets: there may be several
    revoked.toml:3:2: unknown key `sources`; did you mean `[[source]]`?
    "#);
}

#[test]
fn entries_without_name_or_kind_are_told() {
    insta::assert_snapshot!(complaints("[[target]]\n[[source]]\nname = 3\n[[source]]\nkind = 'inbox'\n[[source]]\nkind = 'inbox'\nfolder = 'x'\n"), @r#"
    revoked.toml:1:1: the key `kind` is missing
    revoked.toml:1:1: the key `name` is missing
    revoked.toml:2:1: the key `kind` is missing
    revoked.toml:3:8: name: it must be a text in quotes, not 3
    revoked.toml:6:1: name: another source is called `inbox` already
    revoked.toml:8:1: unknown key `folder`; no keys are taken here
    "#);
}

#[test]
fn rates_that_mean_nothing_are_refused() {
    for rate in ["0/s", "10", "-1/s", "1e9/s", ""] {
        let said = complaints(&format!("[[target]]\nname = 'chat'\nkind = 'mattermost'\nrate = '{rate}'\n"));
        assert!(
            said.contains("revoked.toml:4:8: rate: ") && said.contains("10/s"),
            "{rate:?} gave {said}"
        );
    }
    assert!(
        complaints("[[target]]\nname = 'chat'\nkind = 'mattermost'\nrate = 10\n")
            .contains("revoked.toml:4:8: rate: it must be a text")
    );
}

#[test]
fn watch_times_must_rise() {
    for watch in ["['11m', '1m']", "['1m', '1m']", "['0s']", "['-1m']"] {
        let said = complaints(&format!(
            "[[target]]\nname='chat'\nkind='x'\n[playbook.departed.chat]\nwatch = {watch}\n"
        ));
        assert!(said.contains("revoked.toml:5:9: watch: "), "{watch} gave {said}");
    }
}

#[test]
fn two_sources_for_one_stream_are_refused() {
    let source = |name: &str, audience: &str| {
        format!("[[source]]\nname = '{name}'\nkind = 'x'\nissuer = 'https://idp.example.org'\naudience = '{audience}'\n")
    };
    let said = complaints(&(source("a", "one") + source("b", "one").as_str() + source("c", "two").as_str()));
    assert!(
        said.contains("revoked.toml:10:12: audience: another source has the same issuer and audience"),
        "{said}"
    );
    assert_eq!(said.matches("same issuer").count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_slip_of_the_hand_brings_the_reader_down(at in 0..EXAMPLE.len(), cut in 0..4_usize, put in "[ -~]{0,3}") {
        let text: String = EXAMPLE.lines().map(|line| example::shown(line).unwrap_or(line)).flat_map(|line| [line, "\n"]).collect();
        let at = at.min(text.len());
        let broken = format!("{}{put}{}", &text[..at], &text[(at + cut).min(text.len())..]);
        if let Err(report) = Config::parse("t", &broken, &clock()) {
            prop_assert!(!report.is_empty());
            for (place, message) in report.iter() {
                let (line, _) = place.expect("a mistake in the file has a place");
                prop_assert!(line <= broken.lines().count() + 1, "{message}");
            }
        }
    }
}

#[test]
fn a_first_revoke_that_may_come_after_the_containment_is_a_slip_of_the_hand() {
    let said = complaints("[goals]\nfirst_revoke = \"6m\"\n[goals.departed]\ncontainment = \"1h\"\n");
    insta::assert_snapshot!(said, @"revoked.toml:2:16: first_revoke (6m) is longer than containment (5m)");
    let goals = parse("[goals.logout]\ncontainment = \"20s\"\n").unwrap().goals;
    let seconds = |reason: &str| {
        (
            goals.of(reason).first_revoke.as_secs(),
            goals.of(reason).containment.as_secs(),
        )
    };
    assert_eq!((seconds("logout"), seconds("departed")), ((20, 20), (60, 300)));
    let said = complaints("[goals.compromized]\ncontainment = \"1h\"\n");
    assert!(
        said.contains("unknown key `compromized`; did you mean `compromised`?"),
        "{said}"
    );
}

#[test]
fn traces_go_to_this_host_or_over_https() {
    for (table, what) in [
        (
            "otlp = \"http://collector.example.org:4318\"",
            "it must be https; http is taken on this very host only",
        ),
        ("otlp = \"collector\"", "it is not a URL"),
        ("otlp = \"http://127.0.0.1:4318/?a=b\"", "neither a query nor a fragment"),
        ("authorization = { file = \"/nowhere\" }", "it means nothing without otlp"),
    ] {
        let said = complaints(&format!("[telemetry]\n{table}\n"));
        assert!(said.contains(what), "{table}: {said}");
    }
    let traces = parse("[telemetry]\notlp = \"http://127.0.0.1:4318\"\n").unwrap().traces;
    assert_eq!(traces.unwrap().collector.as_str(), "http://127.0.0.1:4318/");
    assert!(parse("").unwrap().traces.is_none());
}
