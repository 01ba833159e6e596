//! Every relative link leads to a file that is there, and to a heading that is there.

use std::path::{Component, Path, PathBuf};

use super::{page, pages, prose};

#[test]
fn every_relative_link_resolves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut broken = Vec::new();
    for page in pages() {
        for link in links(&prose(&page.text)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if path.is_empty() {
                PathBuf::from(&page.path)
            } else {
                beside(&page.path, path)
            };
            if !root.join(&to).exists() {
                broken.push(format!("{}: {link} leads nowhere", page.path));
            } else if !anchor.is_empty() && !anchors(&std::fs::read_to_string(root.join(&to)).unwrap()).contains(&anchor.to_owned())
            {
                broken.push(format!("{}: {link} names a heading that is not there", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_page_of_docs_can_be_reached_from_the_readme() {
    let mut known = vec![PathBuf::from("README.md")];
    let mut n = 0;
    while let Some(from) = known.get(n).cloned() {
        n += 1;
        let from = from.to_string_lossy().into_owned();
        for link in links(&prose(&page(&from))) {
            let path = link.split('#').next().unwrap_or_default();
            let mut to = if path.is_empty() { continue } else { beside(&from, path) };
            if link.ends_with('/') {
                to.push("README.md");
            }
            let is_page = to.extension().is_some_and(|extension| extension == "md");
            if is_page && !link.contains("://") && !known.contains(&to) {
                known.push(to);
            }
        }
    }
    let lost: Vec<String> = pages()
        .into_iter()
        .map(|page| page.path)
        .filter(|path| path.starts_with("docs/") && !known.contains(&PathBuf::from(path)))
        .collect();
    assert!(lost.is_empty(), "no link leads to {lost:?}");
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// A link's path, from the root on.
fn beside(page: &str, link: &str) -> PathBuf {
    let folder = Path::new(page).parent().unwrap();
    let mut whole = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => assert!(whole.pop(), "{page}: {link} leads out of the repository"),
            part => whole.push(part),
        }
    }
    whole
}

/// The anchors of a page's headings, as forges make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}
