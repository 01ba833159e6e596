//! The `tracing` layer that turns events into log lines.

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::line::{Form, Line, Span};
use super::log_queue::LogQueue;
use crate::clock::Clock;

/// Writes every line that passes the filter into an [`LogQueue`].
pub(super) struct Lines {
    pub(super) form: Form,
    pub(super) clock: Clock,
    pub(super) queue: LogQueue,
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans: Vec<Span> = context
            .event_scope(event)
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
            .map(|span| Span {
                name: span.name(),
                fields: span.extensions().get::<Fields>().cloned().unwrap_or_default(),
            })
            .collect();
        let line = Line {
            at: self.clock.now(),
            level: *event.metadata().level(),
            message: &fields.message,
            module: event.metadata().target(),
            fields: &fields,
            spans: &spans,
        };
        self.queue.push(self.form.write(&line));
    }
}
