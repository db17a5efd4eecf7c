//! Ingesting over loopback HTTP, signature, log, fold and answer included, against a route that only reads the body, and
//! against the log alone. The client shares the machine with the server in all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use billfold::engine::Billfold;
use billfold::http::{ServeConfig, serve, system_clock};
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
use tokio::runtime::Runtime;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;

use crate::{lives::Lives, rate, time};

/// Connections, and producers of the log alone.
pub(crate) const CONNECTIONS: usize = 64;
/// Connections whose latencies are shown.
const CROWDS: [usize; 4] = [1, 16, 64, 256];
/// Events of one turn; a multiple of the connections.
pub(crate) const TURN_EVENTS: usize = 12_800;
/// Events of one turn of which each is waited for.
const SHORT_TURN_EVENTS: usize = 1_280;
const TURNS: usize = 3;
/// The peers' script signs with it, too.
const SECRET: &str = "whsec_benchmark_only_0123456789";
pub(crate) const NOW: Seconds = Seconds(1_800_000_000);

/// A server on a port of its own.
pub(crate) fn start(runtime: &Runtime, billfold: &Billfold, config: ServeConfig) -> u16 {
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, config, billfold.clone(), std::future::pending()));
        address.port()
    })
}

pub(crate) fn fixed_clock() -> ServeConfig {
    let mut config = ServeConfig::new(SECRET.parse().unwrap());
    config.clock = Arc::new(|| Millis(NOW.0 * 1_000));
    config
}

/// Against a handler that another script has started and that listens on `BILLFOLD_PEER_PORT`.
pub(crate) fn peers() {
    let Some(peer) = std::env::var("BILLFOLD_PEER_PORT").ok().and_then(|port| port.parse().ok()) else {
        println!("start it with benches/peers/run");
        return;
    };
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let served = start(&runtime, &billfold, ServeConfig::new(SECRET.parse().unwrap()));
    let lives = Lives::load();
    let mut bodies = lives.bodies(CROWDS.len() * TURNS * TURN_EVENTS);
    println!("durable deliveries a second, p50 / p99 µs, median of {TURNS} turns");
    println!("connections      Billfold                     peer    ratio");
    for connections in CROWDS {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let turn: Vec<String> = bodies.by_ref().take(events_of(connections)).collect();
            let requests = requests(&turn, system_clock().seconds());
            ours.push(turn_of(&runtime, served, connections, &requests));
            theirs.push(turn_of(&runtime, peer, connections, &requests));
        }
        let (ours, theirs) = (middle(ours), middle(theirs));
        println!("{connections:>11}  {ours}  {theirs}  {:>7.1}", ours.rate / theirs.rate);
    }
}

/// One connection alone takes long for many.
const fn events_of(connections: usize) -> usize {
    if connections == 1 { SHORT_TURN_EVENTS } else { TURN_EVENTS }
}

/// What one turn came to.
struct Turn {
    rate: f64,
    p50: u128,
    p99: u128,
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>7.0} {:>7} / {:<7}", self.rate, self.p50, self.p99)
    }
}

fn turn_of(runtime: &Runtime, port: u16, connections: usize, requests: &Arc<[Vec<u8>]>) -> Turn {
    let mut latencies = Vec::new();
    let took = time(|| latencies = runtime.block_on(send_all(port, connections, requests)));
    latencies.sort_unstable();
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_micros();
    Turn { rate: rate(latencies.len(), took), p50: at(50), p99: at(99) }
}

fn middle(mut turns: Vec<Turn>) -> Turn {
    turns.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    turns.swap_remove(turns.len() / 2)
}

pub(crate) fn run() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path().join("served")).unwrap();
    let log = SledLog::open(&folder.path().join("log"), &SledOptions::default()).unwrap();
    let served = start(&runtime, &billfold, fixed_clock());
    let bare = runtime.block_on(async {
        let route = warp::post().and(warp::body::bytes()).map(|_| StatusCode::OK);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_bare(listener, route.boxed()));
        address.port()
    });
    let lives = Lives::load();
    let mut bodies = lives.bodies((CROWDS.len() + 1) * TURNS * TURN_EVENTS);
    let (mut alone, mut reading, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let turn: Vec<String> = bodies.by_ref().take(TURN_EVENTS).collect();
        let records: Vec<NewRecord> = turn.iter().map(|body| record(body)).collect();
        alone.push(time(|| append_all(&log, &records)));
        let requests = requests(&turn, NOW);
        reading.push(time(|| drop(runtime.block_on(send_all(bare, CONNECTIONS, &requests)))));
        whole.push(time(|| drop(runtime.block_on(send_all(served, CONNECTIONS, &requests)))));
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
    println!("connections  ingested and folded a second, p50 / p99 µs");
    for connections in CROWDS {
        let turns = (0..TURNS).map(|_| {
            let turn: Vec<String> = bodies.by_ref().take(events_of(connections)).collect();
            turn_of(&runtime, served, connections, &requests(&turn, NOW))
        });
        println!("{connections:>11}  {}", middle(turns.collect()));
    }
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

pub(crate) fn requests(bodies: &[String], now: Seconds) -> Arc<[Vec<u8>]> {
    let secrets: Secrets = SECRET.parse().unwrap();
    let request = |body: &String| {
        let signature = sign(&secrets, body.as_bytes(), now);
        let head = "POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nStripe-Signature";
        format!("{head}: {signature}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    bodies.iter().map(request).collect()
}

/// Sends all over so many connections, and says how long each was waited for.
pub(crate) async fn send_all(port: u16, connections: usize, requests: &Arc<[Vec<u8>]>) -> Vec<Duration> {
    let share = requests.len() / connections;
    let senders = (0..connections).map(|number| {
        let requests = Arc::clone(requests);
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let mut latencies = Vec::with_capacity(share);
            for request in &requests[number * share..(number + 1) * share] {
                let sent = Instant::now();
                stream.write_all(request).await.unwrap();
                answer(&mut stream).await;
                latencies.push(sent.elapsed());
            }
            latencies
        })
    });
    let mut latencies = Vec::with_capacity(requests.len());
    for sender in senders.collect::<Vec<_>>() {
        latencies.extend(sender.await.unwrap());
    }
    latencies
}

/// Reads one answer; only a 200 will do.
pub(crate) async fn answer(stream: &mut TcpStream) {
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
