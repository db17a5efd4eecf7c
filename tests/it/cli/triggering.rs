//! `trigger`: one story, signed, to a running endpoint.

use serde_json::Value;

use super::serving::Served;
use super::*;

/// Triggers, to a server, with the test secret.
fn trigger(served: &Served, arguments: &[&str]) -> Ran {
    let endpoint = format!("{}/webhooks/stripe", served.url);
    let mut command = command();
    command.arg("trigger").args(arguments).args(["--to", &endpoint]).env("STRIPE_WEBHOOK_SECRET", SECRET);
    Ran::of(command.output().expect("the binary runs"))
}

fn deliveries(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn a_story_arrives_shuffled_and_doubled_and_ends_as_it_should() {
    let place = Place::new();
    let served = Served::start(&place, &[], None);
    let story = ["renewal-failed", "--seed", "3", "--customer", "cus_42", "--json"];
    let sent = deliveries(&trigger(&served, &[&story[..], &["--shuffle", "--duplicate"]].concat()).ended(0));
    assert!(sent.len() > 10 && sent.iter().all(|line| line["status"] == 200), "{sent:?}");
    let subscriptions = served.ask(&["subscriptions", "list", "--customer", "cus_42", "--json"], None);
    assert_eq!(subscriptions.ended(0).json()["data"][0]["status"], "past_due");
    // The same number sends the same events: all of them are known.
    let again = deliveries(&trigger(&served, &story).ended(0));
    assert_eq!(again.len() * 2, sent.len());
    let stats = served.ask(&["stats", "--json"], None).ended(0).json();
    assert_eq!(stats["log"]["records"], again.len());
    assert_eq!(stats["window"]["duplicate"], sent.len());
}

#[test]
fn an_event_type_is_a_name_and_fields_are_set() {
    let place = Place::new();
    let served = Served::start(&place, &[], None);
    let name = "customer.subscription.created";
    let user = ["--override", "metadata.user_id=42", "--override", "customer:email=a@example.com"];
    let told = trigger(&served, &[&[name, "--customer", "cus_7"][..], &user].concat()).ended(0).out;
    assert!(told.contains(name) && told.contains("0 refused; again with --seed "), "{told}");
    let subscription = served.ask(&["subscriptions", "list", "--json"], None).ended(0).json();
    assert_eq!(subscription["data"][0]["metadata"]["user_id"], "42");
    let customer = served.ask(&["customers", "show", "cus_7", "--json"], None).ended(0).json();
    assert_eq!(customer["email"], "a@example.com");
}

#[test]
fn what_cannot_be_sent_says_why() {
    let place = Place::new();
    let served = Served::start(&place, &[], None);
    trigger(&served, &["no-such-story"]).ended(3).saying("billfold lab list");
    trigger(&served, &["invoice.paid", "--override", "status"]).ended(2).saying("PATH=VALUE");
    let refused = trigger(&served, &["invoice.paid", "--secret", "whsec_another_secret"]).ended(4);
    assert!(refused.out.lines().all(|line| !line.starts_with("200")), "{}", refused.out);
    assert!(!refused.out.contains("whsec_another_secret"));
    assert_eq!(refused.out.matches("no signature matches").count(), 1, "{}", refused.out);
    drop(served);
    let nobody = ["trigger", "invoice.paid", "--secret", SECRET, "--to", "http://127.0.0.1:9/webhooks"];
    run(nobody).ended(1).saying("does not answer");
    run(["trigger", "invoice.paid", "--secret", SECRET, "--to", "localhost:80"]).ended(2).saying("http://");
}
