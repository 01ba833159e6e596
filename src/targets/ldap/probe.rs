//! Looks whether a directory is reachable, lets us do our work, and is set up sensibly. Changes nothing.

use super::Directory;
use super::connection::Search;
use super::connection::failure::{CallFailure, Why, code};
use super::filter::Filter;
use crate::targets::{CallContext, Finding, Level, Probe, Remedy, TargetError};

/// What a server says of itself.
const ROOT: [&str; 9] = [
    "objectClass",
    "namingContexts",
    "supportedControl",
    "supportedExtension",
    "vendorName",
    "vendorVersion",
    "dnsHostName",
    "domainControllerFunctionality",
    "defaultNamingContext",
];

/// How many people are looked at: some of them may be of those whom the directory guards even from us.
const SAMPLE: usize = 20;

/// Probes a directory.
pub(super) async fn probe(directory: &Directory, context: &CallContext) -> Result<Probe, TargetError> {
    let described = &directory.described;
    let (connection, call) = (&described.connection, directory.call(context));
    // An operator may have put a new password in place since the old one was refused.
    connection.renew()?;
    directory.forget_own_account();
    let own_account = directory.own_account(context).await?;
    let root = Search::entry("", Filter::anything(), &ROOT);
    let root = connection
        .read(context, "reading what the server says of itself", &root)
        .await?
        .ok_or_else(|| CallFailure::unclear("reading what the server says of itself", "it says nothing"))?;
    let (version, mut findings) = described.dialect.look(call, &root).await?;
    for base in &described.people.bases {
        findings.extend(base_is_there(directory, context, base).await?);
    }
    let groups = &described.groups;
    for group in groups.remove_from.iter().chain(&groups.protected) {
        findings.extend(group_is_there(directory, context, group).await?);
    }
    if !connection.address.is_encrypted() {
        findings.push(Finding {
            level: Level::Note,
            what: "the connection is not encrypted".to_owned(),
            advice: "it stays on this machine; elsewhere it is refused".to_owned(),
        });
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Ok(Probe {
        version,
        acting_as: Some(own_account.name.clone()),
        findings,
        ..Probe::default()
    })
}

/// Whether people can be found below `base`, and identified.
async fn base_is_there(directory: &Directory, context: &CallContext, base: &str) -> Result<Vec<Finding>, TargetError> {
    let (people, connection) = (&directory.described.people, &directory.described.connection);
    let dialect = &directory.described.dialect;
    let mut attributes = people.naming.attributes();
    attributes.extend(people.attributes.iter().cloned());
    attributes.extend(dialect.rights_attribute().map(str::to_owned));
    let search = Search {
        base: base.to_owned(),
        scope: ldap3::Scope::Subtree,
        filter: people.filter.clone(),
        attributes,
        most: SAMPLE,
        names_only: false,
    };
    let listing = match connection
        .search(context, &format!("looking for people below {base}"), &search)
        .await
    {
        Ok(listing) => listing,
        Err(failure) if failure.is(code::NO_SUCH_OBJECT) => {
            return Err(failure.with(
                Remedy::Pause,
                "what `people` names is not there, or our account may not see it",
            ));
        }
        // That there are too many to count is no trouble.
        Err(failure) if matches!(failure.why, Why::Refused(_)) && failure.is(code::SIZE_LIMIT) => return Ok(Vec::new()),
        Err(failure) => return Err(failure.into()),
    };
    let Some(one) = listing.entries.first() else {
        return Ok(vec![Finding {
            level: Level::Warning,
            what: format!("nobody is found below {base}"),
            advice: format!(
                "look whether our account may search there, and whether {} is what people match",
                people.filter
            ),
        }]);
    };
    let unread = people.naming.id_of(one).is_none().then(|| Finding {
        level: Level::Error,
        what: format!("{} of people below {base} cannot be read", people.naming.id),
        advice: "let our account read it, or say in `id` by what an entry is known for good".to_owned(),
    });
    let lacking = listing.entries.iter().find_map(|person| dialect.lacking_rights(person));
    Ok(unread.into_iter().chain(lacking).collect())
}

async fn group_is_there(directory: &Directory, context: &CallContext, group: &str) -> Result<Option<Finding>, TargetError> {
    let search = Search::entry(group, Filter::anything(), &["1.1"]);
    let connection = &directory.described.connection;
    let found = connection
        .read(context, &format!("looking for the group {group}"), &search)
        .await?;
    Ok(found.is_none().then(|| Finding {
        level: Level::Error,
        what: format!("the group {group} is not there, or our account may not see it"),
        advice: "correct its name in the config, or let our account read it".to_owned(),
    }))
}
