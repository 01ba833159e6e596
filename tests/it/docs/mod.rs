//! The docs say what is so: every table against the code that it describes, every link, every command, every example.

use std::path::Path;

use crate::tree::{File, repository};

mod arrival;
mod commands;
mod examples;
mod links;
mod proxies;
mod recipes;
mod tables;
mod targets;
mod walks;

/// Every Markdown file that people read.
fn pages() -> Vec<File> {
    let mut pages = repository();
    pages.retain(|file| {
        Path::new(&file.path).extension().is_some_and(|extension| extension == "md") && !file.path.starts_with("tests/")
    });
    assert!(pages.iter().any(|page| page.path == "README.md"));
    pages
}

fn page(path: &str) -> String {
    let page = pages().into_iter().find(|page| page.path == path);
    page.unwrap_or_else(|| panic!("{path} is missing")).text
}

/// The cells of the rows of every table under the heading that begins with `heading`, without the head of the table.
fn rows_under(text: &str, heading: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut rows = Vec::new();
    let mut after_head = false;
    for line in text.lines() {
        if line.starts_with('#') {
            inside = line.trim_start_matches('#').trim().starts_with(heading);
        }
        if !line.starts_with('|') {
            after_head = false;
        } else if line.starts_with("| ---") {
            after_head = true;
        } else if inside && after_head {
            rows.push(
                line.trim_matches('|')
                    .split(" | ")
                    .map(|cell| cell.trim().to_owned())
                    .collect(),
            );
        }
    }
    assert!(!rows.is_empty(), "no table stands under {heading:?}");
    rows
}

/// What stands in back quotes in a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A fenced block: the language behind the fence, the words after that, and what is inside.
struct Block {
    page: String,
    language: String,
    marks: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(blocks_of).collect()
}

fn blocks_of(page: &File) -> Vec<Block> {
    let mut blocks = Vec::new();
    // Of a block within a list, the list's indentation is no part.
    let mut open: Option<(Block, usize)> = None;
    for line in page.text.lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        match (bare.strip_prefix("```"), open.take()) {
            (Some(_), Some((block, _))) => blocks.push(block),
            (Some(words), None) => {
                let (language, marks) = words.trim().split_once(' ').unwrap_or((words.trim(), ""));
                let block = Block {
                    page: page.path.clone(),
                    language: language.to_owned(),
                    marks: marks.to_owned(),
                    text: String::new(),
                };
                open = Some((block, indent));
            }
            (None, Some((mut block, outer))) => {
                block.text.push_str(&line[indent.min(outer)..]);
                block.text.push('\n');
                open = Some((block, outer));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a fence is not closed", page.path);
    blocks
}

/// A text without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}
