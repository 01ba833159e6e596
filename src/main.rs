//! Parses the command line, runs the command, prints an error once as a chain, and chooses the exit code.

fn main() {}
