//! From a delivery to what its followers read: over HTTP, signature, log, fold, feed and sync included. Followers share the
//! machine with the server.

use std::time::{Duration, Instant};

use billfold::engine::{Billfold, FeedQuery};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::http::{answer, fixed_clock, requests, start};
use crate::{lives::Lives, rate, rebuild, time};

/// How many follow, and how many deliveries are waited for.
const FOLLOWERS: [(usize, usize); 3] = [(1, 300), (100, 100), (1_000, 30)];
const ENTRIES_READ_MAX: usize = 1_000;

/// Which follower has read an entry, of which event, and when.
type Read = (usize, String, Instant);

pub(crate) fn run() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let mut config = fixed_clock();
    config.limits.followers_max = 1_024;
    config.limits.connections_max = 4_096;
    let port = start(&runtime, &billfold, config);
    let lives = Lives::load();
    // Each of them makes an entry: a subscription that was not there before.
    let is_subscription = |body: &String| body.contains("\"customer.subscription.created\"");
    let mut bodies = (0..).flat_map(|copy| lives.life(copy)).filter(is_subscription);
    println!("followers  from a delivery sent to its first entry read, p50 / p99 / max µs");
    for (followers, deliveries) in FOLLOWERS {
        let bodies: Vec<String> = bodies.by_ref().take(deliveries).collect();
        let head = billfold.feed_head();
        let mut times = runtime.block_on(follow_all(port, head, followers, &bodies));
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
        println!("{followers:>9}  {} / {} / {}", at(50), at(99), at(100));
    }
    read_all(&billfold, &lives);
}

/// How long each follower waited for each delivery.
async fn follow_all(port: u16, head: u64, followers: usize, bodies: &[String]) -> Vec<Duration> {
    let (read, mut reads) = mpsc::unbounded_channel();
    let mut tasks = Vec::new();
    for follower in 0..followers {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request = format!("GET /v1/feed/events?after={head} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert!(lines.next_line().await.unwrap().unwrap().starts_with("HTTP/1.1 200"));
        let read = read.clone();
        tasks.push(tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, event)) = line.split_once("\"event\":\"") {
                    let event = event.split('"').next().unwrap().to_owned();
                    if read.send((follower, event, Instant::now())).is_err() {
                        break;
                    }
                }
            }
        }));
    }
    let mut sender = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut times = Vec::new();
    for (body, request) in bodies.iter().zip(&*requests(bodies, crate::http::NOW)) {
        let sent = Instant::now();
        sender.write_all(request).await.unwrap();
        answer(&mut sender).await;
        times.extend(first_reads(&mut reads, body, followers).await.into_iter().map(|read| read - sent));
    }
    for task in tasks {
        task.abort();
    }
    times
}

/// When each follower read the first entry of an event.
async fn first_reads(
    reads: &mut mpsc::UnboundedReceiver<Read>,
    body: &str,
    followers: usize,
) -> Vec<Instant> {
    let mut found = vec![None; followers];
    let mut left = followers;
    while left > 0 {
        let (follower, event, read) = reads.recv().await.unwrap();
        // What still comes of the event before is none of it.
        if found[follower].is_none() && body.contains(&format!("\"{event}\"")) {
            found[follower] = Some(read);
            left -= 1;
        }
    }
    found.into_iter().flatten().collect()
}

fn read_all(billfold: &Billfold, lives: &Lives) {
    rebuild::fill(billfold, lives, rebuild::events());
    let mut entries = 0;
    let took = time(|| {
        let mut query = FeedQuery { limit: ENTRIES_READ_MAX, ..FeedQuery::default() };
        while query.after < billfold.feed_head() {
            let page = billfold.feed(&query).unwrap();
            entries += page.entries.len();
            query.after = page.next;
        }
    });
    println!("{entries} entries of {} events read at {:.0} a second", rebuild::events(), rate(entries, took));
}
