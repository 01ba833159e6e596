//! The keys of the config: what is wrong is told with its key, and no secret is repeated.

use super::*;

/// What is said about a source with these secrets and keys.
fn complaints(secrets: &[&str], keys: &str) -> String {
    let (_folder, text) = written(secrets, keys);
    match build(&text, NOW) {
        Ok(_) => panic!("built from\n{text}"),
        Err(complaints) => {
            let said: Vec<String> = complaints.into_iter().map(|complaint| complaint.message).collect();
            let said = said.join("\n");
            assert!(!said.contains("canary"), "{said}");
            said
        }
    }
}

/// Builds with each of these secrets and keys, and looks for the word in what is said.
fn tell(cases: &[(&[&str], &str, &str)]) {
    for (secrets, keys, word) in cases {
        let said = complaints(secrets, keys);
        assert!(said.contains(word), "{keys}\n{said}");
    }
}

const SIGNATURE: &str = "verify = 'signature'\n[signature]\nheader = 'X-Sig'\nencoding = 'hex'\n";

#[test]
fn each_mistake_about_the_proof_is_told_in_words_that_help() {
    tell(&[
        (&[], "", "write the sender's secret"),
        (&["canary"], "", "whsec_"),
        (&["whsec_Y2FuYXJ5"], "", "24 to 64 bytes"),
        (&[SECRET], "public_keys = ['whsk_canary']", "private key"),
        (&[SECRET], "public_keys = ['whpk_AAAA']", "32 bytes"),
        (&[SECRET], "preset = 'bambohr'", "did you mean \"bamboohr\"?"),
        (&[SECRET], "preset = 'workday-of-ours'", "the presets are auth0, aws-sns"),
        (&[SECRET], "verify = 'signature'", "[source.signature]"),
        (&[SECRET], "verify = 'hmac'", "standard"),
        (&[SECRET], "tolerance = '2h'", "an hour at most"),
        (&[SECRET], "bearer = {}", "only with verify = \"bearer\""),
        (&[SECRET], "tolerence = '1m'", "did you mean `tolerance`?"),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha1'\nsigned = '{{body}}'"),
            "sha1 is not taken",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'md5'\nsigned = '{{body}}'"),
            "sha256",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha256'\nsigned = 'body'"),
            "a text with {body}",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha256'\nsigned = '{{timestamp}}.{{body}}'"),
            "say where it is",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha256'\nsigned = '{{body}}'\ntimestamp_header = 'X-T'"),
            "proves nothing",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha256'\nsigned = '{{id}}.{{body}}'"),
            "id_header",
        ),
        (
            &["canary"],
            &format!("{SIGNATURE}algorithm = 'sha256'\nsigned = '{{body}}'\nsecret_encoding = 'base64'\n"),
            "secret_encoding",
        ),
        (
            &["canary"],
            "verify = 'bearer'\nbearer = { header = 'X Token' }",
            "not the name of a header",
        ),
        (&["canary"], "verify = 'bearer'\nbearer = { scheme = 'a b' }", "one word"),
        (
            &["canary"],
            "verify = 'bearer'\nbearer = { path = true }",
            "24 characters or more",
        ),
        (
            &["a canary with spaces and length"],
            "verify = 'bearer'\nbearer = { path = true }",
            "letters, digits",
        ),
        (
            &[BEARER],
            "verify = 'bearer'\nbearer = { path = true, header = 'X' }",
            "say nothing",
        ),
    ]);
}

#[test]
fn each_mistake_about_the_rules_is_told_in_words_that_help() {
    let rule = "[[rule]]\nreason = 'logout'\n";
    tell(&[
        (&[SECRET], rule, "needs a subject"),
        (&[SECRET], "rule = []", "at least one"),
        (&[SECRET], &format!("{rule}hold = 'x'\nignore = 'y'"), "not both"),
        (
            &[SECRET],
            &format!("{rule}subject = [{{ pointer = 'user', is = 'email' }}]"),
            "begins with a slash",
        ),
        (
            &[SECRET],
            &format!("{rule}subject = [{{ pointer = '/user', is = 'iss_sub' }}]"),
            "needs its `issuer`",
        ),
        (
            &[SECRET],
            &format!("{rule}subject = [{{ pointer = '/user', is = 'mail' }}]"),
            "email",
        ),
        (
            &[SECRET],
            &format!("{rule}hold = 'x'\nwhen = [{{ pointer = '/a' }}]"),
            "one of `equals`",
        ),
        (
            &[SECRET],
            &format!("{rule}hold = 'x'\nwhen = [{{ pointer = '/a', equals = 1, exists = true }}]"),
            "one of `equals`",
        ),
        (&[SECRET], &format!("{rule}hold = 'x'\nscope = 'all'"), "everything"),
        (&[SECRET], &format!("reasons = []\n{rule}hold = 'x'"), "must not be empty"),
        (
            &[SECRET],
            &format!("reasons = ['departed']\n{rule}hold = 'x'"),
            "not among these",
        ),
        (&[SECRET], "[[rule]]\nhold = 'x'\nreason = 'sacked'\n", "a reason such as"),
        (&[SECRET], "repeat_window = '0s'", "more than nothing"),
    ]);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let (folder, text) = written(&[SECRET], "");
    let path = folder.path().join("secret-0");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let Err(complaints) = build(&text, NOW) else { panic!("built") };
    assert!(complaints[0].message.contains("chmod 600"), "{complaints:?}");
}

#[tokio::test]
async fn a_key_of_ones_own_takes_the_place_of_the_presets() {
    let rule = "[[rule]]\nsubject = [{ pointer = '/data/employeeId', is = 'username' }]\nreason = 'suspended'\n";
    let endpoint = Endpoint::new(&["a secret of the usual length"], &format!("preset = 'hibob'\n{rule}"));
    let body = r#"{"type":"employee.left","data":{"employeeId":"al"}}"#;
    let read = endpoint.push.read_unproven(&post(&[], body.as_bytes())).unwrap().unwrap();
    let signal = read.delivery().unwrap().signals.remove(0);
    assert_eq!(
        (signal.subject.to_string().as_str(), signal.reason.word()),
        ("username:al", "suspended")
    );
    // What is read unproven is still refused when it comes unproven.
    assert_eq!(endpoint.refusal(&post(&[], body.as_bytes())).await.0, 401);
}
