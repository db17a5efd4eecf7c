//! Room for connections: so many are served, some more wait a moment, all others are sent away. Never reads a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::api::{Problem, ProblemKind};

use super::config::Limits;
use super::reply::RETRY_AFTER_SECONDS;

/// How long somebody who is sent away may take to read that.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// The most bytes that are read, and thrown away, of somebody who is sent away.
const FAREWELL_BYTES_MAX: usize = 64 * 1024;

/// The places.
pub(super) struct Room {
    served: Arc<Semaphore>,
    known: Arc<Semaphore>,
    wait: Duration,
    /// It was said that all places are taken, and none was free since.
    told: Arc<AtomicBool>,
}

/// A connection that is known, and may not have a place yet.
pub(super) struct Waiting {
    served: Arc<Semaphore>,
    known: OwnedSemaphorePermit,
    wait: Duration,
    told: Arc<AtomicBool>,
}

/// A connection's place; dropping it gives it to the next one.
pub(super) struct Place {
    _served: OwnedSemaphorePermit,
    _known: OwnedSemaphorePermit,
}

/// A connection that is sent away, and counts until it is gone.
pub(super) struct Known {
    _known: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        let known = limits.connections_max.saturating_add(limits.waiting_max);
        Self {
            served: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
            known: Arc::new(Semaphore::new(known.min(Semaphore::MAX_PERMITS))),
            wait: limits.wait_timeout,
            told: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Lets a connection in, to be served or to wait; none if all places of both sorts are taken.
    pub(super) fn enter(&self) -> Option<Waiting> {
        let Ok(known) = Arc::clone(&self.known).try_acquire_owned() else {
            tell_once(&self.told);
            return None;
        };
        let (served, told) = (Arc::clone(&self.served), Arc::clone(&self.told));
        Some(Waiting { served, known, wait: self.wait, told })
    }
}

impl Waiting {
    /// A place, as soon as there is one; the connection's right to be known back, if there is none in time.
    pub(super) async fn place(self) -> Result<Place, Known> {
        if self.served.available_permits() > 0 {
            self.told.store(false, Ordering::Relaxed);
        }
        let Ok(Ok(served)) = timeout(self.wait, self.served.acquire_owned()).await else {
            tell_once(&self.told);
            return Err(Known { _known: self.known });
        };
        Ok(Place { _served: served, _known: self.known })
    }
}

/// One line for each time that it becomes crowded, not for each of the crowd.
fn tell_once(told: &AtomicBool) {
    if !told.swap(true, Ordering::Relaxed) {
        tracing::warn!("all places for connections are taken: further ones are sent away");
    }
}

/// Tells a connection to come later. What it sends meanwhile is thrown away unread: a sender that still writes when the
/// connection closes would not see the answer.
pub(super) async fn refuse(mut stream: TcpStream, known: Known) {
    let detail = "too many connections at once: come again later";
    let body = Problem::new(ProblemKind::Unavailable, detail).with("reason", "crowded").to_json().to_string();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: {RETRY_AFTER_SECONDS}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Whoever does not listen has missed nothing that matters.
    let _ = timeout(FAREWELL_TIMEOUT, async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        let (mut dropped, mut buffer) = (0, [0; 4096]);
        while dropped < FAREWELL_BYTES_MAX {
            match stream.read(&mut buffer).await? {
                0 => break,
                read => dropped += read,
            }
        }
        std::io::Result::Ok(())
    })
    .await;
    drop(known);
}
