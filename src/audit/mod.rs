//! The trail: entries, tree, checkpoints and their verification. Pure: no I/O.
