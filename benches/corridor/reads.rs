//! Reading over HTTP while 64 connections ingest, against the same reading with nothing else to do. All of them share the
//! machine with the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use billfold::engine::{Billfold, ListQuery};
use billfold::model::kind::ObjectKind;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::http::{CONNECTIONS, NOW, TURN_EVENTS, answer, fixed_clock, requests, send_all, start};
use crate::{lives::Lives, rebuild};

const READS: usize = 2_000;

pub(crate) fn run() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let lives = Lives::load();
    let before = 20_000;
    rebuild::fill(&billfold, &lives, before);
    let port = start(&runtime, &billfold, fixed_clock());
    let query = ListQuery { limit: 500, ..ListQuery::default() };
    let customers = billfold.objects(ObjectKind::Customer, &query).unwrap().items;
    let paths: Vec<String> =
        customers.iter().map(|shown| format!("/v1/customers/{}/access", shown.object.key.id)).collect();
    let bodies: Vec<String> = lives.bodies(before + TURN_EVENTS).skip(before).collect();
    let deliveries = requests(&bodies, NOW);
    println!("reading access, one reader, p50 / p99 µs");
    let quiet = runtime.block_on(read(port, &paths, |done| done < READS));
    println!("   nothing else to do  {}", shown(quiet));
    let busy = runtime.block_on(async {
        let ends = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&ends);
        let ingest = tokio::spawn(async move {
            send_all(port, CONNECTIONS, &deliveries).await;
            ended.store(true, Ordering::Relaxed);
        });
        let busy = read(port, &paths, |_| !ends.load(Ordering::Relaxed)).await;
        ingest.await.unwrap();
        busy
    });
    println!("{CONNECTIONS:>3} connections ingest  {}", shown(busy));
}

async fn read(port: u16, paths: &[String], goes_on: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut times = Vec::new();
    while goes_on(times.len()) {
        let path = &paths[times.len() % paths.len()];
        let sent = Instant::now();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await;
        times.push(sent.elapsed());
    }
    times
}

fn shown(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100].as_micros();
    format!("{} / {} ({} reads)", at(50), at(99), times.len())
}
