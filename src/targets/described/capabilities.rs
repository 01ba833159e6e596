//! What a description makes of a target.

use std::collections::BTreeMap;

use super::description::Description;
use super::description::grant::{EndedBy, GrantRule};
use crate::model::{Capabilities, GrantKind, Sentence};

/// What can be done by this description.
pub(super) fn capabilities(description: &Description) -> Capabilities {
    let mut able = Capabilities {
        suspends: !description.suspend.is_empty(),
        resets_password: !description.password.is_empty(),
        password_first: description.password_first,
        set_size: 1,
        // It is about the target and never about a person.
        not_covered: description.not_covered.iter().cloned().map(Sentence::recalled).collect(),
        ..Capabilities::default()
    };
    let mut unlisted: BTreeMap<GrantKind, String> = BTreeMap::new();
    for rule in &description.grants {
        if rule.ends() {
            able.ends.insert(rule.kind);
        }
        if rule.end_all.is_some() {
            able.ends_all.insert(rule.kind);
        }
        if rule.disable.is_some() {
            able.disables.insert(rule.kind);
        }
        if let Some((_, most)) = &rule.end_set {
            able.end_sets.insert(rule.kind, *most);
        }
        if rule.listing.is_some() {
            able.lists.insert(rule.kind);
        } else {
            unlisted.entry(rule.kind).or_insert_with(|| why_unlisted(rule));
        }
    }
    let without_list = |kind| {
        description
            .grants
            .iter()
            .filter(move |rule| rule.kind == kind && rule.listing.is_none())
    };
    let by_suspension = |rule: &GrantRule| rule.proof.is_some() && rule.ended_by.contains(&EndedBy::Suspend);
    let kinds = unlisted.keys().copied();
    able.ended_by_suspension = kinds.filter(|kind| without_list(*kind).all(by_suspension)).collect();
    // A kind of which one part is in no list is not listed whole.
    able.lists.retain(|kind| !unlisted.contains_key(kind));
    able.unlisted = unlisted;
    able
}

/// Why there is no list of these.
pub(super) fn why_unlisted(rule: &GrantRule) -> String {
    if let Some(why) = &rule.unlisted {
        return why.clone();
    }
    let by: Vec<&str> = rule
        .ended_by
        .iter()
        .map(|by| match by {
            EndedBy::Suspend => "a suspension",
            EndedBy::Password => "a new password",
        })
        .collect();
    match by.as_slice() {
        [] => "the target has no list of these; it says since when nothing older works".to_owned(),
        by => format!(
            "the target has no list of these; {} ends them, and it says since when nothing older works",
            by.join(" or ")
        ),
    }
}
