//! The kinds of object that Billfold folds.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($variant:ident = $code:literal, $object:literal, $doc:literal;)+) => {
        /// What an object is. The code is stored; it never changes once released.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum ObjectKind {
            $(#[doc = $doc] $variant = $code,)+
        }

        impl ObjectKind {
            /// Every kind, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The provider's word in the field `object`.
            #[must_use]
            pub const fn object(self) -> &'static str {
                match self { $(Self::$variant => $object,)+ }
            }

            /// The kind behind the provider's word.
            #[must_use]
            pub fn from_object(object: &str) -> Option<Self> {
                match object { $($object => Some(Self::$variant),)+ _ => None }
            }

            /// The kind behind a stored code.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// The stored code.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }
        }
    };
}

kinds! {
    Customer = 1, "customer", "A buyer.";
    Subscription = 2, "subscription", "A customer's plan.";
    Invoice = 3, "invoice", "What is owed for a period.";
    InvoicePayment = 4, "invoice_payment", "The link between an invoice and what paid it.";
    CheckoutSession = 5, "checkout.session", "A hosted purchase.";
    PaymentIntent = 6, "payment_intent", "One purpose of payment over all its attempts.";
    Charge = 7, "charge", "One attempt to move money.";
    Refund = 8, "refund", "Money going back.";
    Dispute = 9, "dispute", "A chargeback or an inquiry before one.";
    PaymentMethod = 10, "payment_method", "A card or account to pay with.";
    Product = 11, "product", "What is sold.";
    Price = 12, "price", "What it costs.";
    CreditNote = 13, "credit_note", "A correction of an invoice.";
    SetupIntent = 14, "setup_intent", "A payment method being set up.";
    Entitlements = 15, "entitlements.active_entitlement_summary", "What a customer may use, by feature.";
    SubscriptionSchedule = 16, "subscription_schedule", "Planned phases of a subscription.";
    Discount = 17, "discount", "A coupon at work.";
    EarlyFraudWarning = 18, "radar.early_fraud_warning", "An issuer's hint of fraud.";
    Review = 19, "review", "A payment under manual review.";
    TestClock = 20, "test_helpers.test_clock", "Simulated time in test mode.";
}

impl fmt::Debug for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object())
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object())
    }
}
