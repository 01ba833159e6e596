//! The repository as files, for the tests that read it rather than run it.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether it is source of the product or of a package in `crates/`: no test, no benchmark.
    pub(crate) fn is_source(&self) -> bool {
        self.root().is_some()
    }

    /// The folder from which the modules of its crate are counted: `src`, or that of a package.
    pub(crate) fn root(&self) -> Option<String> {
        let parts: Vec<&str> = self.path.split('/').collect();
        match parts[..] {
            ["src", ..] => Some("src".to_owned()),
            ["crates", package, "src", ..] => Some(format!("crates/{package}/src")),
            _ => None,
        }
    }

    /// The parts of the path, without the extension of the last.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.trim_end_matches(".rs").split('/').collect()
    }
}

/// Every text file under the repository's root, in the order of their paths; what is built or belongs to git is left out.
pub(crate) fn repository() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if is_built(root, &path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files.push(File {
                    path: relative(root, &path),
                    text,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        files.iter().any(|file| file.path == "src/lib.rs"),
        "this is not the repository"
    );
    files
}

fn is_built(root: &Path, path: &PathBuf) -> bool {
    [".git", "target", ".cargo-home"].iter().any(|name| *path == root.join(name))
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
}
