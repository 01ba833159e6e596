//! A faithful Mattermost stand-in: for the demo, the tests and the benchmarks.
