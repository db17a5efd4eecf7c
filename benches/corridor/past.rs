//! The past of one object with many events.

use billfold::api::{self, Request};
use billfold::engine::Billfold;
use billfold::model::time::{Millis, Seconds};
use billfold::stripe::delivery::Delivery;

use crate::{median, time};

const EVENTS: i64 = 10_000;
const BEGIN: i64 = 1_780_000_000;
const ROUNDS: usize = 5;

/// Its name, the path, the query.
type Question<'q> = (&'q str, &'q [&'q str], Vec<(&'q str, &'q str)>);

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let billfold = Billfold::open(folder.path()).unwrap();
    let deliveries = |numbers: std::ops::Range<i64>| {
        numbers.map(|number| Delivery::vouched(body(number).into_bytes(), Millis((BEGIN + number) * 1_000)))
    };
    for begin in (0..EVENTS).step_by(1_000) {
        billfold.ingest_blocking(deliveries(begin..begin + 1_000).collect()).unwrap();
    }
    println!("one customer with {EVENTS} events, ms, median of {ROUNDS}");
    let middle = (BEGIN + EVENTS / 2).to_string();
    let questions: [Question<'_>; 6] = [
        ("as it is", &["customers", "cus_1"], vec![]),
        ("as of a position", &["customers", "cus_1"], vec![("as_of", "@5000")]),
        ("as of a time", &["customers", "cus_1"], vec![("as_of", &middle)]),
        ("as it was true then", &["customers", "cus_1"], vec![("as_of", &middle), ("by_created", "true")]),
        ("history, the newest 50", &["objects", "cus_1", "history"], vec![]),
        ("why", &["objects", "cus_1", "why"], vec![]),
    ];
    for (name, path, query) in questions {
        let query: Vec<_> =
            query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let took = (0..ROUNDS).map(|_| {
            time(|| {
                let now = Seconds(BEGIN + EVENTS).into();
                api::answer(&billfold, &Request { path: &api::path(path), query: &query, now }).unwrap();
            })
        });
        println!("{name:>24}  {:.1}", median(took.collect()).as_secs_f64() * 1e3);
    }
}

/// Each changes the customer.
fn body(number: i64) -> String {
    let created = BEGIN + number;
    format!(
        r#"{{"id":"evt_{number:08}","object":"event","api_version":"2025-03-31.basil","created":{created},"livemode":false,"type":"customer.updated","data":{{"object":{{"id":"cus_1","object":"customer","created":{BEGIN},"livemode":false,"delinquent":false,"currency":"usd","metadata":{{"user_id":"user_{number}"}}}},"previous_attributes":{{"metadata":{{"user_id":"user_{}"}}}}}}}}"#,
        number - 1
    )
}
