//! The flags of `serve`, which `config check` and `config show` take, too. Nothing is decided here: a flag is a text until
//! it is known whether a variable or the file says something else.

use std::path::{Path, PathBuf};

use super::keys::{self, Key};
use super::values::{parse_address, parse_bytes, parse_log_format, parse_origins};
use crate::cli::folder::DataArgs;
use crate::cli::moment::parse_span;
use crate::cli::secrets::SecretArgs;

/// What can be said on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ServeFlags {
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// The configuration file [default: billfold.toml in the data folder, if there is one] [env: `BILLFOLD_CONFIG`].
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The address to listen on [default: 127.0.0.1:4242] [env: `BILLFOLD_LISTEN`].
    #[arg(long, value_name = "ADDRESS", value_parser = checked(parse_address))]
    listen: Option<String>,
    #[command(flatten)]
    pub(super) secrets: SecretArgs,
    /// Read the bearer token from this file, instead of from `BILLFOLD_API_TOKEN` [env: `BILLFOLD_API_TOKEN_FILE`].
    #[arg(long, value_name = "FILE")]
    api_token_file: Option<String>,
    /// Encrypt connections with the certificate in this file: PEM, with the chain above it [env: `BILLFOLD_TLS_CERT`].
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key: PEM without a password [env: `BILLFOLD_TLS_KEY`].
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// The longest body that is accepted, in bytes (or with K or M); longer ones are answered 413 [default: 4M] [env:
    /// `BILLFOLD_BODY_LIMIT`].
    #[arg(long, value_name = "BYTES", value_parser = checked(parse_bytes))]
    body_limit: Option<String>,
    /// How old, or how far ahead, a signature may be [default: 5m] [env: `BILLFOLD_TOLERANCE`].
    #[arg(long, value_name = "SPAN", value_parser = checked(parse_span))]
    tolerance: Option<String>,
    /// Let pages of this origin read with a token in a browser, such as <https://app.example.com>; may be repeated [env:
    /// `BILLFOLD_CORS_ORIGINS`].
    #[arg(long, value_name = "ORIGIN", value_parser = checked(parse_origins))]
    cors_origin: Vec<String>,
    /// How log lines look, text or json; they go to stderr [default: text] [env: `BILLFOLD_LOG_FORMAT`].
    #[arg(long, value_name = "FORMAT", value_parser = checked(parse_log_format))]
    log_format: Option<String>,
}

/// Refuses a flag's value where it is typed, and keeps it as text.
fn checked<T>(
    parse: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static
where
    T: 'static,
{
    move |text| parse(text).map(|_| text.to_owned())
}

impl ServeFlags {
    /// Nothing said but the folder.
    pub(super) fn of_folder(data: &DataArgs) -> Self {
        Self { data: data.clone(), ..Self::default() }
    }

    /// Nothing said but what decides about endpoints and their secrets.
    pub(in crate::cli) fn of(data: &DataArgs, config: Option<&Path>, secrets: &SecretArgs) -> Self {
        let config = config.map(Path::to_path_buf);
        Self { data: data.clone(), config, secrets: secrets.clone(), ..Self::default() }
    }

    pub(in crate::cli) fn data(&self) -> &DataArgs {
        &self.data
    }

    /// What the flag of this key says.
    pub(super) fn get(&self, key: &Key) -> Option<String> {
        match key.name {
            name if name == keys::LISTEN.name => self.listen.clone(),
            name if name == keys::API_TOKEN_FILE.name => self.api_token_file.clone(),
            name if name == keys::TLS_CERT.name => self.tls_cert.clone(),
            name if name == keys::TLS_KEY.name => self.tls_key.clone(),
            name if name == keys::BODY_LIMIT.name => self.body_limit.clone(),
            name if name == keys::TOLERANCE.name => self.tolerance.clone(),
            name if name == keys::CORS_ORIGINS.name => {
                Some(self.cors_origin.join(",")).filter(|origins| !origins.is_empty())
            }
            name if name == keys::LOG_FORMAT.name => self.log_format.clone(),
            _ => None,
        }
    }
}
