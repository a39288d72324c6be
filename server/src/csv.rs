//! Rows of CSV as spreadsheets read them. A text never becomes a formula: one that begins like one gets an apostrophe.

use crate::clock::{Time, in_kenya};
use crate::money::Money;

/// What CSV is called on the wire.
pub const CSV: &str = "text/csv; charset=utf-8";

/// A text that somebody may have typed.
pub fn text(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains(['"', ',', '\r', '\n', ';']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// An amount in shillings with two decimals and no grouping, so that programs read it.
pub fn amount(amount: Money) -> String {
    amount.to_string().replace(',', "")
}

/// A moment on Kenya's clocks; empty when there is none.
pub fn time(at: Option<Time>) -> String {
    at.map(|at| in_kenya(at).to_rfc3339_opts(chrono::SecondsFormat::Secs, false)).unwrap_or_default()
}

/// A row of cells that are written already.
pub fn row<const N: usize>(cells: [String; N]) -> String {
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_a_text() {
        let table = [
            ("=1+1", "'=1+1"),
            ("+254", "'+254"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("Asha, \"the\" first", "\"Asha, \"\"the\"\" first\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("CHQ 9", "CHQ 9"),
        ];
        for (given, written) in table {
            assert_eq!(text(given), written);
        }
        assert_eq!(amount(Money::from_minor(-150_050)), "-1500.50");
    }

    proptest! {
        #[test]
        fn no_cell_begins_like_a_formula_and_no_cell_breaks_its_row(given in ".*") {
            let cell = text(&given);
            let inside = cell.strip_prefix('"').unwrap_or(&cell);
            prop_assert!(!inside.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
            let quoted = cell.len() > 1 && cell.starts_with('"') && cell.ends_with('"');
            prop_assert!(quoted || !cell.contains([',', '\r', '\n', '"']));
        }
    }
}
