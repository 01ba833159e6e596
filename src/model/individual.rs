//! The human behind an operator, as far as it is proved: for decisions that need two.

use revoked_trail::{Actor, Behind};

/// One human. Two of them are the same where either the number or the name is: here it is safer to match too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Individual {
    uid: Option<u32>,
    name: String,
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
            }),
            _ if uid.is_some() && *uid == shared => None,
            _ => Some(Self {
                uid: *uid,
                name: name.clone(),
            }),
        }
    }

    /// Whether both are the same human.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let is_named = !self.is_unnamed() && !other.is_unnamed();
        self.uid.is_some() && self.uid == other.uid || is_named && self.is_called(&other.name)
    }

    /// Whether this host has no name for the account: one of a directory, which is told from others by its number alone.
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
