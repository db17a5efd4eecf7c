//! What a scraper reads: counters of this process, and gauges of the folder as it is when it is asked.
//!
//! Labels are words of ours or the provider's event types: never an id, a name, a secret or anything of a person.

#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "the format shows seconds as decimal numbers"
)]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::engine::{Billfold, REDUCER_VERSION, Stats};
use crate::log::Spread;

use super::endpoint::Endpoint;

/// The version of the text format that is written.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Microseconds of a second.
const MICROS: f64 = 1e6;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    /// A word of the operator's choice; there are few of them.
    endpoint: Arc<str>,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnexpectedLabels {
    endpoint: Arc<str>,
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    path: &'static str,
    status: u16,
}

/// Counters of one server.
pub(super) struct Metrics {
    registry: Registry,
    deliveries: Family<OutcomeLabel, Counter>,
    refusals: Family<ReasonLabel, Counter>,
    endpoints: Family<EndpointLabels, Counter>,
    unexpected: Family<UnexpectedLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    delivery_micros: Arc<Spread>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("billfold");
        let deliveries = Family::default();
        registry.register(
            "deliveries",
            "Deliveries stored: new, or duplicates of what was stored before",
            deliveries.clone(),
        );
        let refusals = Family::default();
        registry.register("refusals", "Deliveries that were not stored, by reason", refusals.clone());
        let endpoints = Family::default();
        registry.register(
            "endpoint_deliveries",
            "Deliveries by endpoint: new, duplicate or refused",
            endpoints.clone(),
        );
        let unexpected = Family::default();
        registry.register(
            "unexpected_deliveries",
            "Deliveries stored although their endpoint expects another mode or account",
            unexpected.clone(),
        );
        let requests = Family::default();
        registry.register("http_requests", "Requests answered, by route and status", requests.clone());
        let delivery_micros = Arc::new(Spread::of_micros());
        registry.register_collector(Box::new(Latency(Arc::clone(&delivery_micros))));
        Self { registry, deliveries, refusals, endpoints, unexpected, requests, delivery_micros }
    }

    /// A delivery that is durable, after so long.
    pub(super) fn stored(&self, endpoint: &Endpoint, outcome: &'static str, took: Duration) {
        self.count(endpoint, outcome);
        self.deliveries.get_or_create(&OutcomeLabel { outcome }).inc();
        self.delivery_micros.count_time(took);
    }

    fn count(&self, endpoint: &Endpoint, outcome: &'static str) {
        self.endpoints.get_or_create(&EndpointLabels { endpoint: endpoint.shared_name(), outcome }).inc();
    }

    /// An authentic delivery that its endpoint did not expect.
    pub(super) fn unexpected(&self, endpoint: &Endpoint, what: &'static str) {
        self.unexpected.get_or_create(&UnexpectedLabels { endpoint: endpoint.shared_name(), what }).inc();
    }

    pub(super) fn refused(&self, endpoint: &Endpoint, reason: &'static str) {
        self.count(endpoint, "refused");
        self.refusals.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(super) fn answered(&self, path: &'static str, status: u16) {
        self.requests.get_or_create(&RequestLabels { path, status }).inc();
    }

    /// Everything, as text, with the folder's counts as they were just read.
    pub(super) fn text(&self, billfold: &Billfold, stats: Stats, keys_stale: bool) -> String {
        let mut folder = Registry::with_prefix("billfold");
        folder.register_collector(Box::new(Folder { stats, billfold: billfold.clone(), keys_stale }));
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        let own = text.strip_suffix("# EOF\n").map_or(text.len(), str::len);
        text.truncate(own);
        let _ = encode(&mut text, &folder);
        text
    }
}

#[derive(Debug)]
struct Latency(Arc<Spread>);

impl Collector for Latency {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        seconds(&mut encoder, "delivery", "From a whole body to its durable answer", &self.0)
    }
}

/// The folder as it is now.
struct Folder {
    stats: Stats,
    billfold: Billfold,
    keys_stale: bool,
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folder")
    }
}

impl Collector for Folder {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let stats = &self.stats;
        let ready = self.billfold.readiness().ready;
        let gauges: [(&str, &str, u64); 15] = [
            (
                "keys_stale",
                "1 if the secrets could not be read anew when that was asked for",
                u64::from(self.keys_stale),
            ),
            ("ready", "1 if appends are taken and the fold goes on", u64::from(ready)),
            ("log_position", "Where the log ends", stats.head.position.get()),
            ("log_records", "Records in the log", stats.head.records),
            ("applied_position", "How far the log is folded", stats.applied.get()),
            ("lag_positions", "How far the fold is behind the log", stats.lag),
            ("conflicts", "Second bodies under known event ids that said something else", stats.conflicts),
            ("objects_ambiguous", "Objects whose last state their events do not decide", stats.ambiguous),
            (
                "created_inversions",
                "Objects whose newest event contradicts what is certain",
                stats.created_inversions,
            ),
            ("objects_contradictory", "Objects that came to two final states", stats.contradictory),
            ("projection_bytes", "Bytes of the projections on disk", stats.projection_bytes),
            ("feed_head", "The newest entry of the feed", stats.feed_head),
            ("feed_through_position", "How far the feed is made", stats.feed_through.get()),
            ("feed_bytes", "Bytes of the feed on disk", stats.feed_bytes),
            ("reducer_version", "The version of the fold", REDUCER_VERSION.into()),
        ];
        for (name, help, value) in gauges {
            gauge(&mut encoder, name, help, value)?;
        }
        if let Some(newest) = stats.newest_received_at {
            let seconds = u64::try_from(newest.seconds().0).unwrap_or(0);
            gauge(&mut encoder, "newest_received_timestamp_seconds", "When the newest record came", seconds)?;
        }
        self.records(&mut encoder)?;
        self.objects(&mut encoder)?;
        self.cursors(&mut encoder)?;
        if let Some(vitals) = self.billfold.vitals() {
            seconds(
                &mut encoder,
                "commit",
                "How long a commit of the log took, its sync included",
                &vitals.commit_micros,
            )?;
            seconds(&mut encoder, "sync", "How long the log's fdatasync took", &vitals.sync_micros)?;
            let help = "New records in a commit of the log";
            let spread = &vitals.commit_records;
            spread_as(&mut encoder, ("commit_records", None), help, spread, |records| records as f64)?;
        }
        Ok(())
    }
}

impl Folder {
    fn records(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Records in the log, by event type and what was made of them";
        let mut family = encoder.encode_descriptor("records", help, None, MetricType::Gauge)?;
        for row in &self.stats.by_type {
            let labels = [("type", &*row.event_type), ("outcome", row.outcome.as_str())];
            ConstGauge::new(row.count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Their names are words of the operator's choice; there are few of them.
    fn cursors(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How many entries a named reader of the feed is behind";
        let mut family = encoder.encode_descriptor("feed_cursor_lag", help, None, MetricType::Gauge)?;
        for cursor in &self.stats.feed_cursors {
            ConstGauge::new(cursor.lag).encode(family.encode_family(&[("cursor", &*cursor.name)])?)?;
        }
        Ok(())
    }

    fn objects(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor("objects", "Objects, by kind", None, MetricType::Gauge)?;
        for (kind, count) in &self.stats.objects {
            ConstGauge::new(*count).encode(family.encode_family(&[("kind", kind.object())])?)?;
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

/// Microseconds, shown in seconds.
fn seconds(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, spread: &Spread) -> fmt::Result {
    spread_as(encoder, (name, Some(&Unit::Seconds)), help, spread, |micros| micros as f64 / MICROS)
}

fn spread_as(
    encoder: &mut DescriptorEncoder<'_>,
    (name, unit): (&str, Option<&Unit>),
    help: &str,
    spread: &Spread,
    shown: impl Fn(u64) -> f64,
) -> fmt::Result {
    let buckets: Vec<(f64, u64)> =
        spread.buckets().map(|(bound, count)| (bound.map_or(f64::INFINITY, &shown), count)).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(shown(spread.sum()), count, &buckets, None)
}
