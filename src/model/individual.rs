//! The human behind an operator, as far as it is proved: for decisions that need two.

use revoked_trail::{Actor, Behind};

/// One human. Two of them are the same where either the number or the name is: here it is safer to match too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Individual {
    uid: Option<u32>,
    name: String,
    /// By whose word and as whom, where that is an OpenID provider's.
    subject: Option<(String, String)>,
    /// Whether `name` is a login: by the kernel's word, or the config's.
    has_login: bool,
}

impl Individual {
    /// Who an operator is; `None` for the daemon and for sources, and for `shared`, the account that several people become, unless the kernel kept
    /// who had logged in. The word of `sudo`'s environment does not count: whoever became the account may write it. `root` is one person.
    #[must_use]
    pub fn of(operator: &Actor, shared: Option<u32>) -> Option<Self> {
        let Actor::Operator { name, uid, behind } = operator else {
            return None;
        };
        match behind {
            Some(Behind::Login { name, uid }) => Some(Self {
                uid: Some(*uid),
                name: name.clone(),
                subject: None,
                has_login: true,
            }),
            Some(Behind::Subject {
                issuer,
                subject,
                is_login,
            }) => Some(Self {
                uid: None,
                name: name.clone(),
                subject: Some((issuer.clone(), subject.clone())),
                has_login: *is_login,
            }),
            _ if uid.is_some() && *uid == shared => None,
            _ => Some(Self {
                uid: *uid,
                name: name.clone(),
                subject: None,
                has_login: true,
            }),
        }
    }

    /// Whether both are the same human. One whom a provider vouches for and of whom the config does not say which login that is may be anybody
    /// who comes by a login: the name that a provider shows can be changed by whoever bears it.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let by_subject = self.subject.is_some() && self.subject == other.subject;
        let by_uid = self.uid.is_some() && self.uid == other.uid;
        let by_name = self.is_called(&other.name) && !(self.is_unnamed() && other.is_unnamed());
        by_subject || by_uid || by_name || self.may_be(other)
    }

    /// Whether both count as one for no other reason than that nothing says that they are two.
    #[must_use]
    pub fn may_only_be(&self, other: &Self) -> bool {
        self.may_be(other) && !self.is_called(&other.name)
    }

    fn may_be(&self, other: &Self) -> bool {
        let is_unknown = |one: &Self| one.subject.is_some() && !one.has_login;
        let is_either = |one: &Self, other: &Self| {
            is_unknown(one) && other.subject.is_none() || one.is_unnamed() && other.uid.is_none() && other.subject.is_some()
        };
        is_either(self, other) || is_either(other, self)
    }

    /// Whether this host has no name for the account: one of a directory. It is told from other accounts by its number alone, and from whomever a provider
    /// vouches for by nothing.
    fn is_unnamed(&self) -> bool {
        self.uid.is_some() && self.name == "unknown"
    }

    /// Whether a request says that this human asked for it: by the text form of an operator, or in whatever words a program wrote into the inbox.
    #[must_use]
    pub fn asked(&self, requested_by: &str) -> bool {
        if let Ok(actor) = requested_by.parse::<Actor>()
            && let Some(asker) = Self::of(&actor, None)
        {
            let by_the_words_of_sudo = match &actor {
                Actor::Operator {
                    behind: Some(Behind::Sudo { name }),
                    ..
                } => self.is_called(name),
                _ => false,
            };
            return by_the_words_of_sudo || self.is(&asker);
        }
        let requested_by = requested_by.trim();
        self.is_called(requested_by) || requested_by.split_once('@').is_some_and(|(local, _)| self.is_called(local))
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn individual(text: &str) -> Option<Individual> {
        Individual::of(&text.parse().unwrap(), Some(990))
    }

    #[test]
    fn a_shared_account_is_somebody_only_where_the_kernel_kept_who_had_logged_in() {
        assert_eq!(individual("operator:revoked(990)"), None);
        assert_eq!(individual("operator:revoked(990) sudo:alice"), None);
        assert_eq!(individual("daemon"), None);
        assert_eq!(individual("source:hr"), None);
        let alice = individual("operator:revoked(990) login:alice(1000)").unwrap();
        assert!(alice.is(&individual("operator:alice(1000)").unwrap()));
        assert!(!alice.is(&individual("operator:bob(1001)").unwrap()));
    }

    #[test]
    fn root_is_one_person_whatever_the_environment_says() {
        let (one, other) = ("operator:root(0) sudo:alice", "operator:root(0) sudo:bob");
        assert!(individual(one).unwrap().is(&individual(other).unwrap()));
    }

    #[test]
    fn one_name_by_two_ways_is_one_person() {
        assert!(
            individual("operator:alice")
                .unwrap()
                .is(&individual("operator:Alice(1000)").unwrap())
        );
    }

    #[test]
    fn accounts_that_have_no_name_here_are_told_apart_by_their_numbers() {
        let one = individual("operator:unknown(61001)").unwrap();
        assert!(!one.is(&individual("operator:unknown(61002)").unwrap()));
        assert!(one.is(&individual("operator:unknown(61001)").unwrap()));
        assert!(!one.asked("operator:unknown(61002)"));
        let vouched = individual("operator:anna oidc-login:https://id.example.org#1").unwrap();
        assert!(one.is(&vouched) && vouched.is(&one));
    }

    #[test]
    fn whom_a_provider_vouches_for_is_the_login_that_the_config_names_and_else_may_be_any() {
        let of = |text: &str| individual(text).unwrap();
        let known = of("operator:alice oidc-login:https://id.example.org#1");
        assert!(known.is(&of("operator:alice(1000)")) && of("operator:alice(1000)").is(&known));
        assert!(!known.is(&of("operator:bob(1001)")) && !of("operator:bob(1001)").is(&known));
        assert!(!known.asked("operator:bob(1001)") && known.asked("operator:alice(1000)"));
        let unknown = of("operator:carol oidc:https://id.example.org#2");
        for text in [
            "operator:bob(1001)",
            "operator:carol(1002)",
            "operator:revoked(990) login:dan(1003)",
        ] {
            assert!(unknown.is(&of(text)) && of(text).is(&unknown), "{text}");
        }
        // The provider calls two people by two subjects, and one by one, whatever their names are.
        assert!(!unknown.is(&known) && !known.is(&unknown));
        assert!(unknown.is(&of("operator:renamed oidc:https://id.example.org#2")));
        assert!(!unknown.is(&of("operator:renamed oidc:https://other.example.org#2")));
        assert!(unknown.is(&of("operator:Carol oidc:https://id.example.org#3")));
    }

    #[test]
    fn who_asked_is_known_by_operator_by_word_and_by_address() {
        let alice = individual("operator:alice(1000)").unwrap();
        for asked in [
            "operator:alice(1000)",
            "operator:revoked(990) login:alice(1000)",
            "operator:revoked(990) sudo:alice",
            "alice",
            " Alice@example.org",
        ] {
            assert!(alice.asked(asked), "{asked}");
        }
        for asked in ["operator:bob(1001)", "siem", "malice", "alice.b@example.org"] {
            assert!(!alice.asked(asked), "{asked}");
        }
    }
}
