//! Every key of the configuration, in the one table that `docs/configuration.md` shows.

/// One setting of the server, and where it may come from. A flag overrides the variable, the variable the file.
pub(in crate::cli) struct Key {
    /// Its name in `billfold.toml`.
    pub(super) name: &'static str,
    /// Why it cannot stand in the file, where it cannot.
    pub(super) not_in_file: Option<&'static str>,
    /// The flag of `serve`.
    pub(super) flag: Option<&'static str>,
    /// The variable.
    pub(in crate::cli) variable: Option<&'static str>,
    /// What there is without it, as it would be written; empty for nothing.
    pub(super) default: &'static str,
    /// When a change is seen: at SIGHUP, or at the next start.
    pub(super) at_reload: bool,
    /// What it is.
    pub(super) meaning: &'static str,
}

const KEY: Key = Key {
    name: "",
    not_in_file: None,
    flag: None,
    variable: None,
    default: "",
    at_reload: false,
    meaning: "",
};

pub(in crate::cli) const CONFIG: Key = Key {
    name: "config",
    not_in_file: Some("a file cannot name the file to be read"),
    flag: Some("--config"),
    variable: Some("BILLFOLD_CONFIG"),
    default: "billfold.toml in the data folder, if there is one",
    meaning: "the file",
    ..KEY
};
pub(super) const DATA: Key = Key {
    name: "data",
    not_in_file: Some("the file may lie in the data folder: name the folder with --data or BILLFOLD_DATA"),
    flag: Some("--data"),
    variable: Some("BILLFOLD_DATA"),
    default: "./billfold-data",
    meaning: "the folder with the event log and what is folded from it",
    ..KEY
};
pub(super) const LISTEN: Key = Key {
    name: "listen",
    flag: Some("--listen"),
    variable: Some("BILLFOLD_LISTEN"),
    default: "127.0.0.1:4242",
    meaning: "the address and port to listen on",
    ..KEY
};
pub(super) const SECRETS: Key = Key {
    name: "secrets",
    not_in_file: Some(NEVER_INLINE),
    variable: Some("STRIPE_WEBHOOK_SECRET"),
    meaning: "the signing secrets of the one endpoint `/webhooks/stripe`; with `[[endpoints]]`, only where one names it",
    ..KEY
};
pub(super) const SECRET_FILE: Key = Key {
    name: "secret_file",
    not_in_file: Some("write it under [[endpoints]], below the endpoint's name"),
    flag: Some("--secret-file"),
    at_reload: true,
    meaning: "a file with these secrets, instead of the variable; not together with `[[endpoints]]`",
    ..KEY
};
pub(super) const TOLERANCE: Key = Key {
    name: "tolerance",
    flag: Some("--tolerance"),
    variable: Some("BILLFOLD_TOLERANCE"),
    default: "5m",
    at_reload: true,
    meaning: "how old, or how far ahead, a signature may be, where an endpoint says nothing else",
    ..KEY
};
pub(super) const BODY_LIMIT: Key = Key {
    name: "body_limit",
    flag: Some("--body-limit"),
    variable: Some("BILLFOLD_BODY_LIMIT"),
    default: "4M",
    meaning: "the longest body that is accepted, in bytes or with K or M; longer ones are answered 413",
    ..KEY
};
pub(super) const API_TOKEN: Key = Key {
    name: "api_token",
    not_in_file: Some(NEVER_INLINE),
    variable: Some("BILLFOLD_API_TOKEN"),
    meaning: "a bearer token that may ask everything; `billfold tokens` makes others. Without any, only this machine can read",
    ..KEY
};
pub(super) const API_TOKEN_FILE: Key = Key {
    name: "api_token_file",
    flag: Some("--api-token-file"),
    variable: Some("BILLFOLD_API_TOKEN_FILE"),
    at_reload: true,
    meaning: "a file with that token, instead of the variable",
    ..KEY
};
pub(super) const TLS_CERT: Key = Key {
    name: "tls_cert",
    flag: Some("--tls-cert"),
    variable: Some("BILLFOLD_TLS_CERT"),
    at_reload: true,
    meaning: "a file with the certificate and the chain above it, as PEM: connections are encrypted; needs `tls_key`",
    ..KEY
};
pub(super) const TLS_KEY: Key = Key {
    name: "tls_key",
    flag: Some("--tls-key"),
    variable: Some("BILLFOLD_TLS_KEY"),
    at_reload: true,
    meaning: "a file with the certificate's private key, as PEM without a password",
    ..KEY
};
pub(super) const CORS_ORIGINS: Key = Key {
    name: "cors_origins",
    flag: Some("--cors-origin"),
    variable: Some("BILLFOLD_CORS_ORIGINS"),
    meaning: "whose pages may read with a token in a browser, such as `https://app.example.com`; several with commas",
    ..KEY
};
pub(super) const LOG_FORMAT: Key = Key {
    name: "log_format",
    flag: Some("--log-format"),
    variable: Some("BILLFOLD_LOG_FORMAT"),
    default: "text",
    meaning: "how log lines on stderr look: `text` for people, `json` for programs",
    ..KEY
};
pub(super) const LOG_FILTER: Key = Key {
    name: "log_filter",
    variable: Some("RUST_LOG"),
    default: "info",
    meaning: "which log lines are written, such as `warn` or `billfold=debug`",
    ..KEY
};

/// Every key of the server.
pub(super) const KEYS: &[Key] = &[
    CONFIG,
    DATA,
    LISTEN,
    SECRETS,
    SECRET_FILE,
    TOLERANCE,
    BODY_LIMIT,
    API_TOKEN,
    API_TOKEN_FILE,
    TLS_CERT,
    TLS_KEY,
    CORS_ORIGINS,
    LOG_FORMAT,
    LOG_FILTER,
];

/// Why a secret is refused in the file.
pub(super) const NEVER_INLINE: &str = "secrets never stand in this file, which is copied, shown and backed up: put them into a variable or a file of their own";

/// One key of an `[[endpoints]]` table: name, default, meaning.
pub(super) struct EndpointKey {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

/// Every key of an `[[endpoints]]` table.
pub(super) const ENDPOINT_KEYS: &[EndpointKey] = &[
    EndpointKey {
        name: "name",
        default: "",
        meaning: "its name in log lines, metrics and labels: 1 to 20 small letters, digits or `-`; needed",
    },
    EndpointKey { name: "path", default: "/webhooks/NAME", meaning: "where the provider delivers to" },
    EndpointKey {
        name: "secret_env",
        default: "",
        meaning: "the name of a variable with its signing secrets, or a list of names; this or `secret_file` is needed",
    },
    EndpointKey {
        name: "secret_file",
        default: "",
        meaning: "a file with its signing secrets, or a list of files; from the configuration file's own folder",
    },
    EndpointKey {
        name: "mode",
        default: "any",
        meaning: "`live` or `test`: which events are expected; others are stored all the same, and counted as unexpected",
    },
    EndpointKey {
        name: "account",
        default: "any",
        meaning: "`self` or a connected account's id (`acct_…`): whose events are expected; others as with `mode`",
    },
    EndpointKey {
        name: "tolerance",
        default: "the server's",
        meaning: "how old, or how far ahead, a signature may be",
    },
];

/// Keys that lie in the folder's own `settings.json`: they shape what is folded, and go wherever the folder goes.
pub(super) const FOLDER_KEYS: &[&str] = &["policy", "reference_keys"];
