//! Whose files the store's are, and what to type to come back as whoever owns them.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use revoked_trail::{Behind, is_login};

use super::handed::handed;
use crate::passwd::login;

/// The name of whoever owns the file at `path`, or its folder where the file cannot be looked at. What lies above says nothing of it.
#[must_use]
pub(super) fn owner_of(path: &Path) -> Option<String> {
    let seen = path.ancestors().take(2).find_map(|path| std::fs::metadata(path).ok())?;
    Some(login(seen.uid()).unwrap_or_else(|| format!("#{}", seen.uid())))
}

/// This command, as it was typed, to be typed again as `owner`.
#[must_use]
pub(super) fn again_as(owner: &str) -> String {
    format!("sudo -u {owner} {}", as_typed())
}

/// The same with what stands in `file` on standard input: who is to type it may read that, and `owner` may not.
#[must_use]
pub(super) fn again_as_reading(owner: &str, file: &Path) -> String {
    let is_file = |word: &String| Path::new(word) == file;
    let shown = file.to_string_lossy();
    let from = if shown == "-" { "FILE".to_owned() } else { quoted(&shown) };
    let words = typed(|word| if is_file(&word) { "-".to_owned() } else { word });
    format!("sudo -u {owner} {words} < {from}")
}

/// This command as it was typed, quoted for a shell.
#[must_use]
pub(super) fn as_typed() -> String {
    typed(|word| word)
}

/// This command as it was typed, with other words in it.
fn typed(instead: impl Fn(String) -> String) -> String {
    // Whoever came by a socket types it again there, as it was typed.
    if let Some(handed) = handed() {
        let words = handed.typed.iter().map(|word| quoted(&instead(word.clone())));
        return std::iter::once("revoked".to_owned())
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ");
    }
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let program = match Path::new(&program).file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "revoked".to_owned(),
    };
    let words: Vec<String> = words.collect();
    // Neither sudo nor systemd hands the environment on.
    let is_named = words
        .iter()
        .any(|word| word == "-c" || word.starts_with("--config") || word == "--store");
    let config = std::env::var_os("REVOKED_CONFIG").filter(|_| !is_named);
    let config = config.map(|config| ["--config".to_owned(), config.to_string_lossy().into_owned()]);
    let words = words.into_iter().map(instead).chain(config.into_iter().flatten());
    let words = std::iter::once(program).chain(words).map(|word| quoted(&word));
    words.collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it for itself.
#[must_use]
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=./:@%+,#".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", super::output::plain(word).replace('\'', r"'\''"))
    }
}

/// Who became the account of this uid: by the kernel's word where it keeps who had logged in, else by that of `sudo`.
#[must_use]
pub(super) fn behind(uid: u32) -> Option<Behind> {
    let kept = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let kept = kept.trim().parse::<u32>().ok().filter(|kept| *kept != u32::MAX);
    if let Some(kept) = kept {
        let name = login(kept).filter(|name| is_login(name)).filter(|_| kept != uid);
        return name.map(|name| Behind::Login { name, uid: kept });
    }
    let name = std::env::var_os("SUDO_USER")
        .and_then(|name| name.into_string().ok())
        .filter(|name| is_login(name))?;
    (login(uid).as_ref() != Some(&name)).then_some(Behind::Sudo { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_again_is_quoted_for_a_shell() {
        assert_eq!(quoted("alice@example.org"), "alice@example.org");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
        assert_eq!(quoted(""), "''");
    }
}
