//! Kinds of answers, by which the document describes a route. Never an answer itself.

/// What a route answers when all is well. The names are those of the OpenAPI document's schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// An object of the collection that the path names.
    OneOf,
    /// A page of them.
    ListOf,
    /// JSON.
    Json(&'static str),
    /// JSON about something that has only begun (202).
    Started(&'static str),
    /// Text for Prometheus.
    Metrics,
    /// Packed records.
    Records,
    /// Server-sent events.
    Events,
}
