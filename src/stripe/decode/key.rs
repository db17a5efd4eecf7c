//! The names that are read of an object, at any depth. Every other name is skipped unread.
//!
//! A value can only be asked for by a [`Key`], so nothing can be asked for that was not kept.

/// Declares the names; a name that is a word of the language gives its text apart.
macro_rules! keys {
    (@text $name:ident $text:literal) => { $text };
    (@text $name:ident) => { stringify!($name) };
    ($($name:ident $(= $text:literal)?),+ $(,)?) => {
        /// A name that is kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(non_camel_case_types, reason = "the names as they stand in the text")]
        #[repr(u8)]
        pub(super) enum Key { $($name),+ }

        /// Every name, in the order of its number.
        const NAMES: &[(&str, Key)] = &[$((keys!(@text $name $($text)?), Key::$name)),+];
    };
}

keys! {
    account_balance, actionable, active, address, amount, amount_capturable, amount_captured, amount_due,
    amount_overpaid, amount_paid, amount_paid_off_stripe, amount_received, amount_refunded, amount_remaining,
    amount_requested, amount_subtotal, amount_total, attempt_count, attempted, auto_advance, balance,
    balance_transaction, balance_transactions, behavior, billing, billing_cycle_anchor, billing_mode, billing_reason,
    billing_scheme, brand, cancel_at, cancel_at_period_end, canceled_at, cancellation_details, cancellation_reason,
    capture_method, captured, card, case_type, charge, charges, client_reference_id, closed_reason, code,
    collection_method, completed_at, country, coupon, created, currency, current_period_end, current_period_start,
    current_phase, customer, customer_balance_transaction, customer_details, customer_email, data, date,
    days_until_due, decline_code, default_payment_method, default_price, default_source, deleted, deletes_after,
    delinquent, description, destination_details, discount, discounts, dispute, disputed, due_by, due_date, email,
    end, end_behavior, end_date, ended_at, ending_balance, entitlements, evidence_details, exp_month, exp_year,
    expires_at, failure_balance_transaction, failure_code, failure_reason, feature, fee, finalized_at, fraud_type,
    from_invoice, frozen_time, funding, has_evidence, has_more, id, interval, interval_count, invoice,
    invoice_item_details, invoice_settings, is_charge_refundable, is_default, items, last4, last_payment_error,
    last_setup_error, latest_attempt, latest_charge, latest_invoice, latest_revision, lines, lookup_key,
    marked_uncollectible_at, metadata, mode, name, network_reason_code, next_action, next_payment_attempt, nickname,
    number, object, open, out_of_band_amount, outcome, paid, paid_at, paid_out_of_band, parent, past_due,
    pause_collection, payment, payment_intent, payment_link, payment_method, payment_method_details, payment_record,
    payment_status, payments, pending_reason, pending_setup_intent, pending_update, period, period_end, period_start,
    phases, phone, plan, plans, post_payment_credit_notes_amount, pre_payment_credit_notes_amount, price,
    price_details, pricing, product, promotion_code, proration, quantity, quote, quote_details, reason, recurring,
    reference_status, refund, refunded, refunds, released_at, released_subscription, resumes_at, risk_level,
    schedule, setup_future_usage, setup_intent, source, start, start_date, starting_balance, status,
    status_transitions, submission_count, subscription, subscription_details, subscription_item,
    subscription_item_details, subtotal, tax, tax_exempt, test_clock, tiers_mode, total, total_tax_amounts,
    total_taxes, trial_end, trial_start, r#type = "type", unit_amount, unit_amount_decimal, updated, usage,
    usage_type, voided_at,
}

impl Key {
    /// The name of that text, if it is kept. One look into a table, one comparison.
    pub(super) fn find(text: &str) -> Option<Self> {
        let mut slot = slot_of(text.as_bytes());
        while let Some(&Some((name, key))) = TABLE.get(slot) {
            if name == text {
                return Some(key);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }

    /// Whether the value is only ever a reference: an id, a whole object of which the id is read, or a list of these.
    pub(super) const fn is_reference(self) -> bool {
        matches!(
            self,
            Self::balance_transaction
                | Self::charge
                | Self::charges
                | Self::coupon
                | Self::customer
                | Self::customer_balance_transaction
                | Self::default_payment_method
                | Self::default_price
                | Self::default_source
                | Self::discount
                | Self::discounts
                | Self::dispute
                | Self::failure_balance_transaction
                | Self::invoice
                | Self::latest_attempt
                | Self::latest_charge
                | Self::latest_invoice
                | Self::latest_revision
                | Self::payment_intent
                | Self::payment_link
                | Self::payment_method
                | Self::payment_record
                | Self::pending_setup_intent
                | Self::product
                | Self::promotion_code
                | Self::quote
                | Self::refund
                | Self::released_subscription
                | Self::schedule
                | Self::setup_intent
                | Self::subscription
                | Self::subscription_item
                | Self::test_clock
        )
    }

    /// The name's number, below 256.
    pub(super) const fn number(self) -> u8 {
        self as u8
    }
}

/// Five times the names: most foreign names meet an empty slot at once.
const SLOTS: usize = 1024;

static TABLE: [Option<(&str, Key)>; SLOTS] = table();

#[expect(clippy::indexing_slicing, reason = "at compile time, where a panic is a compile error")]
#[expect(clippy::large_stack_arrays, reason = "at compile time, on no stack of ours")]
const fn table() -> [Option<(&'static str, Key)>; SLOTS] {
    let mut table = [None; SLOTS];
    let mut index = 0;
    while index < NAMES.len() {
        let mut slot = slot_of(NAMES[index].0.as_bytes());
        while table[slot].is_some() {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = Some(NAMES[index]);
        index += 1;
    }
    table
}

/// Names differ in their length, ends and middle; multiplying spreads the difference over the upper bits.
#[expect(
    clippy::indexing_slicing,
    reason = "the middle of a text that is not empty; const code knows no `get`"
)]
const fn slot_of(text: &[u8]) -> usize {
    let (Some(first), Some(last)) = (text.first(), text.last()) else {
        return 0;
    };
    let middle = text[text.len() / 2];
    let length = text.len().to_le_bytes()[0];
    let mixed = u32::from_le_bytes([*first, middle, *last, length]).wrapping_mul(0x9E37_79B1);
    (mixed >> 22) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        for (number, &(name, key)) in NAMES.iter().enumerate() {
            assert_eq!(Key::find(name), Some(key), "{name}");
            assert_eq!(usize::from(key.number()), number, "{name}");
            assert_eq!(Key::find(&format!("{name}_")), None, "{name}_");
        }
        assert_eq!(Key::find(""), None);
        assert_eq!(Key::find("livemode"), None, "the envelope says it");
    }
}
