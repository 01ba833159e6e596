//! The one door for what the daemon says about itself: log lines and metrics.

mod metric;
mod recorder;
pub mod table;

pub use metric::{Counter, Gauge, Histogram, Row, Shape};
pub use recorder::{Gauges, Metrics, metrics};
