//! Where the metrics are gathered, and how they are read.

use std::sync::OnceLock;

use async_trait::async_trait;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::metric::Shape;
use super::table::METRICS;

/// Brings gauges up to date that are read from elsewhere (the store) rather than kept.
#[async_trait]
pub trait Gauges: Send + Sync {
    /// Sets them. What cannot be read is logged and left as it was.
    async fn refresh(&self);
}

/// The gathered metrics. Clones read the same ones.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Every metric in Prometheus's text format, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what histograms gathered into their buckets, so that they do not grow where nobody scrapes. To be called every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// The process's metrics, gathered from the first call on.
#[must_use]
pub fn metrics() -> Metrics {
    static METRICS_OF_THE_PROCESS: OnceLock<Metrics> = OnceLock::new();
    METRICS_OF_THE_PROCESS.get_or_init(install).clone()
}

fn install() -> Metrics {
    let builder = with_bounds().unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "setting the bounds of the histograms"
        );
        PrometheusBuilder::new()
    });
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another recorder of metrics was installed first; /metrics stays empty");
    }
    for row in METRICS {
        match row.shape {
            Shape::Counter => {
                metrics::describe_counter!(row.name, row.help);
                // What was never there cannot grow: a rule about the first of them would not see it.
                if row.labels.is_empty() {
                    metrics::counter!(row.name).increment(0);
                }
            }
            Shape::Gauge => metrics::describe_gauge!(row.name, row.help),
            Shape::Histogram(_) => metrics::describe_histogram!(row.name, row.help),
        }
    }
    Metrics(handle)
}

fn with_bounds() -> Result<PrometheusBuilder, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for row in METRICS {
        if let Shape::Histogram(bounds) = row.shape {
            builder = builder.set_buckets_for_metric(Matcher::Full(row.name.to_owned()), bounds)?;
        }
    }
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::table;

    #[test]
    fn each_shape_is_rendered_with_its_help_and_labels() {
        let metrics = metrics();
        table::DELIVERIES.add(["idp", "invalid_key"], 3);
        table::LANE_PAUSED.set(["chat"], 1.0);
        table::CONTAINED_SECONDS.observe(["chat"], 0.02);
        metrics.upkeep();
        let text = metrics.render();
        for line in [
            "# HELP revoked_lane_paused 1 while no job of the target is claimed because it refuses our credential, is down, or an operator said so.",
            "# TYPE revoked_deliveries_total counter",
            r#"revoked_deliveries_total{source="idp",outcome="invalid_key"} 3"#,
            r#"revoked_lane_paused{target="chat"} 1"#,
            r#"revoked_contained_seconds_bucket{target="chat",le="0.01"} 0"#,
            r#"revoked_contained_seconds_bucket{target="chat",le="0.025"} 1"#,
        ] {
            assert!(text.lines().any(|rendered| rendered == line), "{line} in {text}");
        }
        // Those without labels are there before the first of what they count.
        for name in ["revoked_log_lines_dropped_total ", "revoked_accept_errors_total "] {
            assert!(text.lines().any(|rendered| rendered.starts_with(name)), "{name} in {text}");
        }
    }
}
