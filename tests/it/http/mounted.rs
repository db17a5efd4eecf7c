//! The routes inside a warp server of one's own.

use std::net::SocketAddr;

use billfold::engine::Billfold;
use billfold::http::{ServeConfig, routes};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use warp::Filter as _;

use super::wire::{Connection, Reply, TOKEN, config, config_with_token, customer_event, delivery, signature};

/// A server that has Billfold's routes below `/billing` and a route of its own; it takes one connection a request.
async fn mount(config: ServeConfig, billfold: Billfold) -> SocketAddr {
    let own = warp::path("billing").and(warp::path("hello")).map(|| "hello");
    let all = warp::path("billing").and(routes(config, billfold)).or(own);
    let service = TowerToHyperService::new(warp::service(all));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(served);
        }
    });
    address
}

async fn send(address: SocketAddr, bytes: &[u8]) -> Reply {
    let mut connection = Connection(TcpStream::connect(address).await.unwrap());
    connection.write(bytes).await;
    connection.reply().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_below_a_path_leave_the_other_paths_alone() {
    let folder = tempfile::tempdir().unwrap();
    let address = mount(config_with_token(), Billfold::open(folder.path()).unwrap()).await;
    let body = customer_event("evt_1", "cus_1");
    let bytes = delivery(body.as_bytes(), Some(&signature(body.as_bytes())));
    let below = String::from_utf8(bytes).unwrap().replace("/webhooks/", "/billing/webhooks/");
    assert_eq!(send(address, below.as_bytes()).await.status, 200);
    let hello = send(address, b"GET /billing/hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((hello.status, hello.body.as_slice()), (200, &b"hello"[..]));
    let read = format!(
        "GET /billing/v1/customers/cus_1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    assert_eq!(send(address, read.as_bytes()).await.json()["id"], "cus_1");
    assert_eq!(send(address, b"GET /v1/customers/cus_1 HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mounted_without_a_token_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let address = mount(config(), Billfold::open(folder.path()).unwrap()).await;
    let reply = send(address, b"GET /billing/v1/customers HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    reply.assert_problem(403, "forbidden", "mounted in another server");
    let live = send(address, b"GET /billing/health/live HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(live.status, 200);
}
