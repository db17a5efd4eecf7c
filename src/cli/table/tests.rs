use super::*;
use serde_json::json;

const PLAIN: Look = Look { colours: false, width: None };

#[track_caller]
fn check(collection: &str, items: &[Value], expected: &str) {
    assert_eq!(list(collection, items, PLAIN), expected);
}

#[test]
fn empty_columns_are_left_out() {
    let created = json!({"created": 0, "created_rfc3339": "1970-01-01T00:00:00Z"});
    let mut first = created.clone();
    let mut second = created;
    for (object, id, amount) in [(&mut first, "re_1", 1_050), (&mut second, "re_22", 5)] {
        object["id"] = json!(id);
        object["status"] = json!("succeeded");
        object["currency"] = json!("eur");
        object["amount"] = json!(amount);
        object["livemode"] = json!(true);
    }
    check(
        "refunds",
        &[first, second],
        "ID     STATUS     AMOUNT     CREATED\n\
         re_1   succeeded  10.50 eur  1970-01-01T00:00:00Z\n\
         re_22  succeeded   0.05 eur  1970-01-01T00:00:00Z\n",
    );
}

#[test]
fn a_narrow_terminal_breaks_everything_but_the_id() {
    let id = "pi_0123456789abcdefghijklmnop";
    let item = json!({"id": id, "status": "requires_action", "customer": "cus_0123456789abcdefghij"});
    let table = list("payments", &[item], Look { colours: false, width: Some(60) });
    assert!(table.lines().all(|line| line.chars().count() <= 60), "{table}");
    assert!(table.lines().nth(1).is_some_and(|line| line.starts_with(id)), "{table}");
}

#[test]
fn colours_are_for_the_eye_alone() {
    let item = json!({"id": "sub_1", "status": "active"});
    let coloured = list("reviews", std::slice::from_ref(&item), Look { colours: true, width: None });
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert!(!list("reviews", &[item], PLAIN).contains('\u{1b}'));
}

#[test]
fn test_mode_and_doubt_are_seen() {
    check(
        "reviews",
        &[json!({"id": "prv_1", "livemode": false, "ambiguous": true, "account": "acct_1"})],
        "ID     MODE  ACCOUNT  NOTE\nprv_1  test  acct_1   ambiguous\n",
    );
}

#[test]
fn what_is_over_does_not_cancel_then() {
    let item = |status: &str| json!({"id": "sub_1", "status": status, "cancel_at_period_end": true});
    check("subscriptions", &[item("active")], "ID     STATUS\nsub_1  active  cancels then\n");
    for status in ["canceled", "incomplete_expired"] {
        let over = list("subscriptions", &[item(status)], PLAIN);
        assert!(!over.contains("cancels then"), "{over}");
    }
}

#[test]
fn a_subscription_shows_its_first_item() {
    check(
        "subscriptions",
        &[json!({"id": "sub_1", "items": [{"price": "price_1", "quantity": 3}, {"price": "price_2"}]})],
        "ID     PRICE       QUANTITY\nsub_1  price_1 +1  3 +1\n",
    );
}
