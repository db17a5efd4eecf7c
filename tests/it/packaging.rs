//! What is installed around the binary: the systemd unit and the container. No container is built here; what both files
//! name has to exist, and the commands in them have to be understood by the binary.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const UNIT: &str = include_str!("../../docs/billfold.service");
const DOCKERFILE: &str = include_str!("../../Dockerfile");
const DOCKERIGNORE: &str = include_str!("../../.dockerignore");
/// Where both put the binary.
const INSTALLED: &str = "/usr/local/bin/billfold";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billfold"));
    for name in
        ["STRIPE_WEBHOOK_SECRET", "BILLFOLD_API_TOKEN", "BILLFOLD_DATA", "BILLFOLD_CONFIG", "RUST_LOG"]
    {
        command.env_remove(name);
    }
    command
}

/// The values of a key of the unit.
fn of_unit(key: &str) -> Vec<&'static str> {
    UNIT.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// The lines of an instruction of the Dockerfile, without its word.
fn of_dockerfile(word: &str) -> Vec<&'static str> {
    DOCKERFILE.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect()
}

/// Every variable that is set is one that the configuration knows.
#[track_caller]
fn check_variables(settings: &[&str]) {
    let output = binary().args(["config", "keys"]).output().unwrap();
    let keys = String::from_utf8(output.stdout).unwrap();
    let mut set = 0;
    for (name, _) in settings.iter().flat_map(|line| line.split(' ')).filter_map(|word| word.split_once('='))
    {
        assert!(keys.contains(&format!("| `{name}` |")), "{name} is no variable of Billfold");
        set += 1;
    }
    assert!(set > 1);
}

/// The binary understands these words; `--help` keeps it from acting on them.
#[track_caller]
fn check_command(words: &[&str]) {
    let output = binary().args(words).arg("--help").output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_unit_starts_what_there_is() {
    check_variables(&of_unit("Environment"));
    let mut commands = 0;
    for line in [of_unit("ExecStart"), of_unit("ExecStartPre")].concat() {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], INSTALLED);
        check_command(&words[1..]);
        commands += 1;
    }
    assert_eq!(commands, 2);
    assert_eq!(of_unit("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
    assert_eq!(of_unit("User"), ["billfold"]);
}

/// Where systemd is, it says itself whether it understands the unit, and how far the service is shut in.
#[test]
fn systemd_understands_the_unit() {
    let known = Command::new("systemd-analyze").arg("--version").output();
    if !known.is_ok_and(|output| output.status.success()) {
        eprintln!("systemd-analyze is not here: the unit is not verified");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("billfold.service");
    std::fs::write(&path, UNIT.replace(INSTALLED, env!("CARGO_BIN_EXE_billfold"))).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !told.contains("billfold.service"), "{told}");
    let threshold = ["security", "--offline=yes", "--threshold=15"];
    let judged = Command::new("systemd-analyze").args(threshold).arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "the service is less shut in than it was (1.2 of 10):\n{told}");
}

#[test]
fn the_container_is_built_of_what_there_is() {
    let copied: Vec<&str> =
        of_dockerfile("COPY").into_iter().filter(|line| !line.starts_with("--from")).collect();
    let mut sources = BTreeSet::new();
    for line in copied {
        let words: Vec<&str> = line.split(' ').collect();
        let (_, from) = words.split_last().unwrap();
        sources.extend(from.iter().copied());
    }
    for source in &sources {
        assert!(root().join(source).exists(), "{source} does not exist");
        assert!(DOCKERIGNORE.lines().any(|line| line == format!("!{source}")), "{source} is left out");
    }
    // Cargo builds nothing while a file that the manifest names is missing.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let named =
        manifest.lines().filter_map(|line| line.strip_prefix("path = ")).map(|path| path.trim_matches('"'));
    let mut files = 0;
    for file in named {
        let top = file.split('/').next().unwrap();
        assert!(sources.contains(top), "{file} is in the manifest, but not in the container");
        files += 1;
    }
    assert!(files > 2);
    assert!(manifest.contains("[[bench]]") && sources.contains("benches"));
    let version = of_dockerfile("FROM")[0].split(':').nth(1).unwrap();
    let version = version.split('-').next().unwrap();
    let oldest =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    let minor = |text: &str| text.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    assert!(minor(version) >= minor(oldest), "Rust {version} is older than {oldest}");
}

#[test]
fn the_container_runs_the_binary_without_root() {
    let last = *of_dockerfile("FROM").last().unwrap();
    assert!(last.starts_with("gcr.io/distroless/") && last.ends_with(":nonroot"), "{last}");
    assert_eq!(of_dockerfile("USER"), ["65532:65532"]);
    check_variables(&of_dockerfile("ENV"));
    let words = |line: &str| -> Vec<String> { serde_json::from_str(line).unwrap() };
    assert_eq!(words(of_dockerfile("ENTRYPOINT")[0]), [INSTALLED]);
    let into: Vec<&str> =
        of_dockerfile("COPY").iter().filter_map(|line| line.split(' ').next_back()).collect();
    assert!(into.contains(&INSTALLED) && into.contains(&"/data"));
    let command = words(of_dockerfile("CMD")[0]);
    check_command(&command.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Reachable by others, it does not start without a token: that is what the page says of the container.
#[test]
fn what_the_container_sets_is_safe_by_itself() {
    let settings = of_dockerfile("ENV").join(" ");
    let folder = tempfile::tempdir().unwrap();
    let check = |token: Option<&str>| {
        let mut command = binary();
        command.args(["config", "check"]).envs(settings.split(' ').filter_map(|word| word.split_once('=')));
        command.env("BILLFOLD_DATA", folder.path()).env("STRIPE_WEBHOOK_SECRET", "whsec_test_only");
        command.envs(token.map(|token| ("BILLFOLD_API_TOKEN", token)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = check(None);
    assert_eq!(code, Some(2));
    assert!(told.contains("BILLFOLD_API_TOKEN"), "{told}");
    assert_eq!(check(Some("0123456789abcdef")).0, Some(0));
}
