//! Ingesting over loopback HTTP, signature, log, fold and answer included, against a route that only reads the body, and
//! against the log alone. The client shares the machine with the server in all of them.

use std::sync::Arc;

use billfold::engine::Billfold;
use billfold::http::{ServeConfig, serve};
use billfold::log::{Body, EventLog, NewRecord, Provenance, Provider, RecordId, SledLog, SledOptions};
use billfold::model::id::EventId;
use billfold::model::time::{Millis, Seconds};
use billfold::stripe::signature::{Secrets, sign};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;

use crate::{lives::Lives, rate, time};

/// Connections, and producers of the log alone.
const CONNECTIONS: usize = 64;
/// Events of one turn; a multiple of the connections.
const TURN_EVENTS: usize = 12_800;
const TURNS: usize = 3;
const SECRET: &str = "whsec_benchmark_only_0123456789";
const NOW: Seconds = Seconds(1_800_000_000);

pub(crate) fn run() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path().join("served")).unwrap();
    let log = SledLog::open(&folder.path().join("log"), &SledOptions::default()).unwrap();
    let served = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = ServeConfig::new(SECRET.parse().unwrap());
        config.clock = Arc::new(|| Millis(NOW.0 * 1_000));
        tokio::spawn(serve(listener, config, billfold.clone(), std::future::pending()));
        address.port()
    });
    let bare = runtime.block_on(async {
        let route = warp::post().and(warp::body::bytes()).map(|_| StatusCode::OK);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_bare(listener, route.boxed()));
        address.port()
    });
    let lives = Lives::load();
    let mut bodies = lives.bodies(TURNS * TURN_EVENTS);
    let (mut alone, mut reading, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let turn: Vec<String> = bodies.by_ref().take(TURN_EVENTS).collect();
        let records: Vec<NewRecord> = turn.iter().map(|body| record(body)).collect();
        alone.push(time(|| append_all(&log, &records)));
        let requests = requests(&turn);
        reading.push(time(|| runtime.block_on(send_all(bare, &requests))));
        whole.push(time(|| runtime.block_on(send_all(served, &requests))));
    }
    let events = billfold.stats(NOW, 3_600).unwrap().head.records;
    assert_eq!(events, (TURNS * TURN_EVENTS) as u64, "every event is stored");
    let [alone, reading, whole] =
        [alone, reading, whole].map(|times| rate(TURN_EVENTS, crate::median(times)));
    println!(
        "{CONNECTIONS} connections, events a second: {alone:.0} the log alone, {reading:.0} a route that reads, {whole:.0} ingested and folded"
    );
    println!("ingest over HTTP / the log alone: {:.2} (aim: at least 0.5)", whole / alone);
    println!("ingest over HTTP / a route that only reads: {:.2}", whole / reading);
}

/// A route without anything around it.
async fn serve_bare(listener: TcpListener, route: BoxedFilter<(StatusCode,)>) {
    let service = TowerToHyperService::new(warp::service(route));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(connection);
    }
}

/// The same bodies from as many threads, each waiting for its durable answer.
fn append_all(log: &SledLog, records: &[NewRecord]) {
    std::thread::scope(|scope| {
        for share in records.chunks(TURN_EVENTS / CONNECTIONS) {
            scope.spawn(move || {
                for record in share {
                    log.append(vec![record.clone()]).wait().unwrap();
                }
            });
        }
    });
}

fn record(body: &str) -> NewRecord {
    let event: Value = serde_json::from_str(body).unwrap();
    NewRecord {
        provider: Provider::Stripe,
        id: RecordId::Event(EventId::parse(event["id"].as_str().unwrap()).unwrap()),
        received_at: Millis(NOW.0 * 1_000),
        provenance: Provenance::Imported,
        body: Body(Arc::from(body.as_bytes())),
    }
}

fn requests(bodies: &[String]) -> Arc<[Vec<u8>]> {
    let secrets: Secrets = SECRET.parse().unwrap();
    let request = |body: &String| {
        let signature = sign(&secrets, body.as_bytes(), NOW);
        let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nStripe-Signature";
        format!("{head}: {signature}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    bodies.iter().map(request).collect()
}

async fn send_all(port: u16, requests: &Arc<[Vec<u8>]>) {
    let share = TURN_EVENTS / CONNECTIONS;
    let connections = (0..CONNECTIONS).map(|number| {
        let requests = Arc::clone(requests);
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            for request in &requests[number * share..(number + 1) * share] {
                stream.write_all(request).await.unwrap();
                answer(&mut stream).await;
            }
        })
    });
    for connection in connections.collect::<Vec<_>>() {
        connection.await.unwrap();
    }
}

/// Reads one answer; only a 200 will do.
async fn answer(stream: &mut TcpStream) {
    let mut bytes = Vec::with_capacity(512);
    loop {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the server hung up");
        let text = std::str::from_utf8(&bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}
