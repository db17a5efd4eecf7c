//! `billfold.toml`, several endpoints, `config check|show`, and SIGHUP to a server of the test's own.

use super::serving::Served;
use super::*;
use crate::http::tls::Pair;

/// The file of a server with two endpoints: `live` expects live events, `test` anything.
pub(super) const TWO: &str = "\
[[endpoints]]
name = \"live\"
secret_file = \"live.secret\"
mode = \"live\"
[[endpoints]]
name = \"test\"
path = \"/hooks/of-a-test\"
secret_env = \"SECRET_OF_THE_TEST\"
";

pub(super) const LIVE: &str = "whsec_live_0123456789";
const NEXT: &str = "whsec_next_0123456789";

pub(super) struct Configured {
    pub(super) place: Place,
    config: String,
}

impl Configured {
    pub(super) fn new(toml: &str) -> Self {
        let place = Place::new();
        let config = path(&place.file("billfold.toml", toml)).to_owned();
        let configured = Self { place, config };
        configured.secret(LIVE);
        configured
    }

    /// What the file of the endpoint `live` holds.
    pub(super) fn secret(&self, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.place.file("live.secret", text);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("permitted");
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).args(["--config", &self.config, "--data", &self.place.data()]);
        command.env("SECRET_OF_THE_TEST", SECRET);
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the binary runs"))
    }

    fn serve(&self) -> Served {
        Served::spawn(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }
}

pub(super) fn header(body: &str, secret: &str) -> String {
    let mut command = command();
    command.args(["sign", "--with-name"]).env("STRIPE_WEBHOOK_SECRET", secret);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("piped").write_all(body.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("the binary runs");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

#[test]
fn each_endpoint_takes_what_its_own_secrets_verify() {
    let configured = Configured::new(TWO);
    let served = configured.serve();
    for path in ["/webhooks/live  (secrets: live.secret-1)", "/hooks/of-a-test  (secrets: test.secret-1)"] {
        assert!(served.greeting.contains(path), "{}", served.greeting);
    }
    let body = customer_event("evt_1", "cus_1", 1, "");
    assert_eq!(served.deliver_to("/webhooks/live", &body, &header(&body, SECRET)), 400);
    assert_eq!(served.deliver_to("/hooks/of-a-test", &body, &header(&body, LIVE)), 400);
    assert_eq!(served.deliver(&body, &header(&body, LIVE)), 404, "there is no endpoint but those");
    assert_eq!(served.deliver_to("/webhooks/live", &body, &header(&body, LIVE)), 200);
    // Authentic, and of another mode: stored, counted, told.
    let test = customer_event("evt_2", "cus_2", 1, "").replace(r#""livemode":true"#, r#""livemode":false"#);
    assert_eq!(served.deliver_to("/webhooks/live", &test, &header(&test, LIVE)), 200);
    assert_eq!(served.deliver_to("/hooks/of-a-test", &test, &header(&test, SECRET)), 200);
    let stats = served.ask(&["stats", "--json"], None).ended(0).json();
    let window = &stats["window"];
    assert_eq!(
        (&window["accepted"], &window["duplicate"], &window["unexpected"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let event = served.ask(&["events", "show", "evt_2", "--json"], None).ended(0).json();
    assert_eq!(event["provenance"]["secret"], "live.secret-1");
    let (_, log) = served.end();
    for shown in ["another mode than this endpoint expects", "endpoint=\"live\"", "path=\"/{webhook}\""] {
        assert!(log.contains(shown), "{shown} is not in:\n{log}");
    }
    for hidden in [LIVE, SECRET, "/hooks/", "cus_", "evt_"] {
        assert!(!log.contains(hidden), "{hidden} is in:\n{log}");
    }
}

#[test]
fn secrets_are_read_anew_at_a_hangup_and_bad_ones_change_nothing() {
    let configured = Configured::new(TWO);
    let mut served = configured.serve();
    let events: Vec<String> =
        (0..4).map(|number| customer_event(&format!("evt_{number}"), "cus_1", 1, "")).collect();
    let deliver = |served: &Served, number: usize, secret: &str| {
        served.deliver_to("/webhooks/live", &events[number], &header(&events[number], secret))
    };
    assert_eq!((deliver(&served, 0, LIVE), deliver(&served, 1, NEXT)), (200, 400));

    configured.secret(&format!("{NEXT},{LIVE}"));
    served.signal("-HUP");
    served.logged("was read anew");
    assert_eq!((deliver(&served, 1, NEXT), deliver(&served, 2, LIVE)), (200, 200));

    configured.secret("sk_live_not_a_signing_secret");
    served.signal("-HUP");
    let told = served.logged("NOT read anew");
    assert!(
        told.contains("ERROR") && told.contains("billfold.toml:3") && !told.contains("sk_live"),
        "{told}"
    );
    assert_eq!(deliver(&served, 3, NEXT), 200, "the old secrets go on");

    configured.secret(NEXT);
    let moved = TWO.replace("/hooks/of-a-test", "/hooks/moved");
    configured.place.file("billfold.toml", &format!("body_limit = \"8M\"\n{moved}"));
    served.signal("-HUP");
    let told = served.logged("was read anew");
    assert!(told.contains("key=\"body_limit\""), "what needs a restart is named: {told}");
    assert_eq!((deliver(&served, 3, NEXT), deliver(&served, 3, LIVE)), (200, 400));
    assert_eq!(served.deliver_to("/hooks/moved", &events[3], &header(&events[3], SECRET)), 200);
    assert_eq!(served.deliver_to("/hooks/of-a-test", &events[3], &header(&events[3], SECRET)), 404);
    let (code, _) = served.end();
    assert_eq!(code, Some(0));
}

/// `curl` asks over TLS, trusting one certificate.
fn alive(served: &Served, certificate: &Path) -> bool {
    let address = served.url.strip_prefix("https://").expect("encrypted");
    let port = address.rsplit(':').next().expect("a port");
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--resolve", &format!("localhost:{port}:127.0.0.1"), "--cacert", path(certificate)]);
    let output = curl.arg(format!("https://localhost:{port}/health/live")).output().expect("curl runs");
    String::from_utf8_lossy(&output.stdout).contains("true")
}

#[test]
fn a_certificate_is_read_anew_at_a_hangup() {
    let configured = Configured::new(&format!("tls_cert = \"chain.pem\"\ntls_key = \"key.pem\"\n{TWO}"));
    let write = |pair: &Pair, name: &str| {
        configured.place.file("key.pem", &pair.key);
        configured.place.file("chain.pem", &pair.chain);
        configured.place.file(name, &pair.chain)
    };
    let (old, new) = (Pair::new(), Pair::new());
    let trusted_old = write(&old, "old.pem");
    let mut served = configured.serve();
    assert!(alive(&served, &trusted_old));
    // Half of the new pair: as while a certificate is renewed.
    configured.place.file("key.pem", &new.key);
    served.signal("-HUP");
    assert!(served.logged("NOT read anew").contains("does not belong to the certificate"));
    assert!(alive(&served, &trusted_old));
    let trusted_new = write(&new, "new.pem");
    served.signal("-HUP");
    served.logged("was read anew");
    assert!(alive(&served, &trusted_new) && !alive(&served, &trusted_old));
    configured.place.file("billfold.toml", TWO);
    served.signal("-HUP");
    served.logged("TLS begins and ends with a restart");
    assert!(alive(&served, &trusted_new));

    configured.place.file("billfold.toml", &format!("tls_cert = \"chain.pem\"\n{TWO}"));
    let told = configured.run(&["config", "check"]).ended(2).out;
    assert!(told.contains("billfold.toml:1: tls_cert: it needs tls_key, too"), "{told}");
}

/// Neither a request under way nor a new one notices a reload.
#[test]
fn nothing_is_dropped_while_secrets_are_read_anew() {
    let configured = Configured::new(TWO);
    let mut served = configured.serve();
    let log = served.reading_the_log();
    let events: Vec<(String, String)> = (0..40)
        .map(|number| customer_event(&format!("evt_{number}"), "cus_1", 1, ""))
        .map(|body| (header(&body, LIVE), body))
        .collect();
    std::thread::scope(|scope| {
        let deliveries = scope.spawn(|| {
            let deliver =
                |(header, body): &(String, String)| served.deliver_to("/webhooks/live", body, header);
            events.iter().map(deliver).collect::<Vec<u16>>()
        });
        while !deliveries.is_finished() {
            served.signal("-HUP");
        }
        assert_eq!(deliveries.join().expect("delivered"), [200; 40]);
    });
    let window = served.ask(&["stats", "--json"], None).ended(0).json();
    assert_eq!(window["window"]["accepted"], 40);
    served.ended();
    let reloads = log.join().expect("read").matches("was read anew").count();
    assert!(reloads > 0, "there was a reload");
}

/// What the endpoints of a file took can be verified by the same file.
#[test]
fn stored_signatures_are_verified_by_the_described_secrets() {
    let configured = Configured::new(TWO);
    let served = configured.serve();
    let body = customer_event("evt_1", "cus_1", 1, "");
    assert_eq!(served.deliver_to("/webhooks/live", &body, &header(&body, LIVE)), 200);
    assert_eq!(served.end().0, Some(0));
    let mut command = command();
    command.args(["verify", "--json", "--data", &configured.place.data()]);
    command
        .env("BILLFOLD_CONFIG", configured.place.dir.path().join("billfold.toml"))
        .env("SECRET_OF_THE_TEST", SECRET);
    let verified = Ran::of(command.output().expect("the binary runs")).ended(0).json();
    assert_eq!(verified["signatures"]["good"], 1);
}

#[test]
fn check_names_everything_and_serve_refuses_the_same() {
    let good = Configured::new(TWO);
    let told = good.run(&["config", "check"]).ended(0).out;
    assert!(told.ends_with("billfold.toml: the configuration fits\n"), "{told}");
    assert_eq!(good.run(&["config", "check", "--json"]).ended(0).json()["ok"], true);

    let bad =
        Configured::new(&format!("lisen = 1\n{}", TWO.replace("SECRET_OF_THE_TEST", "NOT_SET_ANYWHERE")));
    let told = bad.run(&["config", "check"]).ended(2).out;
    for text in ["billfold.toml:1: lisen: no such key", "did you mean listen?", "NOT_SET_ANYWHERE is not set"]
    {
        assert!(told.contains(text), "{text:?} is not in:\n{told}");
    }
    let answer = bad.run(&["config", "check", "--json"]).ended(2).json();
    assert_eq!((&answer["ok"], answer["problems"].as_array().map(Vec::len)), (&json!(false), Some(2)));
    assert_eq!(answer["problems"][1]["line"], 9);
    bad.run(&["serve"]).ended(2).saying("2 things").saying("billfold.toml:1").saying("billfold.toml:9");
    assert!(!bad.place.path().exists(), "nothing is made");
}

#[test]
fn show_says_where_each_value_came_from() {
    let configured = Configured::new(&format!("tolerance = \"1m\"\n{TWO}"));
    let mut command = configured.command(&["config", "show", "--json", "--body-limit", "1M"]);
    let ran =
        Ran::of(command.env("BILLFOLD_LISTEN", "127.0.0.1:1").output().expect("the binary runs")).ended(0);
    assert!(!ran.out.contains(LIVE));
    let shown = ran.json();
    let value = |key: &str| {
        let rows = shown["values"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no {key}"));
        (
            row["value"].as_str().unwrap_or_default().to_owned(),
            row["origin"].as_str().expect("text").to_owned(),
        )
    };
    for (key, text, origin) in [
        ("listen", "127.0.0.1:1", "BILLFOLD_LISTEN"),
        ("body_limit", "1048576", "--body-limit"),
        ("tolerance", "60s", "file, line 1"),
        ("log_format", "text", "default"),
    ] {
        assert_eq!(value(key), (text.to_owned(), origin.to_owned()));
    }
    assert_eq!(shown["endpoints"][0]["secrets"], json!(["live.secret-1"]));
    assert_eq!(shown["endpoints"][0]["tolerance_seconds"], 60);
    assert_eq!(shown["folder"]["reference_keys"], json!(["user_id"]));
    let text = configured.run(&["config", "show"]).ended(0).out;
    assert!(text.contains("in SECRET_OF_THE_TEST") && !text.contains(SECRET), "{text}");
}

/// A folder may have its own file.
#[test]
fn the_file_is_found_in_the_folder() {
    let place = Place::new();
    std::fs::create_dir(place.path()).expect("made");
    std::fs::write(place.path().join("billfold.toml"), "listen = \"127.0.0.1:7\"\n").expect("written");
    let mut command = command();
    command.args(["config", "show", "--json", "--data", &place.data()]).env("STRIPE_WEBHOOK_SECRET", SECRET);
    let shown = Ran::of(command.output().expect("the binary runs")).ended(0).json();
    assert_eq!(shown["values"][1]["value"], "127.0.0.1:7");
    assert!(shown["file"].as_str().is_some_and(|file| file.ends_with("billfold.toml")));
}
