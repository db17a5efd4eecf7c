//! The real server as a process, and connections to it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use billfold::model::time::Seconds;
use billfold::stripe::signature::sign;
use tempfile::NamedTempFile;

use crate::bodies::{SECRET, secrets};

/// How long an answer may take until it counts as none. Far more than the two seconds that an answer waits for the fold.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The built binary, with nothing of this machine's settings in it.
pub(crate) fn billfold() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billfold"));
    for name in ["BILLFOLD_API_TOKEN", "BILLFOLD_DATA", "NO_COLOR", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.env("STRIPE_WEBHOOK_SECRET", SECRET).env("RUST_LOG", "error").stdin(Stdio::null());
    command
}

/// How a process ended, and what it said on the way.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) told: String,
}

/// A server that serves.
pub(crate) struct Server {
    child: Mutex<Child>,
    address: String,
    told: NamedTempFile,
    // Kept open: a server whose output nobody takes may stop.
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it on a folder; gives back how it ended if it did before it served.
    pub(crate) fn start(data: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Self, Ended> {
        // Not below the folder: what is refused there must not be what it says about it.
        let told = NamedTempFile::new().unwrap();
        let mut command = billfold();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.stdout(Stdio::piped()).stderr(told.reopen().unwrap());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut address = None;
        loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let code = child.wait().unwrap().code();
                return Err(Ended { code, told: std::fs::read_to_string(told.path()).unwrap() });
            }
            if let Some(url) = line.strip_prefix("listening on") {
                address = url.trim().strip_prefix("http://").map(str::to_owned);
            }
            if line.starts_with("folder") {
                break;
            }
        }
        Ok(Self { child: Mutex::new(child), address: address.unwrap(), told, _out: out })
    }

    /// SIGKILL, now.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, as a supervisor does, and how it ended.
    pub(crate) fn end(self) -> Ended {
        let mut child = self.child.lock().unwrap();
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let code = child.wait().unwrap().code();
        Ended { code, told: std::fs::read_to_string(self.told.path()).unwrap() }
    }

    /// What it has said on stderr so far.
    pub(crate) fn told(&self) -> String {
        std::fs::read_to_string(self.told.path()).unwrap()
    }

    pub(crate) fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream) })
    }
}

/// One connection that is kept alive.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Delivers a signed body.
    pub(crate) fn deliver(&mut self, body: &str) -> io::Result<(u16, String)> {
        let header = sign(&secrets(), body.as_bytes(), now());
        self.ask("POST", "/webhooks/stripe", &format!("Stripe-Signature: {header}\r\n"), body)
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        self.ask("GET", path, "", "")
    }

    fn ask(&mut self, method: &str, path: &str, header: &str, body: &str) -> io::Result<(u16, String)> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<(u16, String)> {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(broken());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                None => status = line.split(' ').nth(1).and_then(|status| status.parse().ok()),
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().map_err(|_| broken())?;
                }
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status.ok_or_else(broken)?, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, unless an attack failed.
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a signature is believed for some minutes only")]
fn now() -> Seconds {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Seconds(i64::try_from(since.as_secs()).unwrap())
}
