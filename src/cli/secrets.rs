//! Where signing secrets come from: the environment or a file. Never shows one.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::config::described_secrets;
use super::exit::Exit;
use super::failure::{Failure, eprint_line};
use super::folder::DataArgs;
use super::surroundings::{SECRETS_VARIABLE, variable};
use crate::stripe::signature::Secrets;

/// The longest file of secrets, in bytes.
const SECRETS_FILE_BYTES_MAX: u64 = 16 * 1024;

/// As much as is read of a certificate's file, in bytes: a whole chain is far shorter.
const PEM_FILE_BYTES_MAX: u64 = 256 * 1024;

/// Where the signing secrets are.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SecretArgs {
    /// Read the signing secrets from this file, one a line or comma-separated, instead of from `STRIPE_WEBHOOK_SECRET`.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl SecretArgs {
    /// The file that was named.
    pub(super) fn file(&self) -> Option<&Path> {
        self.secret_file.as_deref()
    }

    /// The secrets of the file, of the environment or, without both, of the endpoints that the configuration of a folder
    /// describes; none if there are none.
    ///
    /// # Errors
    /// As [`SecretArgs::load`], but for none at all.
    pub(super) fn load_if_given(&self, data: &DataArgs) -> Result<Option<Secrets>, Failure> {
        if self.secret_file.is_none() && variable(SECRETS_VARIABLE)?.is_none() {
            return described_secrets(data);
        }
        self.load().map(Some)
    }

    /// The same, for commands that need some.
    ///
    /// # Errors
    /// As [`SecretArgs::load`].
    pub(super) fn load_for(&self, data: &DataArgs) -> Result<Secrets, Failure> {
        self.load_if_given(data)?.ok_or_else(missing)
    }

    /// The secrets of the file or, without one, of the environment.
    ///
    /// # Errors
    /// A usage failure that says what to set and where to find it.
    pub(super) fn load(&self) -> Result<Secrets, Failure> {
        match &self.secret_file {
            Some(path) => parse(&read_file(path)?, &path.display().to_string()),
            None => match variable(SECRETS_VARIABLE)? {
                Some(list) => parse(&list, SECRETS_VARIABLE),
                None => Err(missing()),
            },
        }
    }
}

/// A list of secrets, and what is odd about it.
pub(super) struct Listed {
    pub(super) secrets: Secrets,
    pub(super) warnings: Vec<String>,
}

/// Reads a list of secrets that came from `origin` (a variable's or a file's name).
pub(super) fn parse(list: &str, origin: &str) -> Result<Secrets, Failure> {
    let Listed { secrets, warnings } = read_list(list, origin)?;
    for warning in warnings {
        eprint_line(&format!("warning: {warning}"));
    }
    Ok(secrets)
}

/// The same, saying nothing.
pub(super) fn read_list(list: &str, origin: &str) -> Result<Listed, Failure> {
    if list.trim().is_empty() {
        return Err(missing());
    }
    let secrets = list
        .parse::<Secrets>()
        .map_err(|error| Failure::usage(format!("{origin}: {error}")).remedy(WHERE_TO_FIND))?;
    let mut warnings = Vec::new();
    if has_stray_whitespace(list) {
        warnings.push(format!("{origin} has whitespace around a signing secret; it is ignored"));
    }
    for secret in secrets.iter().filter(|secret| !secret.has_prefix()) {
        warnings.push(format!(
            "the signing secret {} of {origin} does not begin with whsec_: Stripe's all do, and the prefix is a part of them",
            secret.label()
        ));
    }
    Ok(Listed { secrets, warnings })
}

/// How to come by a secret. The same text for all who miss one.
const WHERE_TO_FIND: &str = "\
Stripe Dashboard: Developers, Webhooks, your endpoint, \"Signing secret\": it begins with whsec_
        Stripe CLI:       stripe listen --print-secret";

pub(super) fn missing() -> Failure {
    Failure::usage(format!("no signing secret: set {SECRETS_VARIABLE}=whsec_… or pass --secret-file FILE"))
        .remedy(WHERE_TO_FIND)
}

pub(super) fn read_file(path: &Path) -> Result<String, Failure> {
    if looks_secret(&path.to_string_lossy()) {
        // Its name would be told with every error.
        return Err(Failure::usage("this is a signing secret or an API key, not the name of a file")
            .remedy("write it into a file of its own, and name that"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| Failure::reading(path, &error))?;
    let read = file.take(SECRETS_FILE_BYTES_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::reading(path, &error))?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= SECRETS_FILE_BYTES_MAX) {
        Ok(text)
    } else {
        Err(Failure::new(
            Exit::Usage,
            format!("{} is too long to be a list of signing secrets", path.display()),
        ))
    }
}

/// Whether a text that should be something else holds a secret of Stripe's: such a text is never repeated.
pub(super) fn looks_secret(text: &str) -> bool {
    ["whsec_", "sk_live_", "sk_test_", "rk_live_", "rk_test_"].iter().any(|prefix| text.contains(prefix))
}

/// A file of a certificate or its key.
pub(super) fn read_pem(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Failure::reading(path, &error))?;
    let read = file.take(PEM_FILE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| Failure::reading(path, &error))?;
    Ok(bytes)
}

/// A line's end is how files end; anything else around a secret was pasted by accident.
fn has_stray_whitespace(list: &str) -> bool {
    list.lines().flat_map(|line| line.split(',')).any(|item| item.trim() != item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, stray: bool) {
        assert_eq!(has_stray_whitespace(list), stray, "{list:?}");
    }

    #[test]
    fn whitespace_worth_a_warning() {
        check("whsec_a", false);
        check("whsec_a,whsec_b", false);
        check("whsec_a\nwhsec_b\r\n", false);
        check(" whsec_a", true);
        check("whsec_a \n", true);
        check("whsec_a, whsec_b", true);
    }

    #[test]
    fn nothing_is_said_to_be_missing() {
        for list in ["", " ", "\n"] {
            let Err(Failure::Told { exit, what, remedy }) = parse(list, "X") else {
                panic!("{list:?} is a list")
            };
            assert_eq!(exit, Exit::Usage);
            assert!(what.contains("STRIPE_WEBHOOK_SECRET"));
            assert!(remedy.is_some_and(|remedy| remedy.contains("stripe listen --print-secret")));
        }
    }
}
