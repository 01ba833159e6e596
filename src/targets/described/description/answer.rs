//! What answers mean: tables of rules, of which the first that matches counts.

use http::HeaderName;
use serde_json::Value;

use super::table::Table;
use super::template::{Allowed, Slot, Template};
use crate::json::{Condition, Places};

/// What an answer is recognised by.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct AnswerSign {
    status: Vec<u16>,
    header: Option<HeaderName>,
    condition: Option<Condition<Places>>,
}

/// A rule of the table of answers.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct AnswerRule {
    pub(in crate::targets::described) sign: AnswerSign,
    pub(in crate::targets::described) means: Means,
    /// What it says to the operator.
    pub(in crate::targets::described) why: Option<String>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::targets::described) enum Means {
    /// Our credential or our rights do not work.
    Ours,
    /// The target limits us.
    Limited,
    /// It may work later.
    Retry,
    /// This change is refused, and no other.
    Refused,
    /// The feature is absent.
    Off,
}

const MEANS: [(&str, Means); 5] = [
    ("ours", Means::Ours),
    ("limited", Means::Limited),
    ("retry", Means::Retry),
    ("refused", Means::Refused),
    ("off", Means::Off),
];

const CONDITION: [&str; 7] = ["pointer", "equals", "in", "contains", "lacks", "exists", "any_case"];

impl AnswerRule {
    /// Reads the rules of `key`.
    pub(in crate::targets::described) fn read_all(table: &Table<'_>) -> Vec<Self> {
        let mut rules = Vec::new();
        for rule in table.tables("answer") {
            let sign = AnswerSign::read(&rule);
            if !rule.has("means") {
                rule.complain("means", "the key `means` is missing");
            }
            let means = rule.word("means", &MEANS);
            let why = rule.text("why").map(|(text, _)| text.to_owned());
            if means == Some(Means::Off) && why.is_none() {
                rule.complain("means", "means: what is \"off\" is never proved gone; say `why` it is absent");
            }
            if let (Some(sign), Some(means)) = (sign, means) {
                rules.push(Self { sign, means, why });
            }
            rule.done();
        }
        rules
    }
}

impl AnswerSign {
    fn read(table: &Table<'_>) -> Option<Self> {
        let status = statuses(table);
        let header = table.text("header").and_then(|(text, at)| {
            let header = text.parse::<HeaderName>().ok();
            if header.is_none() {
                table.mistakes().add(at, "header: it is not the name of a header");
            }
            header
        });
        let condition = if header.is_some() && !table.has("pointer") {
            header_condition(table)
        } else if CONDITION.iter().any(|key| table.has(key)) {
            if header.is_some() {
                table.complain("header", "header: a rule looks at a header or at the body; write two rules");
            }
            Some(table.part::<Condition<Places>>(&CONDITION)?)
        } else {
            // They are known words all the same.
            for key in CONDITION {
                table.value(key);
            }
            None
        };
        if status.is_empty() && condition.is_none() {
            table.mistakes().add(
                table.span(),
                "the rule matches every answer; name a `status`, a `pointer` or a `header`",
            );
            return None;
        }
        Some(Self {
            status,
            header,
            condition,
        })
    }

    /// Reads the rules of `key`, each without a meaning of its own.
    pub(in crate::targets::described) fn read_all(table: &Table<'_>, key: &'static str) -> Vec<Self> {
        let mut signs = Vec::new();
        for rule in table.tables(key) {
            signs.extend(Self::read(&rule));
            rule.done();
        }
        signs
    }

    /// Whether it is recognised by a status that says nothing of what was asked about.
    pub(in crate::targets::described) fn says_nothing(&self) -> bool {
        self.status.iter().copied().any(is_about_us)
    }

    /// Whether any answer of its status bears it, whatever the target says in it.
    pub(in crate::targets::described) const fn is_bare(&self) -> bool {
        self.condition.is_none()
    }

    /// Whether an answer bears it.
    pub(in crate::targets::described) fn is_on(&self, status: u16, headers: &http::HeaderMap, body: &Value) -> bool {
        let of_status = self.status.is_empty() || self.status.contains(&status);
        let of_condition = self.condition.as_ref().is_none_or(|condition| match &self.header {
            None => condition.holds(body),
            Some(name) => {
                let text = headers.get(name).and_then(|value| value.to_str().ok());
                condition.holds(&text.map_or(Value::Null, Value::from))
            }
        });
        of_status && of_condition
    }
}

fn statuses(table: &Table<'_>) -> Vec<u16> {
    let Some(value) = table.value("status") else {
        return Vec::new();
    };
    let one = |value: &toml::de::DeValue<'_>| {
        let number = value.as_integer()?.as_str().parse::<u16>().ok()?;
        (100..600).contains(&number).then_some(number)
    };
    let read = match value.get_ref().as_array() {
        Some(members) => members.iter().map(|member| one(member.get_ref())).collect(),
        None => one(value.get_ref()).map(|status| vec![status]),
    };
    read.unwrap_or_else(|| {
        table.complain("status", "status: it must be an HTTP status or a list of them");
        Vec::new()
    })
}

/// The condition on a header's text: the same words, with the header in place of the pointer.
fn header_condition(table: &Table<'_>) -> Option<Condition<Places>> {
    let Some(value) = table.value("pointer") else {
        return table.part_at_root::<Condition<Places>>(&CONDITION[1..]);
    };
    table
        .mistakes()
        .add(value.span(), "pointer: a rule looks at a header or at the body");
    None
}

/// A list of conditions that all hold, in a list of which one must.
#[derive(Debug, Clone, Default)]
pub(in crate::targets::described) struct AnyOf(Vec<Vec<Filled>>);

/// A condition whose texts are templates.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Filled {
    condition: Condition<Places>,
    templates: Vec<Template>,
}

/// Whether a status is about us, our pace or the target's state, and never about a person or a grant: nobody, or gone, is not read in such an answer.
pub(in crate::targets::described) const fn is_about_us(status: u16) -> bool {
    matches!(status, 401 | 403 | 407 | 408 | 429 | 500..)
}

impl AnyOf {
    /// Whether one of the lists holds of `value`, none of whose conditions names a value.
    pub(in crate::targets::described) fn holds(&self, value: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|one| one.condition.holds(value)))
    }

    /// Reads the lists of `key`, which name no values.
    pub(in crate::targets::described) fn read(table: &Table<'_>, key: &'static str) -> Option<Self> {
        let value = table.value(key)?;
        let form = || {
            let why =
                format!("{key}: it must be a list of lists of conditions, such as [[{{ pointer = \"/active\", equals = false }}]]");
            table.mistakes().add(value.span(), why);
        };
        let Some(lists) = value.get_ref().as_array() else {
            form();
            return None;
        };
        let mut any = Vec::new();
        for list in lists {
            match list.get_ref().as_array() {
                Some(members) => any.push(Filled::read_all(members.iter(), table, None)),
                None => form(),
            }
        }
        if any.iter().any(Vec::is_empty) || any.is_empty() {
            form();
        }
        Some(Self(any))
    }
}

impl Filled {
    /// Reads a list of conditions.
    pub(in crate::targets::described) fn read_list(table: &Table<'_>, key: &'static str, allowed: Allowed<'_>) -> Vec<Self> {
        let Some(value) = table.value(key) else { return Vec::new() };
        let Some(members) = value.get_ref().as_array() else {
            table.complain(key, format!("{key}: it must be a list of conditions"));
            return Vec::new();
        };
        Self::read_all(members.iter(), table, Some(allowed))
    }

    fn read_all<'t>(
        members: impl Iterator<Item = &'t toml::Spanned<toml::de::DeValue<'t>>>,
        table: &Table<'_>,
        allowed: Option<Allowed<'_>>,
    ) -> Vec<Self> {
        let mistakes = table.mistakes();
        let mut read = Vec::new();
        for member in members {
            let Some(entries) = member.get_ref().as_table() else {
                mistakes.add(
                    member.span(),
                    "a condition is a table, such as { pointer = \"/active\", equals = false }",
                );
                continue;
            };
            match crate::settings::read::<Condition<Places>>(toml::Spanned::new(member.span(), entries.clone())) {
                Ok(mut condition) => {
                    let templates: Vec<Template> = allowed.map_or_else(Vec::new, |allowed| {
                        let texts = condition.texts_mut();
                        texts
                            .map(|text| Template::read(text, &member.span(), allowed, mistakes))
                            .collect()
                    });
                    condition.fill_in(templates.iter().map(|template| template.slots().next().is_some()));
                    read.push(Self { condition, templates });
                }
                Err(found) => mistakes.extend(found),
            }
        }
        read
    }

    /// Whether it names such a value.
    pub(in crate::targets::described) fn names(&self, wanted: impl Fn(&Slot) -> bool) -> bool {
        let mut slots = self.templates.iter().flat_map(Template::slots);
        slots.any(|(slot, _)| wanted(slot))
    }

    /// The condition with its texts filled.
    pub(in crate::targets::described) fn filled<E>(
        &self,
        mut fill: impl FnMut(&Template) -> Result<String, E>,
    ) -> Result<Condition<Places>, E> {
        let mut condition = self.condition.clone();
        for (text, template) in condition.texts_mut().zip(&self.templates) {
            *text = fill(template)?;
        }
        Ok(condition)
    }
}
