use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use clap::{Args as _, Parser as _};

use super::*;
use crate::stripe::signature::SECRET_BYTES_MAX;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    flags: ServeFlags,
}

/// A folder with a configuration file and two files of secrets; what comes of them.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(toml: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("billfold.toml", toml);
        place.write("a", "old=whsec_a1\nwhsec_a2\n");
        place.write("b", "whsec_b");
        place.write("token", "0123456789abcdef\n");
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn flags(&self, more: &[&str]) -> ServeFlags {
        let folder = self.folder.path().to_str().unwrap();
        Line::parse_from(["serve", "--data", folder].iter().chain(more)).flags
    }

    /// The problems as a person reads them, without the folder's name; none if the configuration fits.
    fn told(&self, more: &[&str]) -> Option<String> {
        let mut problems = Problems::default();
        let config = Config::load(&self.flags(more), &mut problems);
        let keyring = gather(&config, &mut problems);
        assert_eq!(keyring.is_none(), problems.any_error(), "{}", problems.told());
        keyring.is_none().then(|| problems.told().replace(&format!("{}/", self.folder.path().display()), ""))
    }

    #[track_caller]
    fn fits(&self, more: &[&str]) -> (Config, Keyring) {
        let (config, keyring, _) = load(&self.flags(more)).unwrap_or_else(|failure| panic!("{failure:?}"));
        (config, keyring)
    }
}

/// A file with these lines does not fit: all of these errors are said, and no others.
#[track_caller]
fn refuse(toml: &str, errors: &[&str]) {
    let told = Place::new(toml).told(&[]).unwrap_or_else(|| panic!("fits: {toml}"));
    for error in errors {
        assert!(told.contains(&format!("error: {error}")), "{error:?} is not in:\n{told}");
    }
    assert!(!told.contains("hidden"), "{told}");
    assert_eq!(told.matches("error: ").count(), errors.len(), "{told}");
}

const ENDPOINT: &str = "[[endpoints]]\nname = \"live\"\nsecret_file = \"a\"\n";

#[test]
fn a_file_describes_endpoints() {
    let more = "path = \"/hooks/live\"\nmode = \"live\"\naccount = \"self\"\ntolerance = \"1m\"\n";
    let two =
        format!("tolerance = \"2m\"\n{ENDPOINT}{more}[[endpoints]]\nname = \"b\"\nsecret_file = [\"b\"]\n");
    let (config, keyring) = Place::new(&two).fits(&[]);
    assert_eq!(config.listen().to_string(), "127.0.0.1:4242");
    let shown: Vec<String> = keyring
        .endpoints
        .iter()
        .map(|endpoint| {
            let (name, path, secrets) = (endpoint.name(), endpoint.path(), &endpoint.secrets);
            format!(
                "{name} {path} {secrets} {:?} {:?} {}",
                endpoint.mode, endpoint.account, endpoint.tolerance.past
            )
        })
        .collect();
    assert_eq!(
        shown,
        ["live /hooks/live old, live.secret-2 Live Own 60", "b /webhooks/b b.secret-1 Any Any 120"]
    );
}

#[test]
fn a_flag_overrides_the_file() {
    let file = format!("listen = \"127.0.0.1:1\"\nbody_limit = 2048\napi_token_file = \"token\"\n{ENDPOINT}");
    let place = Place::new(&file);
    let (config, keyring) = place.fits(&["--listen", "127.0.0.1:2"]);
    assert_eq!((config.listen().port(), config.body_limit()), (2, 2048));
    assert!(keyring.api_token.is_some());
    let (config, _) = place.fits(&[]);
    assert_eq!(config.listen().port(), 1);
}

#[test]
fn what_does_not_fit_is_named_with_its_line() {
    refuse(
        "lisen = \"127.0.0.1:1\"\n[[endpoints]]\nname = \"a\"\nsecret_file = \"a\"\n",
        &["billfold.toml:1: lisen: no such key\n  help: did you mean listen?"],
    );
    refuse(
        &format!("listen = \"nowhere\"\nbody_limit = true\n{ENDPOINT}mode = \"prod\"\nsercet_file = \"x\"\n"),
        &[
            "billfold.toml:1: listen: not an address",
            "billfold.toml:2: body_limit: this is true or false",
            "billfold.toml:6: endpoints[0].mode: takes any, live or test",
            "billfold.toml:7: endpoints[0].sercet_file: no such key\n  help: did you mean secret_file?",
        ],
    );
    refuse(
        "[[endpoints]]\npath = \"/v1/x\"\n",
        &[
            "billfold.toml:2: endpoints[0]: it has no name",
            "billfold.toml:2: endpoints[0].path: this path is for other routes",
            "billfold.toml:2: endpoints[0]: it does not say where its signing secrets are",
        ],
    );
    // One mistake hides no other.
    let all = "[[endpoints]]\nname = \"Live\"\nsecret_env = \"NOT_SET_ANYWHERE\"\nmode = \"prod\"\naccount = \"x\"\n";
    refuse(
        all,
        &[
            "billfold.toml:2: endpoints[0].name: a name has",
            "billfold.toml:3: endpoints[0].secret_env: NOT_SET_ANYWHERE is not set",
            "billfold.toml:4: endpoints[0].mode: takes any",
            "billfold.toml:5: endpoints[0].account: takes any",
        ],
    );
    refuse(
        "policy = 1\ndata = \"x\"\n[[endpoints]]\nname = \"a\"\nsecret_file = \"none\"\n",
        &[
            "billfold.toml:1: policy: this belongs to the folder",
            "billfold.toml:2: data: this does not belong into the file",
            "billfold.toml:5: endpoints[0].secret_file: none cannot be read",
        ],
    );
    refuse(
        &format!("{ENDPOINT}{}", ENDPOINT.replace("live", "test")),
        &["billfold.toml:5: endpoints[1]: two endpoints have a secret"],
    );
    refuse(
        &format!("{ENDPOINT}{}", ENDPOINT.replace("\"a\"", "\"b\"")),
        &[
            "billfold.toml:5: endpoints[1]: two endpoints have this name",
            "billfold.toml:5: endpoints[1]: two endpoints have this path",
        ],
    );
    refuse("[endpoints]\nname = \"a\"\n", &["billfold.toml:1: endpoints: this is a table"]);
    refuse("listen = \nbody_limit = \"1\n", &["billfold.toml:1: ", "billfold.toml:2: ", "no signing secret"]);
}

/// Neither in the right place nor in a wrong one.
#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let secret = "whsec_hidden";
    refuse(
        &format!("{ENDPOINT}secret = \"{secret}\"\n"),
        &["billfold.toml:4: endpoints[0].secret: a secret does not belong"],
    );
    refuse(
        &format!("api_token = \"{secret}\"\n{ENDPOINT}"),
        &["billfold.toml:1: api_token: this does not belong"],
    );
    refuse(&format!("{secret} = 1\n{ENDPOINT}"), &["billfold.toml:1: (not a name): no such key"]);
    refuse(
        &format!("listen = \"{secret}\"\n{ENDPOINT}"),
        &["billfold.toml:1: listen: a secret does not belong"],
    );
    refuse(
        &ENDPOINT.replace("\"a\"", "\"whsec_hidden\""),
        &["billfold.toml:3: endpoints[0].secret_file: a secret"],
    );
    let as_a_file = Place::new("").told(&["--secret-file", secret]);
    assert!(
        as_a_file.is_some_and(|told| told.contains("not the name of a file") && !told.contains("hidden"))
    );
    refuse(&format!("listen = {secret}\n{ENDPOINT}"), &["billfold.toml:1: "]);
    let named = format!("[[endpoints]]\nname = \"a\"\nsecret_env = \"{secret}\"\n");
    refuse(&named, &["billfold.toml:3: endpoints[0].secret_env: a secret does not belong"]);
    let long = "x".repeat(SECRET_BYTES_MAX + 1);
    let place = Place::new(ENDPOINT);
    place.write("a", &format!("whsec_{long}"));
    assert!(place.told(&[]).is_some_and(|told| told.contains("longer than") && !told.contains(&long)));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    /// Wherever in a file a secret is pasted by accident, nothing that is said of the file repeats it.
    #[test]
    fn a_secret_anywhere_in_the_file_is_never_repeated(at in 0_usize..400, quoted in proptest::bool::ANY) {
        let whole = format!(
            "listen = \"127.0.0.1:1\" # here\napi_token_file = \"token\"\nlog_format = \"json\"\n{ENDPOINT}path = \"/a/b\"\n\
             mode = \"live\"\naccount = \"acct_1\"\ntolerance = \"1m\"\n[[endpoints]]\nname = \"b\"\nsecret_file = [\"b\"]\n"
        );
        let (before, after) = whole.split_at(at % whole.len());
        let secret = if quoted { "\"whsec_hidden\"" } else { "whsec_hidden" };
        let place = Place::new(&format!("{before}{secret}{after}"));
        let flags = place.flags(&[]);
        let mut problems = Problems::default();
        let config = Config::load(&flags, &mut problems);
        let keyring = gather(&config, &mut problems);
        let said = [problems.told(), show::told(&config, keyring.as_ref())].concat();
        proptest::prop_assert!(!said.contains("hidden"), "{}", said);
    }
}

#[test]
fn without_a_file_there_is_the_usual_endpoint() {
    let place = Place::new("");
    let file = place.folder.path().join("a");
    let (config, keyring) = place.fits(&["--secret-file", file.to_str().unwrap()]);
    let endpoint = keyring.endpoints.iter().next().unwrap();
    assert_eq!((endpoint.name(), endpoint.path()), ("stripe", "/webhooks/stripe"));
    assert_eq!(endpoint.secrets.to_string(), "old, secret-2");
    assert_eq!(config.file, Some(place.folder.path().join("billfold.toml")));
    let both = Place::new(ENDPOINT).told(&["--secret-file", file.to_str().unwrap()]);
    assert!(
        both.is_some_and(
            |told| told.contains("--secret-file: the configuration file describes the endpoints")
        )
    );
}

#[test]
fn a_named_file_must_be_there() {
    let told = Place::new("").told(&["--config", "/nowhere/billfold.toml"]).unwrap();
    assert!(told.contains("/nowhere/billfold.toml: there is no such file"), "{told}");
}

/// Nothing is served to everybody for want of a token.
#[test]
fn an_open_address_needs_a_token() {
    let open = format!("listen = \"0.0.0.0:1\"\n{ENDPOINT}");
    assert!(Place::new(&open).told(&[]).is_some_and(|told| told.contains("others can reach 0.0.0.0:1")));
    Place::new(&format!("api_token_file = \"token\"\n{open}")).fits(&[]);
    let short = Place::new(&format!("api_token_file = \"token\"\n{ENDPOINT}"));
    short.write("token", "short");
    assert!(short.told(&[]).is_some_and(|told| told.contains("billfold.toml:1: api_token_file: ")));
}

/// The table, the flags and the page say the same.
#[test]
fn every_flag_is_a_key_and_every_key_has_its_flag() {
    let command = ServeFlags::augment_args(clap::Command::new("serve"));
    let flags: Vec<String> =
        command.get_arguments().filter_map(|flag| flag.get_long()).map(|long| format!("--{long}")).collect();
    for flag in &flags {
        assert!(keys::KEYS.iter().any(|key| key.flag == Some(flag)), "{flag} is not in the table");
    }
    let help = command.clone().render_long_help().to_string();
    let words: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for key in keys::KEYS {
        let Some(flag) = key.flag else { continue };
        assert!(flags.iter().any(|found| found == flag), "{flag} does not exist");
        assert!(
            words.contains(&format!("[default: {}", key.default)) || key.default.is_empty(),
            "{flag}: {words}"
        );
        assert!(key.variable.is_none_or(|name| words.contains(name)), "{flag} does not name its variable");
    }
}

#[test]
fn the_page_has_the_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("a mark");
    let (found, after) = rest.split_once("<!-- end of keys -->").expect("a mark");
    let table = table::markdown();
    if std::env::var_os("BILLFOLD_BLESS").is_some() {
        let page = format!("{before}<!-- keys -->\n{table}<!-- end of keys -->{after}");
        std::fs::write(&path, page).unwrap();
        return;
    }
    assert!(
        found == table,
        "docs/configuration.md is not what the code says: run the tests once with BILLFOLD_BLESS=1"
    );
}

/// The examples of the pages are no invention.
#[test]
fn the_examples_of_the_pages_fit() {
    let pages =
        [include_str!("../../../docs/configuration.md"), include_str!("../../../docs/operating.md")].concat();
    let mut examples = 0;
    for example in pages.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        // Every secret in a file beside it.
        let example = example.replace("/etc/billfold/", "");
        let place = Place::new(&example);
        place.write("api-token", "0123456789abcdef");
        for line in example.lines().filter(|line| line.starts_with("secret_file")) {
            for name in line.split('"').skip(1).step_by(2) {
                place.write(name, &format!("{name}=whsec_{name}"));
            }
        }
        place.fits(&[]);
        examples += 1;
    }
    assert!(examples >= 2);
}
