//! Redacts who asked, as far as the trail may say it: nothing leaves the trail again, and what senders write there may be somebody's name.

use revoked_trail::{Behind, is_login};

use crate::model::Actor;
use crate::policy::INBOX;

/// The longest text of an operator, in bytes: what it is longer by was not written by us.
const LONGEST: usize = 1024;

/// Who asks by the standards that senders keep to (CAEP 1.0 section 2, `initiating_entity`): words that name nobody.
const WORDS: [&str; 4] = ["admin", "user", "policy", "system"];

/// What of `text` may stand as it is: one of the words, or the login and uid of an operator, as our own commands write them into the inbox; of one who
/// has signed in at an OpenID provider the name, which is formed like a login, and whom the provider says that it is.
/// Another program with a right to write there could write the like of it, but nothing longer or freer than a login.
pub(super) fn loggable<'t>(source: &str, text: Option<&'t str>) -> Option<&'t str> {
    text.filter(|text| WORDS.contains(text) || (source == INBOX && is_operator(text)))
}

fn is_operator(text: &str) -> bool {
    match text.parse::<Actor>() {
        Ok(
            ref actor @ Actor::Operator {
                ref name,
                ref uid,
                ref behind,
            },
        ) => {
            let is_known = uid.is_some() || matches!(behind, Some(Behind::Subject { .. }));
            is_known && is_login(name) && text.len() <= LONGEST && text == actor.to_string()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_an_operator_of_the_inbox_stand_and_nothing_else_does() {
        for word in WORDS {
            assert_eq!(loggable("idp", Some(word)), Some(word));
        }
        let alice = "operator:alice.b-c_1(1000)";
        assert_eq!(loggable("inbox", Some(alice)), Some(alice));
        assert_eq!(loggable("idp", Some(alice)), None, "a sender is no command of ours");
        for behind in ["sudo:ann", "login:ann(1000)"] {
            let text = format!("operator:revoked(995) {behind}");
            assert_eq!(loggable("inbox", Some(&text)), Some(text.as_str()));
        }
        let ann = "operator:ann oidc:https://id.example.org#4711";
        assert_eq!(loggable("inbox", Some(ann)), Some(ann));
        for text in [
            "ann.smith@example.org",
            "payroll",
            "Admin",
            "admin ann.smith",
            "operator:alice",
            "operator:ann smith(1000)",
            "operator:ann@example.org(1000)",
            "operator:ann(01000)",
            "operator:ann(1000) at ann@example.org(7)",
            "operator:ann(1000) sudo:ann smith",
            "operator:ann smith oidc:https://id.example.org#4711",
            "operator:ann(1000) sudo:ann sudo:ann",
            "operator:abcdefghijklmnopqrstuvwxyzabcdefg(1000)",
            "source:idp",
            "daemon",
            "",
        ] {
            assert_eq!(loggable("inbox", Some(text)), None, "{text}");
        }
        assert_eq!(loggable("inbox", None), None);
    }
}
