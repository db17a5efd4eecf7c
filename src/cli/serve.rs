//! `serve`: the webhook endpoint and the API, until Ctrl-C or SIGTERM.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::config::{self, Config, LogFormat, ServeFlags};
use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::with_sources;
use super::output::Output;
use super::reload::Reload;
use super::surroundings::{colours_wanted, open_files_max, stderr_is_terminal};
use crate::http::{self, Keyring, Keys, Limits, ServeConfig};

/// The path that the provider delivers to.
pub(super) const ENDPOINT: &str = "/webhooks/stripe";

/// Serve the webhook endpoint and the API
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Environment:
  STRIPE_WEBHOOK_SECRET  the endpoint's signing secret; several with commas (while one is rolled, or for test and
                         live mode); label=whsec_… names one
  BILLFOLD_API_TOKEN     a bearer token that may ask everything; `billfold tokens add` makes others. Without any
                         only this machine can read, and no other address than loopback is listened on
  RUST_LOG               which log lines are written, such as warn or billfold=debug (info)

A flag overrides its variable, a variable the file. Several endpoints are described in billfold.toml: `billfold config
keys` lists what it may say, `billfold config check` says what does not fit.
Ctrl-C or SIGTERM ends it; requests under way are answered first. SIGHUP reads secrets, token and endpoints anew.

Examples:
  STRIPE_WEBHOOK_SECRET=whsec_… billfold serve
  STRIPE_WEBHOOK_SECRET=$(stripe listen --print-secret) billfold serve
  stripe listen --forward-to 127.0.0.1:4242/webhooks/stripe
  billfold serve --secret-file /run/secrets/stripe --listen 127.0.0.1:8080 --data /var/lib/billfold
  billfold serve --config /etc/billfold/billfold.toml")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    flags: ServeFlags,
}

impl ServeArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let (config, keyring, problems) = config::load(&self.flags)?;
        for warning in problems.warnings() {
            eprint_line(&format!("warning: {warning}"));
        }
        let serving = serving(&config, keyring);
        start_logging(config.log_format(), config.log_filter());
        let runtime = runtime()?;
        // Bound before the folder is opened: a taken port must not cost a rebuild, and a provider that
        // retries during one is kept waiting, not refused.
        let listen = config.listen();
        let listener =
            runtime.block_on(TcpListener::bind(listen)).map_err(|error| unbound(listen, &error))?;
        let address = listener.local_addr().unwrap_or(listen);
        let reload = Reload { flags: self.flags.clone(), started: config, keys: serving.keys.clone() };
        // Before the folder is opened, too: SIGHUP would end a process that does not wait for it.
        let listening = runtime.block_on(async { reload.listen() });
        listening.map_err(|error| no_signals(&error))?;
        let billfold = self.flags.data().open_or_make()?;
        self.greet(address, &serving, out)?;
        let served = runtime.block_on(async {
            let shutdown = shutdown()?;
            let served = http::serve(listener, serving, billfold.clone(), shutdown.asked_for()).await;
            served.map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))
        });
        // Everything that was acknowledged is durable already; this only ends threads in good order.
        runtime.shutdown_timeout(Limits::default().shutdown_timeout);
        drop(billfold);
        served.map(|()| Exit::Done)
    }

    /// What a person needs to know to go on; a supervisor's log keeps it.
    fn greet(&self, address: SocketAddr, config: &ServeConfig, out: &mut Output) -> Result<(), Failure> {
        let reachable = reachable(address);
        let keyring = config.keys.current();
        let scheme = if keyring.certificate.is_some() { "https" } else { "http" };
        let reading = match (&keyring.api_token, config.known_tokens().are_required()) {
            (Some(_), _) => "with the token that is configured",
            (None, true) => "with a token of `billfold tokens`",
            (None, false) => "from this machine only",
        };
        let data = self.flags.data().path();
        let folder = std::fs::canonicalize(data).unwrap_or_else(|_| data.to_path_buf());
        out.text(&format!("listening on      {scheme}://{address}\n"))?;
        for endpoint in keyring.endpoints.iter() {
            let (path, secrets) = (endpoint.path(), &endpoint.secrets);
            out.text(&format!("webhook endpoint  {scheme}://{reachable}{path}  (secrets: {secrets})\n"))?;
        }
        out.text(&format!(
            "API               {scheme}://{reachable}/v1/  ({reading})\n\
             folder            {}\n",
            folder.display(),
        ))?;
        out.flush()
    }
}

/// What the door is told, within what this process may open.
fn serving(config: &Config, keyring: Keyring) -> ServeConfig {
    let limits = Limits { body_bytes_max: config.body_limit(), ..Limits::default() };
    let fitting = open_files_max().map_or(limits, |files| limits.within_open_files(files));
    if fitting != limits {
        eprint_line(&format!(
            "note: the limit of open files (ulimit -n) leaves room for {} connections at once, not {}",
            fitting.connections_max, limits.connections_max
        ));
    }
    let tokens = Some(config.token_file());
    let cors_origins = config.cors_origins().to_vec();
    ServeConfig { limits: fitting, tokens, cors_origins, ..ServeConfig::of(Keys::new(keyring)) }
}

fn unbound(listen: SocketAddr, error: &io::Error) -> Failure {
    let (what, remedy) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("another program listens on {listen} already"),
            "stop it, or choose another port with --listen".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("this user may not listen on {listen}"),
            "ports below 1024 are for the administrator: take a higher one and a reverse proxy".to_owned(),
        ),
        io::ErrorKind::AddrNotAvailable => (
            format!("this machine has no address {}", listen.ip()),
            format!("use one of its own with --listen, or 0.0.0.0:{} for all", listen.port()),
        ),
        _ => (
            format!("{listen} cannot be listened on: {error}"),
            "choose another address with --listen".to_owned(),
        ),
    };
    Failure::new(Exit::Failed, what).remedy(remedy)
}

/// Where to reach a listener that listens everywhere: from this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let ip = if address.is_ipv4() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            IpAddr::from(std::net::Ipv6Addr::LOCALHOST)
        };
        return SocketAddr::new(ip, address.port());
    }
    address
}

fn start_logging(format: LogFormat, filter: &str) {
    let filter = EnvFilter::new(filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second subscriber in one process is a test's doing; the first one stays.
    let _ = match format {
        LogFormat::Text => lines.with_ansi(stderr_is_terminal() && colours_wanted()).try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

/// What a server runs on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("no threads can be started: {error}")))
}

/// Waits until Ctrl-C or SIGTERM asks for the end.
pub(super) async fn asked_to_end() -> Result<(), Failure> {
    shutdown()?.asked_for().await;
    Ok(())
}

fn shutdown() -> Result<Shutdown, Failure> {
    Shutdown::new().map_err(|error| no_signals(&error))
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("signals cannot be received: {error}"))
}

/// The signals that ask for the end.
#[cfg(unix)]
struct Shutdown {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Shutdown {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked_for(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        eprint_line("ending: requests under way are answered first");
    }
}

#[cfg(not(unix))]
struct Shutdown;

#[cfg(not(unix))]
impl Shutdown {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn asked_for(self) {
        // Without the signal the process is ended from outside; what was acknowledged is durable.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        eprint_line("ending: requests under way are answered first");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_is_reached_from_here() {
        let everywhere: SocketAddr = "0.0.0.0:80".parse().expect("an address");
        assert_eq!(reachable(everywhere).to_string(), "127.0.0.1:80");
    }
}
