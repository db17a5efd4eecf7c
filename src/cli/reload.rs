//! SIGHUP: reads the configuration's files anew and uses the new keyring for requests from then on.
//!
//! Nothing is dropped meanwhile. What does not fit changes nothing, and is said loudly.

use super::config::{self, Config, ServeFlags};
use super::failure::Failure;
use crate::http::Keys;

/// What a running server was started with.
pub(super) struct Reload {
    pub(super) flags: ServeFlags,
    pub(super) started: Config,
    pub(super) keys: Keys,
}

impl Reload {
    /// Reads everything anew, and says what came of it.
    pub(super) fn once(&self) {
        match config::load(&self.flags) {
            Ok((_, keyring, _)) if keyring.certificate.is_some() != self.is_encrypted() => {
                self.keys.mark_stale();
                tracing::error!(
                    "the configuration was NOT read anew: TLS begins and ends with a restart only"
                );
            }
            Ok((config, keyring, problems)) => {
                for warning in problems.warnings() {
                    tracing::warn!("{warning}");
                }
                for key in self.started.fixed_differences(&config) {
                    tracing::warn!(key, "this key has changed, and is seen at the next start only");
                }
                let secrets: usize =
                    keyring.endpoints.iter().map(|endpoint| endpoint.secrets.iter().len()).sum();
                let endpoints = keyring.endpoints.iter().count();
                self.keys.replace(keyring);
                tracing::info!(endpoints, secrets, "the configuration was read anew");
            }
            Err(Failure::Told { what, remedy, .. }) => {
                self.keys.mark_stale();
                let remedy = remedy.unwrap_or_default();
                tracing::error!(
                    "the configuration was NOT read anew, the old secrets go on: {what} {remedy}"
                );
            }
            Err(Failure::ReaderLeft) => {}
        }
    }

    fn is_encrypted(&self) -> bool {
        self.keys.current().certificate.is_some()
    }

    /// Reads everything anew whenever SIGHUP comes.
    #[cfg(unix)]
    pub(super) fn listen(self) -> Result<(), std::io::Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = signal(SignalKind::hangup())?;
        let reload = std::sync::Arc::new(self);
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let reload = std::sync::Arc::clone(&reload);
                // Files may be slow. One at a time: the last signal decides. A panic was told, and changed nothing.
                let _ = tokio::task::spawn_blocking(move || reload.once()).await;
            }
        });
        Ok(())
    }

    /// There is no SIGHUP here.
    #[cfg(not(unix))]
    pub(super) fn listen(self) -> Result<(), std::io::Error> {
        Ok(())
    }
}
