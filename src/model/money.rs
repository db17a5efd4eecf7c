//! Money: whole minor units of one currency, and arithmetic that refuses to be wrong.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A currency as the provider writes it: a short lower-case code (`usd`). Unknown codes are kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct Currency(Box<str>);

impl Currency {
    /// Keeps the code in lower case.
    #[must_use]
    pub fn new(code: &str) -> Self {
        Self(code.to_ascii_lowercase().into())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many digits stand behind the point when an amount is shown.
    ///
    /// Stripe's own table: ISK, UGX, HUF and TWD are charged with two.
    #[must_use]
    pub fn exponent(&self) -> u32 {
        match &*self.0 {
            "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd" | "vuv"
            | "xaf" | "xof" | "xpf" => 0,
            "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An amount in the smallest unit of its currency. May be negative.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units (cents).
    pub minor_units: i64,
    /// Of which currency.
    pub currency: Currency,
}

impl Money {
    /// The sum, or none when the currencies differ or it does not fit.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Some(Self {
            minor_units: self.minor_units.checked_add(other.minor_units)?,
            currency: self.currency.clone(),
        })
    }
}

impl fmt::Display for Money {
    /// `12.34 usd`: for people; programs read the minor units.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.minor_units < 0 { "-" } else { "" };
        let units = self.minor_units.unsigned_abs();
        let (whole, rest) = (units / unit, units % unit);
        if exponent == 0 {
            write!(f, "{sign}{whole} {}", self.currency)
        } else {
            let width = exponent as usize;
            write!(f, "{sign}{whole}.{rest:0width$} {}", self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(minor_units: i64, currency: &str, shown: &str) {
        let money = Money { minor_units, currency: Currency::new(currency) };
        assert_eq!(money.to_string(), shown);
    }

    #[test]
    fn amounts_are_shown_in_major_units() {
        check(1_234, "usd", "12.34 usd");
        check(-5, "EUR", "-0.05 eur");
        check(500, "jpy", "500 jpy");
        check(1_230, "bhd", "1.230 bhd");
        check(500, "isk", "5.00 isk");
        check(i64::MIN, "usd", "-92233720368547758.08 usd");
    }

    #[test]
    fn currencies_do_not_add_up() {
        let usd = Money { minor_units: 1, currency: Currency::new("usd") };
        let eur = Money { minor_units: 1, currency: Currency::new("eur") };
        assert_eq!(usd.checked_add(&eur), None);
        assert_eq!(usd.checked_add(&usd).map(|sum| sum.minor_units), Some(2));
    }
}
