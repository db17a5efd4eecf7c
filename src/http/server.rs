//! The server: accepts connections, serves the routes on each, ends in good order.
//!
//! The caller binds the listener and decides what shutdown means. Never reads a request itself.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use warp::Filter as _;
use warp::reply::Response;

use crate::engine::Billfold;

use super::config::{Exposed, HEAD_BYTES_MAX, HEADERS_MAX, Limits, ServeConfig, check_exposure};
use super::crowd::{self, Room, Waiting};
use super::door::{nowhere, routes_until};
use super::guard::Arrival;
use super::stall::Stalling;
use super::tls::Certificate;

/// How long to wait after the system had no room for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Others can reach the address and no token is set. *Handling*: as its own message says.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The listener does not say where it listens. *Handling*: bind it again.
    #[error("the listener has no address ({reason}): bind it again")]
    Listener {
        /// What the operating system said.
        reason: Box<str>,
    },
}

/// Serves until `shutdown` is ready, then lets requests under way end (at most [`Limits::shutdown_timeout`]).
///
/// # Errors
/// [`ServeError`], before anything is accepted.
pub async fn serve(
    listener: TcpListener,
    config: ServeConfig,
    billfold: Billfold,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address =
        listener.local_addr().map_err(|error| ServeError::Listener { reason: error.to_string().into() })?;
    check_exposure(address, &config.known_tokens())?;
    let (limits, keys) = (config.limits, config.keys.clone());
    let (close, closing) = watch::channel(false);
    let all = routes_until(config, billfold, closing).or(warp::any().map(nowhere)).unify();
    let service = TowerToHyperService::new(warp::service(all));
    let room = Room::new(&limits);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener) => accepted,
        };
        // Without even a place to wait in it is closed: there is a bound to everything.
        if let Some(waiting) = room.enter() {
            let certificate = keys.current().certificate.clone();
            let arrived = Arrived { stream, peer, waiting, certificate };
            connections.spawn(connection(arrived, service.clone(), graceful.watcher(), limits));
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    // Who waits for what may never come is sent home, not waited for.
    close.send_replace(true);
    if tokio::time::timeout(limits.shutdown_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the time for the shutdown was over");
    }
    connections.shutdown().await;
    Ok(())
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                if !told {
                    tracing::warn!(
                        "no connection can be accepted ({error}): raise the limit of open files (ulimit -n)"
                    );
                    told = true;
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The peer hung up before it was accepted: nothing to wait for.
fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A connection that was just accepted.
struct Arrived {
    stream: TcpStream,
    peer: SocketAddr,
    waiting: Waiting,
    certificate: Option<Certificate>,
}

async fn connection<S>(arrived: Arrived, service: S, watcher: Watcher, limits: Limits)
where
    S: hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let Arrived { stream, peer, waiting, certificate } = arrived;
    // Answers are written whole: waiting for more only delays them. If it fails, they are merely slower.
    let _ = stream.set_nodelay(true);
    let place = match waiting.place().await {
        Ok(place) => place,
        // Words in the clear are no answer to a handshake, and one more handshake is what there is no room for.
        Err(known) if certificate.is_some() => return drop((stream, known)),
        Err(known) => return crowd::refuse(stream, known).await,
    };
    let stream = Stalling::new(stream, limits.write_timeout);
    match certificate {
        None => served(stream, peer, service, watcher, limits).await,
        Some(certificate) => {
            if let Some(stream) = certificate.accept(stream, limits.handshake_timeout).await {
                served(stream, peer, service, watcher, limits).await;
            }
        }
    }
    drop(place);
}

/// Speaks HTTP, encrypted or not: the same limits hold for both.
async fn served<T, S>(stream: T, peer: SocketAddr, service: S, watcher: Watcher, limits: Limits)
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible>,
{
    let arriving = service_fn(move |mut request: Request<Incoming>| {
        let arrival = Arrival { peer, version: request.version() };
        request.extensions_mut().insert(arrival);
        service.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), arriving);
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!("a connection ended early: {error}");
    }
}
