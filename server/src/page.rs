//! Pages of lists: sizes are clamped, tokens are opaque keyset cursors over (created_at, id), newest first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The last row of the page before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When that row was created.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageAsk {
    /// How many rows, 1 to 200.
    pub size: i64,
    /// After which row; the first page when there is none.
    pub after: Option<Cursor>,
}

impl PageAsk {
    /// Reads `page_size` and `page_token`. 0 means 50; more than 200 means 200.
    pub fn read(page_size: i32, page_token: &str) -> Result<PageAsk> {
        let size = match page_size {
            ..0 => return Err(Error::field("page_size", "must not be negative")),
            0 => 50,
            _ => i64::from(page_size.min(200)),
        };
        let after = if page_token.is_empty() {
            None
        } else {
            Some(Cursor::decode(page_token).ok_or_else(|| Error::field("page_token", "must be a token of the page before"))?)
        };
        Ok(PageAsk { size, after })
    }

    /// The cursor to compare with in SQL: every row is before the end of time.
    pub fn before(&self) -> Cursor {
        self.after.unwrap_or(Cursor { at: DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC), id: Uuid::max() })
    }

    /// Cuts `rows` (fetched with one more than `size`) to a page and makes the token of the next one.
    pub fn cut<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> Cursor) -> (Vec<T>, String) {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return (rows, String::new());
        }
        rows.truncate(size);
        let next = rows.last().map(|row| cursor(row).encode()).unwrap_or_default();
        (rows, next)
    }
}

impl Cursor {
    fn encode(self) -> String {
        let mut bytes = self.at.timestamp_micros().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(token: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (micros, id) = bytes.split_at_checked(8)?;
        Some(Cursor { at: DateTime::from_timestamp_micros(i64::from_be_bytes(micros.try_into().ok()?))?, id: Uuid::from_slice(id).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_clamped_and_tokens_read_back() {
        assert_eq!(PageAsk::read(0, "").map(|ask| ask.size).ok(), Some(50));
        assert_eq!(PageAsk::read(9_999, "").map(|ask| ask.size).ok(), Some(200));
        assert!(PageAsk::read(-1, "").is_err());
        assert!(PageAsk::read(10, "nonsense").is_err());
        let cursor = Cursor { at: DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time"), id: Uuid::new_v4() };
        let ask = PageAsk::read(1, "").expect("a page");
        let (page, next) = ask.cut(vec![cursor, cursor], |row| *row);
        assert_eq!(page.len(), 1);
        assert_eq!(PageAsk::read(1, &next).expect("a page").after, Some(cursor));
    }
}
