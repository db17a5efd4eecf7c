//! `serve`: the webhook endpoint and the API, until Ctrl-C or SIGTERM.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::{DataArgs, with_sources};
use super::moment::parse_span;
use super::output::Output;
use super::secrets::SecretArgs;
use super::surroundings::{TOKEN_VARIABLE, colours_wanted, open_files_max, stderr_is_terminal, variable};
use super::tokens;
use super::verify_signature::tolerance;
use crate::http::{self, Limits, ServeConfig, Token, TokenFile};
use crate::log;

/// The path that the provider delivers to.
pub(super) const ENDPOINT: &str = "/webhooks/stripe";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Serve the webhook endpoint and the API
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Environment:
  STRIPE_WEBHOOK_SECRET  the endpoint's signing secret; several with commas (while one is rolled, or for test and
                         live mode); label=whsec_… names one
  BILLFOLD_API_TOKEN     a bearer token that may ask everything; `billfold tokens add` makes others. Without any
                         only this machine can read, and no other address than loopback is listened on
  RUST_LOG               which log lines are written, such as warn or billfold=debug (info)

Ctrl-C or SIGTERM ends it; requests under way are answered first.

Examples:
  STRIPE_WEBHOOK_SECRET=whsec_… billfold serve
  STRIPE_WEBHOOK_SECRET=$(stripe listen --print-secret) billfold serve
  stripe listen --forward-to 127.0.0.1:4242/webhooks/stripe
  billfold serve --secret-file /run/secrets/stripe --listen 0.0.0.0:8080 --data /var/lib/billfold")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4242", value_parser = parse_address)]
    listen: SocketAddr,
    #[command(flatten)]
    secrets: SecretArgs,
    /// The longest body that is accepted, in bytes (or with K or M); longer ones are answered 413.
    #[arg(long, value_name = "BYTES", default_value = "4M", value_parser = parse_bytes)]
    body_limit: usize,
    /// How old, or how far ahead, a signature may be.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = parse_span)]
    tolerance: i64,
    /// How log lines look; they go to stderr.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

impl ServeArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let config = self.config()?;
        http::check_exposure(self.listen, &config.known_tokens())
            .map_err(|exposed| Failure::usage(exposed.to_string()))?;
        start_logging(self.log_format);
        let runtime = runtime()?;
        // Bound before the folder is opened: a taken port must not cost a rebuild, and a provider that
        // retries during one is kept waiting, not refused.
        let listener =
            runtime.block_on(TcpListener::bind(self.listen)).map_err(|error| self.unbound(&error))?;
        let address = listener.local_addr().unwrap_or(self.listen);
        let billfold = self.data.open_or_make()?;
        self.greet(address, &config, out)?;
        let served = runtime.block_on(async {
            let shutdown = shutdown()?;
            let served = http::serve(listener, config, billfold.clone(), shutdown.asked_for()).await;
            served.map_err(|error| Failure::new(Exit::Failed, with_sources(&error)))
        });
        // Everything that was acknowledged is durable already; this only ends threads in good order.
        runtime.shutdown_timeout(Limits::default().shutdown_timeout);
        drop(billfold);
        served.map(|()| Exit::Done)
    }

    fn config(&self) -> Result<ServeConfig, Failure> {
        let secrets = self.secrets.load()?;
        let token = variable(TOKEN_VARIABLE)?
            .map(|token| Token::new(&token).map_err(|invalid| Failure::usage(invalid.to_string())))
            .transpose()?;
        let tokens = TokenFile::new(tokens::path(self.data.path()));
        tokens
            .load()
            .map_err(|error| Failure::usage(error.to_string()).remedy("mend the file, or move it away"))?;
        let limits = Limits { body_bytes_max: self.body_limit, ..Limits::default() };
        let fitting = open_files_max().map_or(limits, |files| limits.within_open_files(files));
        if fitting != limits {
            eprint_line(&format!(
                "note: the limit of open files (ulimit -n) leaves room for {} connections at once, not {}",
                fitting.connections_max, limits.connections_max
            ));
        }
        Ok(ServeConfig {
            tolerance: tolerance(self.tolerance),
            api_token: token,
            tokens: Some(tokens),
            limits: fitting,
            ..ServeConfig::new(secrets)
        })
    }

    /// What a person needs to know to go on; a supervisor's log keeps it.
    fn greet(&self, address: SocketAddr, config: &ServeConfig, out: &mut Output) -> Result<(), Failure> {
        let reachable = reachable(address);
        let reading = match (&config.api_token, config.known_tokens().are_required()) {
            (Some(_), _) => "with the token in BILLFOLD_API_TOKEN",
            (None, true) => "with a token of `billfold tokens`",
            (None, false) => "from this machine only",
        };
        let folder =
            std::fs::canonicalize(self.data.path()).unwrap_or_else(|_| self.data.path().to_path_buf());
        out.text(&format!(
            "listening on      http://{address}\n\
             webhook endpoint  http://{reachable}{ENDPOINT}  (secrets: {})\n\
             API               http://{reachable}/v1/  ({reading})\n\
             folder            {}\n",
            config.secrets,
            folder.display(),
        ))?;
        out.flush()
    }

    fn unbound(&self, error: &io::Error) -> Failure {
        let listen = self.listen;
        let (what, remedy) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                format!("another program listens on {listen} already"),
                "stop it, or choose another port with --listen".to_owned(),
            ),
            io::ErrorKind::PermissionDenied => (
                format!("this user may not listen on {listen}"),
                "ports below 1024 are for the administrator: take a higher one and a reverse proxy"
                    .to_owned(),
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
}

/// An address with a port; `localhost` is understood, other names are not: they may stand for several addresses.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numbers = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let text = numbers.as_deref().unwrap_or(text);
    text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(_) => "the port is missing, such as 127.0.0.1:4242".to_owned(),
        Err(_) => "not an address with a port, such as 127.0.0.1:4242 or [::1]:4242".to_owned(),
    })
}

/// A number of bytes, with K or M for 1024 or 1024².
fn parse_bytes(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1024),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1024 * 1024),
            None => (text, 1),
        },
    };
    let bytes = digits.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| (1024..=log::BODY_BYTES_MAX).contains(bytes))
        .ok_or_else(|| format!("takes 1K to {}M, such as 4M", log::BODY_BYTES_MAX / (1024 * 1024)))
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

fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
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
    Shutdown::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("signals cannot be received: {error}")))
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

    #[track_caller]
    fn check_bytes(text: &str, expected: Option<usize>) {
        assert_eq!(parse_bytes(text).ok(), expected, "{text}");
    }

    #[test]
    fn sizes() {
        check_bytes("4M", Some(4 * 1024 * 1024));
        check_bytes("512k", Some(512 * 1024));
        check_bytes("4096", Some(4096));
        for text in ["", "0", "1023", "17M", "99999999999999999999M", "4G", "-1", "1.5M"] {
            check_bytes(text, None);
        }
    }

    #[track_caller]
    fn check_address(text: &str, expected: Option<&str>) {
        assert_eq!(parse_address(text).ok().map(|address| address.to_string()).as_deref(), expected);
    }

    #[test]
    fn addresses() {
        check_address("127.0.0.1:4242", Some("127.0.0.1:4242"));
        check_address("localhost:80", Some("127.0.0.1:80"));
        check_address("[::1]:80", Some("[::1]:80"));
        check_address("127.0.0.1", None);
        check_address("example.com:80", None);
        check_address(":80", None);
    }

    #[test]
    fn everywhere_is_reached_from_here() {
        let everywhere: SocketAddr = "0.0.0.0:80".parse().expect("an address");
        assert_eq!(reachable(everywhere).to_string(), "127.0.0.1:80");
    }
}
