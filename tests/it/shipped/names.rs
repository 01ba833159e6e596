//! Names are what an attacker writes. None changes the form of a request, and none means everybody.

use revoked::model::{Resolution, Subject};
use serde_json::Value;

use super::request_pattern::Asked;
use super::stage::Stage;
use super::stand_in::Trouble;

/// A name that nobody has, and that is nothing but letters.
const PLAIN: &str = "nobodyatall";

fn hostile() -> Vec<String> {
    let names = [
        "x\" or userName pr or userName eq \"y",
        "x' or '1' eq '1",
        "x\\\" or \"",
        "*",
        "a*b",
        "%",
        "_",
        "..",
        ".",
        "../../admin",
        "a/b/c",
        "a?b=c&d=e",
        "a&filter=x#y",
        "a#b",
        "a%2fb",
        "%2e%2e",
        "a\\b",
        "a+b c",
        "\u{202e}ecila",
        "\u{200f}alice\u{200e}",
        "a\0b",
        "*)(uid=*))(|(uid=*",
        "a\r\nHost: evil.example.org",
        "{id}",
        "{secret.token}",
        "{\"$ne\":null}",
        "",
        " ",
        "null",
        "true",
        "0",
    ];
    names
        .iter()
        .map(|name| (*name).to_owned())
        .chain([String::from("a").repeat(64 * 1024)])
        .collect()
}

fn subject(by: &str, name: &str) -> Subject {
    match by {
        "username" => Subject::Username(name.to_owned()),
        "email" => Subject::Email(name.to_owned()),
        "account_id" => Subject::Opaque(name.to_owned()),
        "employee_id" => Subject::EmployeeId(name.to_owned()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn no_name_changes_the_form_of_a_request_and_none_means_everybody() {
    for stage in Stage::all().await {
        let ways: Vec<String> = stage.description.asks().iter().map(|(by, _)| (*by).to_owned()).collect();
        for by in ways {
            for trouble in [Trouble::None, Trouble::Fuzzy] {
                stage.server.set(trouble);
                // What signs us in, or says who we are, is asked once.
                let _first = stage.resolve_name(&subject(&by, PLAIN)).await;
                stage.server.take_asked();
                let plain = stage.resolve_name(&subject(&by, PLAIN)).await;
                assert!(
                    !matches!(plain, Ok(Resolution::One(_) | Resolution::Ambiguous(_))),
                    "{}: {plain:?}",
                    stage.name()
                );
                let form = stage.server.take_asked();
                assert!(!form.is_empty(), "{}: {by}", stage.name());
                for name in hostile() {
                    let shown: String = name.chars().take(60).collect();
                    let found = stage.resolve_name(&subject(&by, &name)).await;
                    assert!(
                        !matches!(found, Ok(Resolution::One(_) | Resolution::Ambiguous(_))),
                        "{}: {by} {shown:?}: {found:?}",
                        stage.name()
                    );
                    let asked = stage.server.take_asked();
                    if matches!(found, Ok(Resolution::None)) {
                        assert!(
                            !asked.is_empty(),
                            "{}: {by} {shown:?}: nobody was asked, and nobody is there",
                            stage.name()
                        );
                    }
                    for (asked, form) in asked.iter().zip(&form) {
                        let wanted = with_name(form, &name);
                        assert_eq!(*asked, wanted, "{}: {by} {shown:?}", stage.name());
                    }
                }
                assert_eq!(stage.server.take_unknown(), [], "{}: {by}", stage.name());
            }
        }
    }
}

/// The request that was made for the plain name, as it must be for another.
fn with_name(form: &Asked, name: &str) -> Asked {
    let put = |text: &String| text.replace(PLAIN, name);
    let filter = |text: &String| {
        let json = Value::from(name).to_string();
        let quoted = text.replace(&format!("\"{PLAIN}\""), &json);
        put(&quoted.replace(&format!("'{PLAIN}'"), &format!("'{}'", name.replace('\'', "''"))))
    };
    Asked {
        method: form.method.clone(),
        path: form.path.iter().map(put).collect(),
        query: form.query.iter().map(|(name, value)| (name.clone(), filter(value))).collect(),
        body: form.body.as_ref().map(|body| in_body(body, name)),
    }
}

fn in_body(body: &Value, name: &str) -> Value {
    match body {
        Value::String(text) => Value::String(text.replace(PLAIN, name)),
        Value::Array(members) => members.iter().map(|member| in_body(member, name)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (key.clone(), in_body(member, name)))
            .collect(),
        other => other.clone(),
    }
}
