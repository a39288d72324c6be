//! Lists longer than a page.

use netily_sdk::Error;

/// The most that the server puts on a page.
const PAGE: usize = 200;

/// The first page with the items of the next ones added, until there are `limit` or no more. Its page token is then
/// that of the rest.
pub async fn read<A, T>(
    limit: u32,
    parts: fn(&mut A) -> (&mut Vec<T>, &mut String),
    mut page: impl AsyncFnMut(i32, String) -> Result<A, Error>,
) -> Result<A, Error> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let size = |missing: usize| i32::try_from(missing.min(PAGE)).unwrap_or(i32::MAX);
    let mut whole = page(size(limit), String::new()).await?;
    loop {
        let (items, token) = parts(&mut whole);
        if token.is_empty() || items.len() >= limit {
            return Ok(whole);
        }
        let mut next = page(size(limit - items.len()), std::mem::take(token)).await?;
        let (more, next_token) = parts(&mut next);
        items.append(more);
        *token = std::mem::take(next_token);
    }
}

/// What to say when the list goes on.
pub fn more(token: &str) -> &'static str {
    if token.is_empty() { "" } else { "There are more; see --limit.\n" }
}

#[cfg(test)]
mod tests {
    use netily_sdk::platform::{Isp, ListIspsResponse};

    use super::*;

    async fn slugs(limit: u32) -> (Vec<String>, String) {
        let page = async |size: i32, token: String| {
            let first: usize = token.parse().unwrap_or(0);
            let last = (first + usize::try_from(size.min(2)).expect("a size")).min(5);
            let isps = (first..last).map(|slug| Isp { slug: slug.to_string(), ..Default::default() }).collect();
            let next_page_token = if last < 5 { last.to_string() } else { String::new() };
            Ok(ListIspsResponse { isps, next_page_token })
        };
        let read = read(limit, |answer| (&mut answer.isps, &mut answer.next_page_token), page);
        let whole = read.await.expect("a list");
        (whole.isps.into_iter().map(|isp| isp.slug).collect(), whole.next_page_token)
    }

    #[tokio::test]
    async fn pages_are_joined_up_to_the_limit() {
        assert_eq!(slugs(100).await, (["0", "1", "2", "3", "4"].map(str::to_owned).to_vec(), String::new()));
        assert_eq!(slugs(3).await, (["0", "1", "2"].map(str::to_owned).to_vec(), "3".to_owned()));
    }
}
