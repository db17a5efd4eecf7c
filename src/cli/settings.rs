//! Settings of a folder: `settings.json` in it. Every command reads them, so that all of them see the same access.
//!
//! They lie in the folder, not on the command line: the reference keys shape what is folded, and a command that forgot
//! them would fold everything anew.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::exit::Exit;
use super::failure::Failure;
use super::folder::DataArgs;
use super::output::Output;
use crate::model::access::Policy;

/// The file's name inside the folder.
const SETTINGS_FILE: &str = "settings.json";

/// The longest file that is read, in bytes.
const SETTINGS_BYTES_MAX: u64 = 64 * 1024;

/// The most metadata keys that are looked at for the merchant's own user ids.
const REFERENCE_KEYS_MAX: usize = 16;

/// The longest metadata key, in characters: the provider's own limit.
const REFERENCE_KEY_CHARS_MAX: usize = 40;

/// What a folder's owner has chosen. What the file leaves out has its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Who may use the product.
    pub(super) policy: Policy,
    /// The metadata keys that hold the merchant's own user ids, beside `client_reference_id`.
    pub(super) reference_keys: Vec<Box<str>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { policy: Policy::default(), reference_keys: vec!["user_id".into()] }
    }
}

impl Settings {
    /// The settings of a folder, the defaults where it has none.
    ///
    /// # Errors
    /// A usage failure that names the file and what does not fit.
    pub(super) fn of(data: &Path) -> Result<Self, Failure> {
        let path = path(data);
        let mut text = String::new();
        let read = std::fs::File::open(&path)
            .and_then(|file| file.take(SETTINGS_BYTES_MAX).read_to_string(&mut text));
        match read {
            Ok(_) => Self::parse(&text).map_err(|reason| {
                Failure::usage(format!("{}: {reason}", path.display()))
                    .remedy("`billfold settings --default` prints a file that fits")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(Failure::new(Exit::Failed, format!("{} is a file, not a folder", data.display())).remedy(
                    "name the folder with --data: the one that `billfold serve` or `billfold import` made",
                ))
            }
            Err(error) => Err(Failure::reading(&path, &error)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let keys = &settings.reference_keys;
        let fits = |key: &str| (1..=REFERENCE_KEY_CHARS_MAX).contains(&key.chars().count());
        if keys.len() > REFERENCE_KEYS_MAX || !keys.iter().all(|key| fits(key)) {
            return Err(format!(
                "reference_keys holds at most {REFERENCE_KEYS_MAX} keys of 1 to {REFERENCE_KEY_CHARS_MAX} characters"
            ));
        }
        Ok(settings)
    }
}

pub(super) fn path(data: &Path) -> PathBuf {
    data.join(SETTINGS_FILE)
}

/// Show the settings of a folder: who may use the product, and which metadata keys hold your user ids
#[derive(Debug, clap::Args)]
#[command(after_help = "\
They are read from settings.json in the folder; what it leaves out has its default.
A running server reads them when it starts.

policy
  past_due_grace_days   how long past_due is tolerated (default 7; 0 denies at once)
  renewal_leeway_days   how long after its period a subscription goes on while no renewal was seen (2)
  charged_back, disputed, refunded, collection_paused
                        ignore or deny (default deny, ignore, ignore, ignore)
reference_keys          metadata keys with your own user ids, beside client_reference_id (user_id);
                        after a change everything is folded anew at the next start

Examples:
  billfold settings
  billfold settings --default > billfold-data/settings.json")]
pub(super) struct SettingsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Show the defaults instead.
    #[arg(long)]
    default: bool,
}

impl SettingsArgs {
    pub(super) fn run(&self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = if self.default { Settings::default() } else { Settings::of(self.data.path())? };
        let shown = serde_json::to_value(&settings).map_err(io::Error::from)?;
        out.json(&shown)?;
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::access::Gate;

    #[test]
    fn what_is_left_out_has_its_default() {
        let settings =
            Settings::parse(r#"{"policy":{"disputed":"deny","past_due_grace_days":3}}"#).expect("fits");
        assert_eq!(settings.policy.disputed, Gate::Deny);
        assert_eq!(settings.policy.past_due_grace_days.get(), 3);
        assert_eq!(settings.policy.renewal_leeway_days, Policy::default().renewal_leeway_days);
        assert_eq!(settings.reference_keys, Settings::default().reference_keys);
    }

    #[track_caller]
    fn refuse(text: &str, reason: &str) {
        let found = Settings::parse(text).expect_err(text);
        assert!(found.contains(reason), "{found}");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        refuse("", "EOF");
        refuse(r#"{"polizy":{}}"#, "polizy");
        refuse(r#"{"policy":{"refunded":"maybe"}}"#, "maybe");
        refuse(r#"{"policy":{"past_due_grace_days":99999}}"#, "3650");
        refuse(r#"{"reference_keys":[""]}"#, "reference_keys");
        refuse(&format!(r#"{{"reference_keys":["{}"]}}"#, "x".repeat(41)), "40 characters");
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let text = serde_json::to_string(&Settings::default()).expect("plain values");
        assert!(Settings::parse(&text).is_ok());
    }
}
