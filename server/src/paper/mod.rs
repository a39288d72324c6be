//! Papers to be printed: invoices, receipts, statements. Pure: words in, a PDF out. What stands on one is decided by whose paper it is.

#![expect(clippy::float_arithmetic, reason = "places on a page, in points; amounts come as text")]

mod layout;
mod letters;
mod pdf;
pub mod token;

pub use pdf::render;

/// Who issues a paper.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// In large letters.
    pub name: String,
    /// `#rrggbb`; anything else is a dark grey.
    pub color: String,
    /// Phone, e-mail address, number at the revenue authority.
    pub lines: Vec<String>,
}

/// A column of the table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Above it.
    pub title: &'static str,
    /// Its part of the width; the parts are added up.
    pub width: f32,
    /// Amounts stand at the right edge.
    pub right: bool,
}

/// A paper.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Who issues it.
    pub issuer: Issuer,
    /// What it is: `Invoice`.
    pub title: String,
    /// Its number or time.
    pub number: String,
    /// Small facts at the top, in two columns.
    pub facts: Vec<(String, String)>,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with a text for each column.
    pub rows: Vec<Vec<String>>,
    /// Below the table, at the right; the last one is the one that counts.
    pub totals: Vec<(String, String)>,
    /// At the end.
    pub notes: Vec<String>,
    /// In large letters beside the totals: `PAID`.
    pub stamp: Option<String>,
    /// The address of the page that confirms it, as a QR code.
    pub check: Option<String>,
}
