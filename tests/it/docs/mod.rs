//! The docs say what is so: every table against the code that it describes, every link, every command, every example.

use std::path::Path;

use crate::tree::{File, repository};

mod commands;
mod examples;
mod links;
mod tables;

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

/// A fenced block: the language behind the fence, and what is inside.
struct Block {
    page: String,
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(blocks_of).collect()
}

fn blocks_of(page: &File) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.text.lines() {
        let line = line.trim_start();
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => {
                open = Some(Block {
                    page: page.path.clone(),
                    language: language.trim().to_owned(),
                    text: String::new(),
                });
            }
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
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
