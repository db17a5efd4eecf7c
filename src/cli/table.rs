//! Lists as tables: which columns a list has, and how wide the terminal is.
//!
//! Columns are data. A column that is empty in every row is left out.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table};
use serde_json::Value;

use super::view;

/// The narrowest terminal that tables are fitted to, in columns; what says it is narrower does not know.
const WIDTH_MIN: u16 = 20;

/// What a table is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether colours and bold text are seen.
    pub(super) colours: bool,
    /// How many columns there are; none for a pipe or a file, where lines may be of any length.
    pub(super) width: Option<u16>,
}

impl Look {
    /// What standard output is.
    pub(super) fn of_stdout(colours: bool) -> Self {
        Self { colours, width: Table::new().width().filter(|width| *width >= WIDTH_MIN) }
    }
}

/// How a column reads its cell out of an item.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    /// A text, number or flag.
    Plain(&'static str),
    /// The first of these that has something to show.
    FirstOf(&'static [&'static str]),
    /// A time.
    Time(&'static str),
    /// An amount.
    Money(&'static str),
    /// An amount, nothing for zero.
    MoneyIfAny(&'static str),
    /// The member of the first item, and how many more there are.
    FirstItem(&'static str),
    /// A member of a member.
    Inner(&'static str, &'static str),
    /// A word where a flag is set.
    Flag(&'static str, &'static str),
    /// A word where a flag is set and the status is none of these: what has ended does not end then.
    FlagUnless(&'static str, &'static [&'static str], &'static str),
    /// A word where a flag is not set.
    UnlessFlag(&'static str, &'static str),
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    read: Read,
}

const fn column(title: &'static str, read: Read) -> Column {
    Column { title, read }
}

const ID: Column = column("ID", Read::Plain("id"));
const STATUS: Column = column("STATUS", Read::Plain("status"));
const CUSTOMER: Column = column("CUSTOMER", Read::Plain("customer"));
const AMOUNT: Column = column("AMOUNT", Read::Money("amount"));
const CREATED: Column = column("CREATED", Read::Time("created"));
const PAYMENT: Column = column("PAYMENT", Read::FirstOf(&["payment_intent", "charge"]));
const REASON: Column = column("REASON", Read::Plain("reason"));

/// What every list ends with; mostly empty, then left out.
const LAST: &[Column] = &[
    column("MODE", Read::UnlessFlag("livemode", "test")),
    column("ACCOUNT", Read::Plain("account")),
    column("NOTE", Read::Flag("ambiguous", "ambiguous")),
];

const CUSTOMERS: &[Column] = &[
    ID,
    STATUS,
    column("EMAIL", Read::Plain("email")),
    column("NAME", Read::Plain("name")),
    column("BALANCE", Read::MoneyIfAny("balance")),
    CREATED,
];

/// The statuses of a subscription that is over.
const SUBSCRIPTION_ENDS: &[&str] = &["canceled", "incomplete_expired"];

const SUBSCRIPTIONS: &[Column] = &[
    ID,
    STATUS,
    CUSTOMER,
    column("PRICE", Read::FirstItem("price")),
    column("QUANTITY", Read::FirstItem("quantity")),
    column("PERIOD END", Read::Time("current_period_end")),
    column("CANCEL AT", Read::Time("cancel_at")),
    column("", Read::FlagUnless("cancel_at_period_end", SUBSCRIPTION_ENDS, "cancels then")),
    CREATED,
];

const INVOICES: &[Column] = &[
    ID,
    column("NUMBER", Read::Plain("number")),
    STATUS,
    CUSTOMER,
    column("TOTAL", Read::Money("total")),
    column("PAID", Read::MoneyIfAny("amount_paid")),
    column("REMAINING", Read::MoneyIfAny("amount_remaining")),
    CREATED,
];

const PAYMENTS: &[Column] = &[
    ID,
    STATUS,
    CUSTOMER,
    AMOUNT,
    column("REFUNDED", Read::MoneyIfAny("amount_refunded")),
    column("DISPUTED", Read::MoneyIfAny("amount_disputed")),
    column("FAILURE", Read::Plain("failure_code")),
    CREATED,
];

const REFUNDS: &[Column] = &[ID, STATUS, AMOUNT, REASON, PAYMENT, CREATED];

const DISPUTES: &[Column] =
    &[ID, STATUS, AMOUNT, REASON, column("DUE BY", Read::Time("due_by")), PAYMENT, CREATED];

const EVENTS: &[Column] = &[
    ID,
    column("TYPE", Read::Plain("type")),
    column("OUTCOME", Read::Plain("outcome")),
    column("OBJECT", Read::Inner("object", "id")),
    CREATED,
    column("RECEIVED", Read::Time("received_at")),
];

const OBSERVATIONS: &[Column] = &[
    column("EVENT", Read::Plain("event")),
    CREATED,
    column("TYPE", Read::Plain("type")),
    STATUS,
    column("CHANGED", Read::Plain("changed")),
    column("WHY", Read::Plain("why")),
    column("LOG", Read::Plain("position")),
    column("RECEIVED", Read::Time("received_at")),
];

const CONFLICTS: &[Column] =
    &[ID, column("SEEN", Read::Time("seen_at")), column("OTHER BODY", Read::Plain("other_sha256"))];

const PRODUCTS: &[Column] =
    &[ID, column("NAME", Read::Plain("name")), column("ACTIVE", Read::Plain("active")), CREATED];

const PRICES: &[Column] = &[
    ID,
    column("PRODUCT", Read::Plain("product")),
    column("UNIT AMOUNT", Read::Money("unit_amount")),
    column("EVERY", Read::Plain("interval")),
    column("LOOKUP KEY", Read::Plain("lookup_key")),
    column("ACTIVE", Read::Plain("active")),
    CREATED,
];

const OTHERS: &[Column] = &[ID, STATUS, CUSTOMER, AMOUNT, CREATED];

/// The columns of a list, by its word in the API's paths.
fn columns(collection: &str) -> &'static [Column] {
    match collection {
        "customers" => CUSTOMERS,
        "subscriptions" => SUBSCRIPTIONS,
        "invoices" => INVOICES,
        "payments" => PAYMENTS,
        "refunds" => REFUNDS,
        "disputes" => DISPUTES,
        "events" => EVENTS,
        "observations" => OBSERVATIONS,
        "conflicts" => CONFLICTS,
        "products" => PRODUCTS,
        "prices" => PRICES,
        _ => OTHERS,
    }
}

/// A table of a page of a list.
pub(super) fn list(collection: &str, items: &[Value], look: Look) -> String {
    let colours = look.colours;
    let columns: Vec<&Column> = columns(collection).iter().chain(LAST).collect();
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| columns.iter().map(|column| column.read.cell(item)).collect()).collect();
    let used: Vec<bool> = (0..columns.len())
        .map(|index| rows.iter().any(|row| row.get(index).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let mut table = empty(look);
    table.set_header(kept(&columns, &used).map(|column| title(column.title, colours)));
    for row in &rows {
        table.add_row(
            kept(row, &used).zip(kept(&columns, &used)).map(|(cell, column)| column.styled(cell, colours)),
        );
    }
    finish(table)
}

/// A table of rows that are already text. The first column names, the others are values.
pub(super) fn rows(header: &[&str], rows: &[Vec<String>], look: Look) -> String {
    aligned(header, rows, CellAlignment::Right, look)
}

/// A table of words.
pub(super) fn texts(header: &[&str], rows: &[Vec<String>], look: Look) -> String {
    aligned(header, rows, CellAlignment::Left, look)
}

/// The first column is left-aligned, the others as said.
fn aligned(header: &[&str], rows: &[Vec<String>], others: CellAlignment, look: Look) -> String {
    let mut table = empty(look);
    table.set_header(header.iter().map(|text| title(text, look.colours)));
    for row in rows {
        table.add_row(row.iter().enumerate().map(|(index, text)| {
            let alignment = if index == 0 { CellAlignment::Left } else { others };
            let cell = Cell::new(view::clean(text)).set_alignment(alignment);
            match colour(text) {
                Some(colour) if look.colours => cell.fg(colour),
                _ => cell,
            }
        }));
    }
    finish(table)
}

fn kept<'a, T>(cells: &'a [T], used: &'a [bool]) -> impl Iterator<Item = &'a T> {
    cells.iter().zip(used).filter(|(_, used)| **used).map(|(cell, _)| cell)
}

fn empty(look: Look) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    // Colours were decided on already: cells have them or not.
    if look.colours {
        table.enforce_styling();
    }
    table
}

fn finish(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // What is copied to the next command stays in one piece.
    if let Some(first) = table.column_mut(0) {
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

fn title(text: &str, colours: bool) -> Cell {
    let cell = Cell::new(text);
    if colours { cell.add_attribute(Attribute::Bold) } else { cell }
}

impl Column {
    fn styled(&self, text: &str, colours: bool) -> Cell {
        let cell = Cell::new(text);
        match self.read {
            Read::Money(_) | Read::MoneyIfAny(_) => cell.set_alignment(CellAlignment::Right),
            Read::Plain("status" | "outcome") if colours => match colour(text) {
                Some(colour) => cell.fg(colour),
                None => cell,
            },
            Read::Flag(..) | Read::UnlessFlag(..) if colours => cell.fg(Color::Yellow),
            _ => cell,
        }
    }
}

impl Read {
    fn cell(self, item: &Value) -> String {
        match self {
            Self::Plain(name) => view::plain(item, name),
            Self::FirstOf(names) => names
                .iter()
                .map(|name| view::plain(item, name))
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
            Self::Time(name) => view::time(item, name),
            Self::Money(name) => view::money(item, name),
            Self::MoneyIfAny(name) => match item.get(name).and_then(Value::as_i64) {
                Some(0) | None => String::new(),
                Some(_) => view::money(item, name),
            },
            Self::FirstItem(name) => first_item(item, name),
            Self::Inner(outer, name) => {
                item.get(outer).map(|inner| view::plain(inner, name)).unwrap_or_default()
            }
            Self::Flag(name, word) => word_if(item.get(name) == Some(&Value::Bool(true)), word),
            Self::FlagUnless(name, statuses, word) => {
                let status = item.get("status").and_then(Value::as_str).unwrap_or_default();
                word_if(item.get(name) == Some(&Value::Bool(true)) && !statuses.contains(&status), word)
            }
            Self::UnlessFlag(name, word) => word_if(item.get(name) == Some(&Value::Bool(false)), word),
        }
    }
}

fn word_if(condition: bool, word: &str) -> String {
    if condition { word.to_owned() } else { String::new() }
}

fn first_item(item: &Value, name: &str) -> String {
    let items = item.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some((first, rest)) = items.split_first() else { return String::new() };
    let text = view::plain(first, name);
    if rest.is_empty() || text.is_empty() { text } else { format!("{text} +{}", rest.len()) }
}

/// Good, waiting, bad: for the eye alone. A word that is not known has no colour.
pub(super) fn colour(word: &str) -> Option<Color> {
    match word {
        "active" | "trialing" | "paid" | "succeeded" | "won" | "complete" | "available" | "folded"
        | "allowed" | "issued" => Some(Color::Green),
        "past_due"
        | "open"
        | "processing"
        | "requires_action"
        | "requires_payment_method"
        | "requires_confirmation"
        | "requires_capture"
        | "authorized"
        | "pending"
        | "paused"
        | "incomplete"
        | "partially_refunded"
        | "under_review"
        | "needs_response"
        | "warning_needs_response"
        | "warning_under_review"
        | "grace"
        | "unreadable"
        | "quarantined" => Some(Color::Yellow),
        "unpaid" | "canceled" | "failed" | "disputed" | "charged_back" | "lost" | "uncollectible"
        | "incomplete_expired" | "denied" => Some(Color::Red),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
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
}
