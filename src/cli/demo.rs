//! `demo`: a small business made up by the lab, delivered to a server on a folder that goes away, and held against the
//! truth.

mod business;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::exit::Exit;
use super::failure::Failure;
use super::folder::with_sources;
use super::output::Output;
use super::progress::Bar;
use super::sender::Sender;
use super::serve::{self, ENDPOINT};
use crate::engine::{Billfold, Progress};
use crate::http::{ServeConfig, ServeError};
use crate::lab::crowd::{Crowd, CrowdArrival};
use crate::lab::world::Setting;
use crate::stripe::signature::Secrets;
use business::Business;

/// Connections that deliver at the same time.
const CONNECTIONS: usize = 8;

/// Play a small business, deliver its events badly, and compare what comes out with the truth
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The events are made up; they arrive signed, shuffled, some of them twice, over several connections at once, and many \
share one second. Nothing is left behind: the folder goes away at the end.

Exit code 0 says that every object equals the truth or is flagged as undecidable.

Examples:
  billfold demo
  billfold demo --customers 500 --seed 7
  billfold demo --keep --port 4242      then, in another terminal: billfold customers list --url http://127.0.0.1:4242")]
pub(super) struct DemoArgs {
    /// How many lives the lab plays; a life is one customer, sometimes two.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=5_000))]
    customers: u16,
    /// What the lab's dice begin with: the same seed, the same business.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The port to listen on, on this machine only; any free one unless said.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Serve on until Ctrl-C, to look around.
    #[arg(long)]
    keep: bool,
    /// Print the result as JSON.
    #[arg(long, conflicts_with = "keep")]
    json: bool,
}

impl DemoArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let crowd = Crowd::play(self.seed, &Setting::default(), usize::from(self.customers));
        let deliveries = crowd.deliveries(self.seed);
        let folder = tempfile::Builder::new().prefix("billfold-demo-").tempdir();
        let folder = folder.map_err(|error| no_folder(&error))?;
        let billfold = Billfold::open(folder.path())
            .map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))?;
        let server = Server::start(&billfold, self.port)?;
        if !self.json {
            out.text(&opening(&crowd, &deliveries, server.address))?;
            out.flush()?;
        }
        deliver(&crowd, &deliveries, &server)?;
        billfold.catch_up().map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))?;
        let business = Business::look(&billfold, &crowd, &deliveries)?;
        if self.json {
            out.json(&json!({
                "seed": self.seed,
                "lives": crowd.lives().len(),
                "events": crowd.events(),
                "ties": crowd.ties(),
                "deliveries": deliveries.len(),
                "result": business.to_json(),
            }))?;
        } else {
            out.text(&business.to_text(out.look))?;
        }
        if self.keep {
            out.text(&format!(
                "\nServing on until Ctrl-C. In another terminal:\n  billfold customers list --url http://{}\n",
                server.address
            ))?;
            out.flush()?;
            server.wait()?;
        } else {
            server.stop()?;
        }
        Ok(if business.is_true() { Exit::Done } else { Exit::Failed })
    }
}

fn no_folder(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("no folder can be made for the demo: {error}"))
        .remedy("make room, or name another place in TMPDIR")
}

fn opening(crowd: &Crowd, deliveries: &[CrowdArrival], address: SocketAddr) -> String {
    let (events, ties, all) = (crowd.events(), crowd.ties(), deliveries.len());
    format!(
        "{} lives of customers, {events} events; {ties} share their second with another event of the same object.\n\
         They reach http://{address}{ENDPOINT} signed and shuffled, {} of them again, {CONNECTIONS} at a time.\n\n",
        crowd.lives().len(),
        all.saturating_sub(events),
    )
}

/// Every delivery, from several threads; the order among them is left to chance.
fn deliver(crowd: &Crowd, deliveries: &[CrowdArrival], server: &Server) -> Result<(), Failure> {
    let sender = Sender::new(&server.endpoint(), server.secrets.clone())?;
    let bar = Bar::records("delivering");
    let next = AtomicUsize::new(0);
    let total = u64::try_from(deliveries.len()).unwrap_or(u64::MAX);
    let outcomes: Vec<Result<(), Failure>> = std::thread::scope(|scope| {
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(&delivery) = deliveries.get(number) else { return Ok(()) };
                let Some(body) = crowd.body(delivery) else { continue };
                let answered = sender.send(&body)?;
                if !answered.is_taken() {
                    let detail = answered.detail.unwrap_or_default();
                    return Err(Failure::new(
                        Exit::Failed,
                        format!("answered {}: {detail}", answered.status),
                    ));
                }
                bar.show(Progress { done: u64::try_from(number).unwrap_or(u64::MAX), total });
            }
        };
        let threads: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    bar.hide();
    outcomes.into_iter().collect()
}

/// A server on a port of this machine, for the time of the demo.
struct Server {
    runtime: tokio::runtime::Runtime,
    address: SocketAddr,
    secrets: Secrets,
    end: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Server {
    fn start(billfold: &Billfold, port: u16) -> Result<Self, Failure> {
        let runtime = serve::runtime()?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let unbound = |error| Failure::new(Exit::Failed, format!("{listen} cannot be listened on: {error}"));
        let listener = runtime.block_on(TcpListener::bind(listen)).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        let secrets: Secrets = format!("whsec_demo_{}", throwaway())
            .parse()
            .map_err(|error| Failure::new(Exit::Failed, format!("{error}")))?;
        let (end, asked_to_end) = oneshot::channel::<()>();
        let shutdown = async move {
            // A sender that is gone asks for the end as well.
            let _ = asked_to_end.await;
        };
        let config = ServeConfig::new(secrets.clone());
        let ended = runtime.spawn(crate::http::serve(listener, config, billfold.clone(), shutdown));
        Ok(Self { runtime, address, secrets, end, ended })
    }

    fn endpoint(&self) -> String {
        format!("http://{}{ENDPOINT}", self.address)
    }

    /// Serves until Ctrl-C or SIGTERM.
    fn wait(self) -> Result<(), Failure> {
        self.runtime.block_on(serve::asked_to_end())?;
        self.stop()
    }

    fn stop(self) -> Result<(), Failure> {
        // A server that has ended hears nothing; how it ended comes next.
        let _ = self.end.send(());
        match self.runtime.block_on(self.ended) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(Exit::Failed, with_sources(&error))),
            Err(_) => Err(Failure::new(Exit::Failed, "the demo's server broke off")),
        }
    }
}

/// What nobody else on this machine guesses in the demo's time.
fn throwaway() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let part = || format!("{:016x}", RandomState::new().hash_one(0_u8));
    part() + &part()
}
