//! Collects every error of a table while it is read into a type, where a deserializer stops at the first.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use super::ConfigError;
use super::messages::{SerdeProblem, classify};

/// Whoever wrote more than this will not read further either.
const MOST: usize = 100;

/// Stand-ins for missing keys carry spans from here on, which no file reaches.
const STAND_IN: usize = usize::MAX / 2;

/// Reads `table` into `T`.
///
/// # Errors
/// Every complaint that can be found: unknown keys, wrong types, missing keys.
pub fn read<T: DeserializeOwned>(table: Spanned<DeTable<'_>>) -> Result<T, Vec<ConfigError>> {
    match salvage(table) {
        (Some(value), errors) if errors.is_empty() => Ok(value),
        (_, errors) => Err(errors),
    }
}

/// Reads of `table` what can be read, with every complaint about the rest. What is complained about is not in the value, so that it can be
/// checked further; for a missing key without a default some value stands in.
///
/// The deserializer stops at its first error. So what the error is about is noted and taken out of the table (or, for a missing key, put
/// in), and the table is read again until nothing is left to complain about.
#[must_use]
pub fn salvage<T: DeserializeOwned>(mut table: Spanned<DeTable<'_>>) -> (Option<T>, Vec<ConfigError>) {
    let mut finder = Finder::default();
    for _ in 0..MOST * STAND_INS.len() {
        let error = match T::deserialize(Deserializer::from(table.clone())) {
            Ok(value) => return (Some(value), finder.errors),
            Err(error) => error,
        };
        if finder.errors.len() >= MOST || !finder.note(&mut table, &error) {
            break;
        }
    }
    (None, finder.errors)
}

#[derive(Default)]
struct Finder {
    errors: Vec<ConfigError>,
    /// Keys that were complained about, by the span of their table: that they are missing now is no news.
    gone: Vec<(Range<usize>, String)>,
    /// Places where something was taken out: what the container then lacks is no news either.
    touched: Vec<Range<usize>>,
    stand_ins: Vec<StandIn>,
}

/// A value put in for a missing key.
struct StandIn {
    table: Range<usize>,
    key: String,
    tried: usize,
}

impl Finder {
    /// Notes what an error says, and changes the table so that the next reading gets past it. False where that cannot be done.
    fn note(&mut self, table: &mut Spanned<DeTable<'_>>, error: &toml::de::Error) -> bool {
        let span = error.span().unwrap_or_else(|| table.span());
        if let Some(n) = span.start.checked_sub(STAND_IN) {
            return self.try_another(table, n);
        }
        match classify(error.message()) {
            SerdeProblem::Unknown { key, meant, message } => {
                self.add_error(span.clone(), message);
                let Some(taken) = take_out(table, &span) else { return false };
                self.gone.push((taken.table.clone(), key));
                self.gone.extend(meant.map(|meant| (taken.table, meant)));
                true
            }
            SerdeProblem::Missing(key) => self.missing(table, &span, key),
            SerdeProblem::Other(message) => {
                let Some(taken) = take_out(table, &span) else {
                    self.add_error(span, message);
                    return false;
                };
                if !self
                    .touched
                    .iter()
                    .any(|inner| inner.start >= span.start && inner.end <= span.end)
                {
                    self.add_error(span.clone(), format!("{}: {message}", taken.key));
                }
                self.touched.push(span);
                self.gone.push((taken.table, taken.key));
                true
            }
        }
    }

    fn add_error(&mut self, span: Range<usize>, message: String) {
        let error = ConfigError::at(span, message);
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Notes a missing key and puts a stand-in there, so that the next missing key is found too.
    fn missing(&mut self, table: &mut Spanned<DeTable<'_>>, span: &Range<usize>, key: String) -> bool {
        if !self.gone.iter().any(|(owner, name)| owner == span && *name == key) {
            self.add_error(span.clone(), format!("the key `{key}` is missing"));
        }
        let n = self.stand_ins.len();
        let Some(owner) = table_at(table, span) else { return false };
        owner.insert(key_of(n, &key), value_of(n, 0));
        self.stand_ins.push(StandIn {
            table: span.clone(),
            key,
            tried: 0,
        });
        true
    }

    /// The stand-in was not of the right type: tries the next one, and gives up on the rest of the file when there is none.
    fn try_another(&mut self, table: &mut Spanned<DeTable<'_>>, n: usize) -> bool {
        let Some(stand_in) = self.stand_ins.get_mut(n) else {
            return false;
        };
        stand_in.tried += 1;
        if stand_in.tried >= STAND_INS.len() {
            return false;
        }
        let Some(owner) = table_at(table, &stand_in.table) else {
            return false;
        };
        owner.insert(key_of(n, &stand_in.key), value_of(n, stand_in.tried));
        true
    }
}

/// What is tried in the place of a missing key, since its type is not known: most keys are texts of some form.
const STAND_INS: [Value; 10] = [
    Value::Text("-"),
    Value::Number,
    Value::Flag,
    Value::Secret,
    Value::List,
    Value::Text("1s"),
    Value::Text("1/s"),
    Value::Text("a@example.org"),
    Value::Text("https://example.org/"),
    Value::Text("127.0.0.1:1"),
];

#[derive(Clone, Copy)]
enum Value {
    Text(&'static str),
    Number,
    Flag,
    Secret,
    List,
}

fn key_of<'a>(n: usize, key: &str) -> Spanned<DeString<'a>> {
    Spanned::new(STAND_IN + n..STAND_IN + n + 1, key.to_owned().into())
}

fn value_of<'a>(n: usize, tried: usize) -> Spanned<DeValue<'a>> {
    let span = STAND_IN + n..STAND_IN + n + 1;
    let value = match STAND_INS[tried] {
        Value::Text(text) => DeValue::String(text.into()),
        Value::Number => DeValue::parse("1").map_or(DeValue::Boolean(false), Spanned::into_inner),
        Value::Flag => DeValue::Boolean(false),
        Value::List => DeValue::Array(std::iter::empty().collect()),
        Value::Secret => {
            let file = Spanned::new(span.clone(), DeValue::String("-".into()));
            DeValue::Table(std::iter::once((key_of(n, "file"), file)).collect())
        }
    };
    Spanned::new(span, value)
}

/// The table whose span is `span`; the whole where nothing inside has it.
fn table_at<'t, 'a>(whole: &'t mut Spanned<DeTable<'a>>, span: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
    fn inside<'t, 'a>(value: &'t mut Spanned<DeValue<'a>>, span: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
        let here = value.span() == *span;
        match value.get_mut() {
            DeValue::Table(table) => {
                if here {
                    Some(table)
                } else {
                    table.iter_mut().find_map(|(_, value)| inside(value, span))
                }
            }
            DeValue::Array(array) => array.iter_mut().find_map(|value| inside(value, span)),
            _ => None,
        }
    }
    if whole.span() == *span {
        return Some(whole.get_mut());
    }
    whole.get_mut().iter_mut().find_map(|(_, value)| inside(value, span))
}

/// What was taken out of a table.
struct Taken {
    /// The span of the table.
    table: Range<usize>,
    /// The key it stood under, or in a list under it.
    key: String,
}

/// Takes out the innermost entry or list member whose key or value is exactly at `span`; failing that, one that holds it.
fn take_out(table: &mut Spanned<DeTable<'_>>, span: &Range<usize>) -> Option<Taken> {
    let whole = table.span();
    let table = table.get_mut();
    from_table(table, &whole, &|found| *found == *span)
        .or_else(|| from_table(table, &whole, &|found| found.start <= span.start && span.end <= found.end))
}

fn from_table(table: &mut DeTable<'_>, whole: &Range<usize>, here: &dyn Fn(&Range<usize>) -> bool) -> Option<Taken> {
    let mut hit = None;
    for (key, value) in table.iter_mut() {
        if let Some(taken) = from_value(value, key.get_ref(), whole, here) {
            return Some(taken);
        }
        if here(&key.span()) || here(&value.span()) {
            hit = Some(key.get_ref().to_string());
        }
    }
    let key = hit?;
    table.remove(key.as_str());
    Some(Taken {
        table: whole.clone(),
        key,
    })
}

fn from_value(
    value: &mut Spanned<DeValue<'_>>,
    key: &str,
    whole: &Range<usize>,
    here: &dyn Fn(&Range<usize>) -> bool,
) -> Option<Taken> {
    let span = value.span();
    match value.get_mut() {
        DeValue::Table(table) => from_table(table, &span, here),
        DeValue::Array(array) => {
            if let Some(taken) = array.iter_mut().find_map(|member| from_value(member, key, whole, here)) {
                return Some(taken);
            }
            let n = array.iter().position(|member| here(&member.span()))?;
            let members = std::mem::replace(array, std::iter::empty().collect());
            *array = members
                .into_iter()
                .enumerate()
                .filter(|(at, _)| *at != n)
                .map(|(_, member)| member)
                .collect();
            Some(Taken {
                table: whole.clone(),
                key: key.to_owned(),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::secret::SecretSource;
    use crate::settings::{ConfigReport, Period, Rate};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Sample {
        url: String,
        token: SecretSource,
        rate: Rate,
        #[serde(default)]
        watch: Vec<Period>,
        #[serde(default)]
        block: bool,
        #[serde(default)]
        inner: BTreeMap<String, Inner>,
        #[serde(default)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Inner {
        name: String,
        size: u16,
    }

    fn errors(text: &str) -> String {
        let table = DeTable::parse(text).unwrap();
        ConfigReport::new("t", text, read::<Sample>(table).unwrap_err()).to_string()
    }

    #[test]
    fn every_kind_of_trouble_is_found_in_one_reading() {
        let text = "ulr = \"x\"\ntoken = \"s3cret\"\nwatch = [\"1m\", \"ten\", 3]\nblock = \"yes\"\n\n[inner.a]\nsize = 70000\n\n[inner.b]\nname = \"b\"\nsize = 1\nsice = 2\n";
        insta::assert_snapshot!(errors(text), @r#"
        t:1:1: the key `rate` is missing
        t:1:1: unknown key `ulr`; did you mean `url`?
        t:2:9: token: a secret never stands in the config itself; write { credential = "NAME" } or { file = "PATH" }
        t:3:9: watch: "ten" is not a length of time; write one such as "90s", "11m", "1h30m" or "7d"
        t:4:9: block: it must be true or false, not a text
        t:6:1: the key `name` is missing
        t:7:8: size: it must be a whole number from 0 to 65535, not 70000
        t:12:1: unknown key `sice`; did you mean `size`?
        "#);
    }

    #[test]
    fn every_missing_key_is_found() {
        insta::assert_snapshot!(errors("[[list]]\n[[list]]\nname = 'b'\n[inner]\nx = {}\n"), @r#"
        t:1:1: the key `name` is missing
        t:1:1: the key `rate` is missing
        t:1:1: the key `size` is missing
        t:1:1: the key `token` is missing
        t:1:1: the key `url` is missing
        t:2:1: the key `size` is missing
        t:5:5: the key `name` is missing
        t:5:5: the key `size` is missing
        "#);
    }

    #[test]
    fn a_table_where_a_value_belongs_is_found_and_the_rest_too() {
        insta::assert_snapshot!(errors("inner = 3\nlist = 4\n[url]\n[rate]\na = 1\n[token]\nfile = 'x'\ncredential = 'y'\n"), @r#"
        t:1:9: inner: it must be a table, not 3
        t:2:8: list: it must be a list, not 4
        t:3:1: url: it must be a text in quotes, not a table
        t:4:1: rate: it must be a text in quotes, not a table
        t:6:1: token: a secret comes from one place; write { credential = "NAME" } or { file = "PATH" }
        "#);
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        for text in [
            "token = 's3cret'",
            "block = 's3cret'",
            "list = 's3cret'",
            "token = { 'x' = 's3cret' }",
            "inner = 's3cret'",
        ] {
            let said = errors(text);
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
