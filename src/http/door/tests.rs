use super::*;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::engine::{Options, WindowCounts};
use crate::log::{
    Ack, Encoded, EventLog, Head, MemoryLog, NewRecord, Position, Provider, ReadError, Record, RecordId,
};
use crate::model::time::Millis;
use crate::stripe::signature::{Secrets, sign};

fn asked(path: &str, endpoint: Option<Arc<Endpoint>>) -> Asked {
    let headers = HeaderMap::new();
    Asked { path: path.to_owned(), endpoint, method: Method::GET, headers, query: Vec::new(), arrival: None }
}

#[track_caller]
fn check(path: &str, template: Option<&str>) {
    let endpoints = Endpoints::one("whsec_test_only".parse().unwrap());
    let place = place(path.strip_prefix('/').unwrap(), &endpoints);
    let found = place.map(|(path, endpoint)| asked(&path, endpoint).template());
    assert_eq!(found, template, "{path}");
}

#[test]
fn a_path_is_a_place() {
    check("/webhooks/stripe", Some("/webhooks/stripe"));
    check("/webhooks/stripe/", Some("/webhooks/stripe"));
    check("/health/live", Some("/health/live"));
    check("/health/ready", Some("/health/ready"));
    check("/v1/customers/cus_1", Some("/v1/{collection}/{id}"));
    check("/v1", Some("/v1/{unknown}"));
    for path in ["/", "/webhook", "/webhooks", "/webhooks/stripe/more", "/v12", "/V1/customers", "/health"] {
        check(path, None);
    }
}

#[test]
fn a_made_up_method_is_not_logged() {
    assert_eq!(shown_method(&Method::from_bytes(b"CUS_SECRET").unwrap()), "other");
}

/// A body in one piece.
struct Whole(Option<std::io::Cursor<Vec<u8>>>);

impl Stream for Whole {
    type Item = Result<std::io::Cursor<Vec<u8>>, ()>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// A log that panics where it should append.
struct Panicking(MemoryLog);

impl EventLog for Panicking {
    fn append(&self, _: Vec<NewRecord>) -> Ack {
        panic!("for the test")
    }

    fn read_encoded(&self, after: Position, max: usize) -> Result<Vec<Encoded>, ReadError> {
        self.0.read_encoded(after, max)
    }

    fn find(&self, provider: Provider, id: &RecordId) -> Result<Option<Record>, ReadError> {
        self.0.find(provider, id)
    }

    fn head(&self) -> Head {
        self.0.head()
    }

    fn poisoned(&self) -> Option<Arc<str>> {
        self.0.poisoned()
    }
}

const NOW: Millis = Millis(1_800_000_000_000);

/// What a door over `log` answers: a delivery, then `/health/ready`; and what it counted.
async fn answers(log: Arc<dyn EventLog>) -> (Response, Response, WindowCounts) {
    let folder = tempfile::tempdir().unwrap();
    let secrets: Secrets = "whsec_test_only".parse().unwrap();
    let body = br#"{"id":"evt_1","object":"event"}"#;
    let signature = sign(&secrets, body, NOW.seconds());
    let mut config = ServeConfig::new(secrets);
    config.clock = Arc::new(|| NOW);
    let (_open, closing) = watch::channel(false);
    let door = Door::new(config, Billfold::over(Options::new(folder.path()), log).unwrap(), closing);
    let ask = |path: &str, method, headers| {
        let (path, endpoint) = place(path, &door.config.keys.current().endpoints).unwrap();
        Asked { method, headers, ..asked(&path, endpoint) }
    };
    let headers = HeaderMap::from_iter([("stripe-signature".parse().unwrap(), signature.parse().unwrap())]);
    let whole = Whole(Some(std::io::Cursor::new(body.to_vec())));
    let delivered = door.answer(ask("webhooks/stripe", Method::POST, headers), whole).await;
    let ready = door.answer(ask("health/ready", Method::GET, HeaderMap::new()), Whole(None)).await;
    let window = door.billfold.stats(NOW.seconds(), 3_600).unwrap().window;
    (delivered, ready, window)
}

#[tokio::test]
async fn what_is_stored_is_acknowledged() {
    let (delivered, ready, _) = answers(Arc::new(MemoryLog::new())).await;
    assert_eq!((delivered.status(), ready.status()), (StatusCode::OK, StatusCode::OK));
}

#[tokio::test]
async fn what_is_not_stored_is_sent_again_and_the_server_is_not_ready() {
    let log = MemoryLog::new();
    log.poison("no space left on device");
    let (delivered, ready, window) = answers(Arc::new(log)).await;
    assert_eq!(delivered.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(delivered.headers().contains_key("retry-after"));
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((window.accepted, window.refused_by_reason.get("not_stored")), (0, Some(&1)));
}

#[tokio::test]
async fn a_panic_is_never_an_acknowledgement() {
    let (delivered, _, _) = answers(Arc::new(Panicking(MemoryLog::new()))).await;
    assert_eq!(delivered.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
