//! The words by which staff find a customer. A search finds whom each of its words begins a word of; capital letters, accents
//! and the way a phone number is written make no difference.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::store::Customer;
use crate::auth::User;
use crate::db::Tx;
use crate::error::Result;
use crate::id::{CustomerId, IspId};
use crate::schema::{customer, customer_search, functions, user_account};

/// What of a customer can be searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Searchable<'a> {
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
    /// Twelve digits.
    pub phone: Option<&'a str>,
    /// E-mail address.
    pub email: Option<&'a str>,
    /// `CUST-0001`.
    pub code: &'a str,
}

/// Writes the words of a customer anew, from the row and the account as they are now. To be called after each change of them.
pub async fn write(tx: &mut Tx, isp: IspId, id: CustomerId) -> Result<()> {
    let account = user_account::tenant_id.eq(customer::tenant_id).and(user_account::id.eq(customer::user_id));
    let (code, first, last, phone, email): (String, String, String, Option<String>, Option<String>) = customer::table
        .inner_join(user_account::table.on(account))
        .filter(customer::tenant_id.eq(isp).and(customer::id.eq(id)))
        .select((customer::customer_code, user_account::first_name, user_account::last_name, user_account::phone, user_account::email))
        .first(&mut **tx)
        .await?;
    let of = Searchable { first_name: &first, last_name: &last, phone: phone.as_deref(), email: email.as_deref(), code: &code };
    let mine = customer_search::table.filter(customer_search::tenant_id.eq(isp).and(customer_search::customer_id.eq(id)));
    diesel::delete(mine).execute(&mut **tx).await?;
    insert(tx, isp, id, &of).await
}

/// Writes the words of a customer who has none yet.
pub(super) async fn write_first(tx: &mut Tx, isp: IspId, customer: &Customer, user: &User) -> Result<()> {
    let (phone, email, code) = (user.phone.as_deref(), user.email.as_deref(), &customer.customer_code);
    insert(tx, isp, customer.id, &Searchable { first_name: &user.first_name, last_name: &user.last_name, phone, email, code }).await
}

async fn insert(tx: &mut Tx, isp: IspId, id: CustomerId, of: &Searchable<'_>) -> Result<()> {
    // A function, since diesel keeps no plan of an insert of many rows.
    diesel::select(functions::add_words(isp, id, Vec::from_iter(words(of)))).execute(&mut **tx).await?;
    Ok(())
}

/// The words that are stored of a customer.
pub fn words(of: &Searchable<'_>) -> BTreeSet<String> {
    let names = [of.first_name, of.last_name].into_iter().flat_map(|name| name.split(|c: char| c.is_whitespace() || c == '-'));
    let mut words: BTreeSet<String> = names.chain([of.code]).chain(of.email).map(fold).filter(|word| !word.is_empty()).collect();
    if let Some(national) = of.phone.and_then(|phone| phone.strip_prefix("254")) {
        words.extend([format!("254{national}"), format!("0{national}"), national.to_owned()]);
    }
    if let Some(number) = of.code.strip_prefix("CUST-") {
        words.extend([number.to_owned(), number.trim_start_matches('0').to_owned()]);
    }
    words
}

/// What to look for, of what somebody typed: beginnings of words, each of which must be found. Empty finds everybody.
pub fn wanted(typed: &str) -> Vec<String> {
    let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '+' | '-' | '(' | ')' | '\u{a0}')).collect();
    if digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return vec![digits]; // a phone number is one word, however it is cut
    }
    typed.split_whitespace().map(fold).filter(|word| !word.is_empty()).take(6).collect()
}

/// The range of words that begin so: from the first on, and below the second.
pub fn range(beginning: &str) -> (String, String) {
    (beginning.to_owned(), format!("{beginning}{}", char::MAX))
}

/// Small letters without accents and apostrophes.
fn fold(word: &str) -> String {
    word.nfkd().filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’' | '`')).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> bool {
        let of = Searchable {
            first_name: "José Mary-Anne",
            last_name: "Ng'ang’a",
            phone: Some("254712345678"),
            email: Some("jose+home@yellow.example"),
            code: "CUST-0042",
        };
        let words = words(&of);
        wanted(typed).iter().all(|beginning| {
            let (first, end) = range(beginning);
            words.iter().any(|word| *word >= first && *word < end)
        })
    }

    #[test]
    fn the_beginning_of_any_word_finds_however_it_is_written() {
        for typed in [
            "jos",
            "JOSÉ",
            "jose",
            "mary",
            "anne",
            "nganga",
            "Ng'ang'a",
            "jose nga",
            "nga jos",
            "0712",
            "0712 345 678",
            "+254 712",
            "254712345678",
            "712345",
            "CUST-0042",
            "cust-00",
            "0042",
            "42",
            "jose+home@",
            "",
        ] {
            assert!(found(typed), "{typed:?}");
        }
        for typed in ["osé", "josex", "0713", "jose kamau", "cust-0043", "home@yellow", "43"] {
            assert!(!found(typed), "{typed:?}");
        }
    }
}
