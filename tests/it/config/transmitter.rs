//! Whom we tell: what is taken, and what is complained about.

use revoked::transmitter::Delivery;

use super::*;

/// A folder with a secret that is long enough, and one that is not.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, secret) in [("good", "0123456789abcdef0123456789abcdef"), ("short", "0123456789")] {
        let path = folder.path().join(name);
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

const HEAD: &str = "[transmitter]\nissuer = \"https://revoked.example.org\"\n";

#[test]
fn a_receiver_of_each_way_is_taken() {
    let folder = folder();
    let text = format!(
        r#"{HEAD}
[[receiver]]
name = "idp"
audience = "https://idp.example.org"
delivery = "push"
endpoint = "https://idp.example.org/ssf"
[[receiver]]
name = "siem"
audience = "siem"
delivery = "poll"
token = [{{ file = "{0}/good" }}]
events = ["credential-change"]
subject = "iss_sub"
sources = ["inbox"]
reasons = ["compromised"]
single_sessions = true
"#,
        folder.path().display()
    );
    let config = parse(&text).unwrap();
    let transmitter = config.transmitter.unwrap();
    assert_eq!(transmitter.issuer.as_str(), "https://revoked.example.org");
    let [idp, siem] = &transmitter.receivers[..] else {
        panic!("two receivers")
    };
    assert!(matches!(idp.delivery, Delivery::Push { .. }) && matches!(siem.delivery, Delivery::Poll));
    assert_eq!((idp.receiver.events.len(), siem.receiver.events.len()), (2, 1));
    assert_eq!((siem.tokens.len(), siem.receiver.single_sessions), (1, true));
    assert!(parse("").unwrap().transmitter.is_none());
}

#[test]
fn every_mistake_about_receivers_is_told() {
    let folder = folder();
    let text = format!(
        r#"[transmitter]
issuer = "http://revoked.example.org"
key = {{ file = "{0}/good" }}
more_keys = "{0}/none"
[[receiver]]
name = "idp"
audience = " "
delivery = "push"
token = {{ file = "{0}/short" }}
[[receiver]]
name = "idp"
audience = "a"
delivery = "poll"
endpoint = "https://idp.example.org"
sources = ["okta"]
reasons = ["fired"]
events = []
[[receiver]]
name = "siem"
audiense = "a"
delivery = "pull"
[[receiver]]
name = "plain"
audience = "a"
delivery = "push"
endpoint = "http://idp.example.org/ssf"
"#,
        folder.path().display()
    );
    let said = complaints(&text).replace(&folder.path().display().to_string(), "FOLDER");
    for (place, what) in [
        ("2:10", "issuer: it must be https"),
        ("3:7", "key: it is not an RSA key"),
        ("4:13", "more_keys: reading the key set"),
        ("7:12", "audience: it must be what"),
        ("9:9", "token: the file FOLDER/short is shorter than 16"),
        ("5:1", "endpoint: a receiver that is pushed to needs an address"),
        ("10:1", "token: a receiver that polls needs one"),
        ("14:12", "endpoint: a receiver that polls has none"),
        ("15:11", "sources: there is no source called \"okta\""),
        ("16:11", "reasons: there is no reason called \"fired\""),
        ("17:10", "events: it must not be an empty list"),
        ("20:1", "unknown key `audiense`; did you mean `audience`?"),
        ("21:12", "delivery: "),
        ("26:12", "endpoint: it must be https"),
    ] {
        let line = format!("revoked.toml:{place}: {what}");
        assert!(said.contains(&line), "{line:?} is not in\n{said}");
    }
}

#[test]
fn two_receivers_with_one_token_are_refused() {
    let folder = folder();
    let one = |name: &str| {
        format!(
            "[[receiver]]\nname = \"{name}\"\naudience = \"{name}\"\ndelivery = \"poll\"\ntoken = {{ file = \"{}/good\" }}\n",
            folder.path().display()
        )
    };
    let said = complaints(&format!("{HEAD}{}{}", one("a"), one("b")));
    assert!(said.contains("receiver a shows the same one"), "{said}");
}

#[test]
fn receivers_need_a_transmitter_and_a_private_key_is_never_published() {
    let alone = complaints("[[receiver]]\nname = \"idp\"\n");
    assert!(alone.contains("needs the table [transmitter]"), "{alone}");
    let twice = complaints("[[transmitter]]\nissuer = \"https://x.example\"\n");
    assert!(twice.contains("write [transmitter], with one bracket"), "{twice}");

    let signer = revoked::jose::Signer::generate("old", revoked::jose::Algorithm::Rs256).unwrap();
    let folder = folder();
    let path = folder.path().join("more.json");
    let with = |keys: &serde_json::Value| {
        std::fs::write(&path, keys.to_string()).unwrap();
        parse(&format!("{HEAD}more_keys = \"{}\"\n", path.display())).map(|config| config.transmitter.unwrap().more_keys.len())
    };
    let mut keys = signer.jwks().unwrap();
    assert_eq!(with(&keys), Ok(1));
    keys["keys"][0]["d"] = "c2VjcmV0".into();
    assert!(with(&keys).unwrap_err().contains("private key"));
}
