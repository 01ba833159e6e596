//! `[group.NAME]`: people who are treated apart, and the files that their names may stand in.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::Diagnostics;
use super::file;
use super::names::subject;
use super::source_rules::level;
use crate::digest::sha256;
use crate::file_modes;
use crate::policy::{Group, ListFault, MemberList, Protected, listed};

/// A larger file is no list of people: a hundred thousand names fit.
const LARGEST: u64 = 8 << 20;

/// The file of a group's members.
#[derive(Debug, Clone)]
pub struct GroupFile {
    /// The group.
    pub group: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Where its members are put: the policy's own list.
    pub list: MemberList,
    /// What is wrong with it, so that it was not read.
    pub fault: Option<ListFault>,
}

/// The names in a group's file, with the SHA-256 of its bytes.
///
/// # Errors
/// Why they cannot be had.
pub fn read_group_file(path: &Path) -> Result<(Protected, [u8; 32]), ListFault> {
    let unreadable = |error: std::io::Error| ListFault::Unreadable(error.to_string());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if meta.is_file() {
        file_modes::check("the list", path, &meta).map_err(|error| ListFault::Unreadable(error.to_string()))?;
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(ListFault::Unreadable(format!("it has more than {LARGEST} bytes")));
    }
    Ok((listed(&text)?, sha256(text.as_bytes())))
}

/// The groups of a file, with the files of their members.
pub(super) fn groups(written: &BTreeMap<Spanned<String>, file::Group>, found: &mut Diagnostics) -> (Vec<Group>, Vec<GroupFile>) {
    let (mut groups, mut files) = (Vec::new(), Vec::new());
    for (name, table) in written {
        let group = name.get_ref().clone();
        if group == "protected" {
            found.complain(
                name.span(),
                "the group `protected` is the list `protected` of [policy]; take another name",
            );
        } else if let Some(message) = super::entries::bad_name(&group) {
            found.complain(name.span(), format!("the name of a group: {message}"));
        }
        let members = table
            .members
            .iter()
            .filter_map(|text| subject("members", text, found))
            .collect();
        if table.members.is_empty() && table.file.is_none() {
            found.complain(name.span(), format!("the group {group} has neither members nor a file"));
        }
        let hold = table.hold.unwrap_or(false);
        if !hold && table.highest.is_none() {
            found.complain(
                name.span(),
                format!("the group {group} changes nothing: write hold = true, to ask a human always, or highest"),
            );
        }
        let listed = table.file.as_ref().and_then(|path| {
            let file = group_file(&group, path, found)?;
            let list = file.list.clone();
            files.push(file);
            Some(list)
        });
        let approvals = table.approvals.as_ref().map_or(1, |approvals| {
            if !(1..=2).contains(approvals.get_ref()) {
                found.complain(approvals.span(), "approvals: it must be 1 or 2");
            }
            *approvals.get_ref()
        });
        groups.push(Group {
            name: group,
            members,
            listed,
            file: table.file.as_ref().map(|path| path.get_ref().clone()),
            hold,
            highest: table.highest.as_ref().and_then(|written| level(written, found)),
            approvals,
        });
    }
    (groups, files)
}

fn group_file(group: &str, path: &Spanned<PathBuf>, found: &mut Diagnostics) -> Option<GroupFile> {
    if !path.get_ref().is_absolute() {
        found.complain(
            path.span(),
            "file: write the whole path of the list, such as \"/etc/revoked/executives\"",
        );
        return None;
    }
    let read = read_group_file(path.get_ref()).map(|(members, _)| members);
    let (members, fault) = match read {
        Ok(members) if members.is_empty() => (members, Some(ListFault::Empty)),
        Ok(members) => (members, None),
        Err(fault) => (Protected::default(), Some(fault)),
    };
    if let Some(fault) = &fault {
        found.warn(format!(
            "the list of the group {group}, {}: {fault}; the daemon goes on with the last one that it has read, and does not start without any",
            path.get_ref().display()
        ));
    }
    Some(GroupFile {
        group: group.to_owned(),
        path: path.get_ref().clone(),
        list: MemberList::of(members),
        fault,
    })
}
