//! A figure against another one and a limit.

use std::fmt;

/// Whether more or less is better.
pub enum Limit {
    /// The ratio must be at least this.
    AtLeast(f64),
    /// The ratio must be at most this.
    AtMost(f64),
}

/// What was measured.
pub struct Verdict {
    pub what: &'static str,
    pub measured: f64,
    pub against: f64,
    pub limit: Limit,
}

#[expect(clippy::float_arithmetic, reason = "rates and times, never money")]
impl Verdict {
    fn ratio(&self) -> f64 {
        self.measured / self.against
    }

    /// Whether the limit is kept.
    pub fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(limit) => self.ratio() >= limit,
            Limit::AtMost(limit) => self.ratio() <= limit,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = match self.limit {
            Limit::AtLeast(limit) => format!(">={limit:.2}"),
            Limit::AtMost(limit) => format!("<={limit:.2}"),
        };
        let verdict = if self.holds() { "" } else { "  MISSED" };
        write!(f, "{:<58} {:>12.2} {:>12.2} {:>8.2} {limit:>8}{verdict}", self.what, self.measured, self.against, self.ratio())
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which 95 of 100 lie.
pub fn p95(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * 95).div_ceil(100) - 1]
}

/// The value below which 99 of 100 lie.
pub fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * 99).div_ceil(100) - 1]
}
