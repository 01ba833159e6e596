//! Maps an item to its subject: where it names a person, and by what sort of identifier.

use serde::Deserialize;
use serde_json::Value;

use crate::json::Pointer;
use crate::model::{Disposition, LONGEST_SUBJECT, Subject};
use crate::sources::shared::subject_identifiers::{EventSubject, SubjectFault, SubjectRules};

/// One place of an item that names its subject.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct SubjectAt {
    pointer: Pointer,
    /// What stands before the name and is no part of it; a text without it names nobody.
    prefix: String,
    is: Is,
}

#[derive(Debug, Clone)]
enum Is {
    /// A name of one of our formats, by the word of its canonical form.
    Word(&'static str),
    /// What the pinned issuer calls the person.
    Of { issuer: Issuer },
    /// An object of RFC 9493.
    Rfc9493,
}

/// An issuer, in whose address a member of the item may stand: `https://sts.windows.net/{/tenantId}/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Issuer {
    before: String,
    /// The place of the member, and what stands after it.
    member: Option<(Pointer, String)>,
}

impl Issuer {
    /// The address for an item; `None` where its member is missing or could not stand in an address.
    fn of(&self, item: &Value) -> Option<String> {
        let Some((pointer, after)) = &self.member else {
            return Some(self.before.clone());
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let member = pointer.text(item).filter(|member| member.bytes().all(plain))?;
        Some(format!("{}{member}{after}", self.before))
    }
}

impl TryFrom<String> for Issuer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WORDS: &str = "an issuer is a text, in which one {/pointer} may stand for a member of the item";
        let Some((before, rest)) = text.split_once('{') else {
            let before = Some(text).filter(|text| !text.is_empty() && !text.contains('}'));
            return before.map(|before| Self { before, member: None }).ok_or(WORDS);
        };
        let (pointer, after) = rest
            .split_once('}')
            .filter(|(_, after)| !after.contains(['{', '}']))
            .ok_or(WORDS)?;
        let pointer = Pointer::try_from(pointer.to_owned())?;
        Ok(Self {
            before: before.to_owned(),
            member: Some((pointer, after.to_owned())),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pointer: Pointer,
    is: Meaning,
    issuer: Option<Issuer>,
    #[serde(default)]
    prefix: String,
}

/// What the text at a pointer is.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Meaning {
    Email,
    Username,
    EmployeeId,
    AccountId,
    Opaque,
    IssSub,
    Rfc9493,
}

impl TryFrom<Written> for SubjectAt {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let is = match (written.is, written.issuer) {
            (Meaning::IssSub, Some(issuer)) => Is::Of { issuer },
            (Meaning::IssSub, None) => return Err("a subject that is an `iss_sub` needs its `issuer`"),
            (_, Some(_)) => return Err("an `issuer` belongs to a subject that is an `iss_sub`"),
            (Meaning::Rfc9493, None) if !written.prefix.is_empty() => return Err("an object of RFC 9493 has no prefix"),
            (Meaning::Rfc9493, None) => Is::Rfc9493,
            (Meaning::Email, None) => Is::Word("email"),
            (Meaning::Username, None) => Is::Word("username"),
            (Meaning::EmployeeId, None) => Is::Word("employee_id"),
            (Meaning::AccountId | Meaning::Opaque, None) => Is::Word("opaque"),
        };
        Ok(Self {
            pointer: written.pointer,
            prefix: written.prefix,
            is,
        })
    }
}

/// Whom an item is about, and what becomes of the rule's wish where that is not one known person.
pub(super) fn read(
    places: &[SubjectAt],
    item: &Value,
    rules: &SubjectRules,
    disposition: &Disposition,
) -> Result<(Subject, Disposition), String> {
    let mut names: Vec<Subject> = Vec::new();
    let mut nobody = None;
    for place in places {
        let Some(found) = place.pointer.of(item) else { continue };
        let whom = match &place.is {
            Is::Rfc9493 => rules.read(&found, false, false).map_err(|fault| told(place, &fault))?,
            _ => match place.named(item) {
                Some(name) => {
                    push(&mut names, &name);
                    continue;
                }
                None => continue,
            },
        };
        let tempered = whom.restrict(disposition);
        if tempered == *disposition {
            push(&mut names, &whom.subject);
        } else {
            nobody.get_or_insert((whom.subject, tempered));
        }
    }
    match (names.len(), nobody) {
        (0, Some(nobody)) => Ok(nobody),
        (0, None) => {
            let places: Vec<String> = places.iter().map(|place| place.pointer.to_string()).collect();
            let why = match places.as_slice() {
                [] => "unresolved: the rule says nowhere whom the item is about".to_owned(),
                places => format!("unresolved: the item names nobody at {}", places.join(", ")),
            };
            let disposition = match disposition {
                Disposition::Act => Disposition::Hold(why),
                Disposition::Hold(first) => Disposition::Hold(format!("{first}; {why}")),
                Disposition::Stays(_) | Disposition::Ignore(_) => disposition.clone(),
            };
            Ok((EventSubject::nobody("webhook", item).subject, disposition))
        }
        (1, _) => Ok((names.remove(0), disposition.clone())),
        _ => Ok((Subject::Aliases(names), disposition.clone())),
    }
}

fn told(place: &SubjectAt, fault: &SubjectFault) -> String {
    match fault {
        SubjectFault::Malformed(why) => format!("{} is no subject of RFC 9493: {why}", place.pointer),
        SubjectFault::Denied => format!("the issuer at {} is not one that this sender may speak for", place.pointer),
    }
}

fn push(names: &mut Vec<Subject>, subject: &Subject) {
    for name in subject.names() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}

impl SubjectAt {
    /// Where it stands.
    pub(super) fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// The name that stands there, where it is one.
    fn named(&self, item: &Value) -> Option<Subject> {
        let text = self.pointer.text(item)?;
        let name = text.trim().strip_prefix(self.prefix.as_str())?;
        if name.is_empty() || name.len() > LONGEST_SUBJECT {
            return None;
        }
        match &self.is {
            Is::Word(word) => format!("{word}:{name}").parse().ok(),
            // Read as text for the checks of length and characters, then taken apart as sent: a name may hold a `#`.
            Is::Of { issuer } => {
                let issuer = issuer.of(item)?;
                let read = format!("iss_sub:{issuer}#{name}").parse::<Subject>().ok();
                read.map(|_| Subject::IssSub {
                    iss: issuer,
                    sub: name.to_owned(),
                })
            }
            Is::Rfc9493 => None,
        }
    }
}
