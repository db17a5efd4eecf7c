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
mod tests;
