//! Names near a word that nobody is called by: a slip of the keys, a name without its marks, one of several names that somebody has.

use crate::store::{SearchWord, Store, value_of};

/// How many are named.
const NAMED: usize = 5;
/// Shorter parts than this are near everything.
const SHORT: usize = 3;

/// The known names that are nearest to a word, at most five: only those as near as the nearest.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn near_names(store: &Store, word: &SearchWord) -> anyhow::Result<Vec<String>> {
    let names = store.names_maybe_near(word).await?;
    Ok(nearest(value_of(word.written()), names))
}

fn nearest(word: &str, names: Vec<String>) -> Vec<String> {
    let wanted = Spelling::of(word);
    let mut near: Vec<(usize, String)> = names
        .into_iter()
        .filter_map(|name| Some((wanted.slips_to(&Spelling::of(value_of(&name)))?, name)))
        .collect();
    near.sort();
    let least = near.first().map(|(slips, _)| *slips);
    near.retain(|(slips, _)| Some(*slips) == least);
    near.truncate(NAMED);
    near.into_iter().map(|(_, name)| name).collect()
}

/// A name as it is compared: in lower case, without marks.
struct Spelling {
    /// All of it.
    whole: String,
    /// Of an address what stands before the domain.
    local: String,
    /// The names that the local part is made of.
    parts: Vec<String>,
}

impl Spelling {
    fn of(name: &str) -> Self {
        let whole = folded(name);
        let local = whole.split_once('@').map_or(whole.as_str(), |(local, _)| local).to_owned();
        let parts = local.split(|c: char| !c.is_alphanumeric());
        let parts = parts.filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { whole, local, parts }
    }

    /// How many slips lie between what was typed and a name; nothing where it is too many. Every part that was typed must be one of the name.
    fn slips_to(&self, name: &Self) -> Option<usize> {
        let by_parts = || {
            let slips = self.parts.iter().map(|part| {
                let near = name.parts.iter().filter(|of_name| part.len().min(of_name.len()) >= SHORT);
                near.filter_map(|of_name| slips(part, of_name)).min()
            });
            // A part alone is less than the whole of a name.
            let sum = slips.sum::<Option<usize>>()?;
            (!self.parts.is_empty()).then_some(sum + 1)
        };
        let whole = slips(&self.whole, &name.whole);
        let local = slips(&self.whole, &name.local);
        [whole, local, by_parts()].into_iter().flatten().min()
    }
}

/// How many slips make one of the other; nothing where it is more than one in three letters.
fn slips(one: &str, other: &str) -> Option<usize> {
    let (long, short) = (
        one.chars().count().max(other.chars().count()),
        one.chars().count().min(other.chars().count()),
    );
    let most = (long / 3).clamp(1, 3);
    if long - short > most {
        return None;
    }
    Some(strsim::damerau_levenshtein(one, other)).filter(|slips| *slips <= most)
}

/// A text in lower case, its letters without marks.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            // Marks that stand by themselves.
            '\u{300}'..='\u{36f}' => {}
            'à'..='å' | 'ā' | 'ă' | 'ą' => folded.push('a'),
            'æ' => folded.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => folded.push('c'),
            'ď' | 'đ' | 'ð' => folded.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => folded.push('g'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => folded.push('i'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => folded.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => folded.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => folded.push('o'),
            'œ' => folded.push_str("oe"),
            'ŕ' | 'ŗ' | 'ř' => folded.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => folded.push('s'),
            'ß' => folded.push_str("ss"),
            'ţ' | 'ť' | 'ț' => folded.push('t'),
            'þ' => folded.push_str("th"),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            other => folded.push(other),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn near(word: &str) -> Vec<String> {
        let names = [
            "email:amara.okafor@example.org",
            "username:amara.okafor",
            "email:jürgen.meier@example.org",
            "email:łukasz@example.org",
            "username:user01",
            "employee_id:4711",
        ];
        nearest(word, names.map(str::to_owned).to_vec())
    }

    #[test]
    fn a_slip_a_part_another_order_and_a_name_without_marks_lead_to_the_name() {
        let amara = ["email:amara.okafor@example.org", "username:amara.okafor"];
        for word in [
            "amara.okofor",
            "AMRAA.OKAFOR",
            "okafro",
            "amra",
            "okafor amara",
            "Okafor, Amara",
        ] {
            assert_eq!(near(word), amara, "{word}");
        }
        for word in ["jurgen", "jurgen.meier", "jurgen.meier@example.org", "juergen meier"] {
            assert_eq!(near(word), ["email:jürgen.meier@example.org"], "{word}");
        }
        assert_eq!(near("lukasz"), ["email:łukasz@example.org"]);
        assert_eq!(near("usr01"), ["username:user01"]);
        for word in ["xx", "@", "somebody.else", "amara.smith"] {
            assert_eq!(near(word), [""; 0], "{word}");
        }
    }
}
