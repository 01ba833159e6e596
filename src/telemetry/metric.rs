//! Metrics as typed rows: a name cannot be written without its help text, nor a value without each of its labels.

use metrics::{Key, Label, Level, Metadata};

pub use metrics::{Counter as CounterSeries, Histogram as HistogramSeries};

/// What a metric's values mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations, counted up to each of these bounds.
    Histogram(&'static [f64]),
}

/// A metric as documents and the recorder see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its name, with the unit.
    pub name: &'static str,
    /// What its values mean.
    pub shape: Shape,
    /// One line of help.
    pub help: &'static str,
    /// The names of its labels, whose values are all from closed or configured sets.
    pub labels: &'static [&'static str],
}

const METADATA: Metadata<'static> = Metadata::new("revoked", Level::INFO, None);

fn key<const N: usize>(name: &'static str, labels: &'static [&'static str; N], values: [&str; N]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .zip(values)
        .map(|(label, value)| Label::new(*label, value.to_owned()))
        .collect();
    Key::from_parts(name, labels)
}

/// A metric that only grows, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Counter<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str; N],
}

impl<const N: usize> Counter<N> {
    pub(super) const fn new(name: &'static str, help: &'static str, labels: &'static [&'static str; N]) -> Self {
        Self { name, help, labels }
    }

    /// Adds `n` to the series with these label values, in the labels' order.
    pub fn add(&self, values: [&str; N], n: u64) {
        self.series(values).increment(n);
    }

    /// The series with these label values, to keep where it is counted often.
    pub fn series(&self, values: [&str; N]) -> CounterSeries {
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
    }

    pub(super) const fn row(&self) -> Row {
        Row {
            name: self.name,
            shape: Shape::Counter,
            help: self.help,
            labels: self.labels,
        }
    }
}

/// A metric that goes up and down, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str; N],
}

impl<const N: usize> Gauge<N> {
    pub(super) const fn new(name: &'static str, help: &'static str, labels: &'static [&'static str; N]) -> Self {
        Self { name, help, labels }
    }

    /// Sets the series with these label values, in the labels' order.
    pub fn set(&self, values: [&str; N], to: f64) {
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(to);
    }

    pub(super) const fn row(&self) -> Row {
        Row {
            name: self.name,
            shape: Shape::Gauge,
            help: self.help,
            labels: self.labels,
        }
    }
}

/// A metric of observations, with `N` labels.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str; N],
    bounds: &'static [f64],
}

impl<const N: usize> Histogram<N> {
    pub(super) const fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str; N],
        bounds: &'static [f64],
    ) -> Self {
        Self {
            name,
            help,
            labels,
            bounds,
        }
    }

    /// Adds one observation to the series with these label values, in the labels' order.
    pub fn observe(&self, values: [&str; N], value: f64) {
        self.series(values).record(value);
    }

    /// The series with these label values, to keep where it is observed often.
    pub fn series(&self, values: [&str; N]) -> HistogramSeries {
        let key = key(self.name, self.labels, values);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }

    pub(super) const fn row(&self) -> Row {
        Row {
            name: self.name,
            shape: Shape::Histogram(self.bounds),
            help: self.help,
            labels: self.labels,
        }
    }
}
