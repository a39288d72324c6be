//! Shows a phone number the way people in Kenya write it. Takes the twelve digits that are stored.

/// `0712 ••• 678`: enough for its owner to know it, too little for anybody else.
pub fn masked(digits: &str) -> String {
    match national(digits) {
        Some((start, _, end)) => format!("0{start} ••• {end}"),
        None => String::new(),
    }
}

/// `0712 345 678`.
pub fn whole(digits: &str) -> String {
    match national(digits) {
        Some((start, middle, end)) => format!("0{start} {middle} {end}"),
        None => String::new(),
    }
}

/// The three groups of three digits behind `254`.
fn national(digits: &str) -> Option<(&str, &str, &str)> {
    let rest = digits.strip_prefix("254").filter(|rest| rest.len() == 9)?;
    Some((rest.get(..3)?, rest.get(3..6)?, rest.get(6..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_people_write_them() {
        assert_eq!(masked("254712345678"), "0712 ••• 678");
        assert_eq!(whole("254110345678"), "0110 345 678");
        assert_eq!(masked("12"), "");
    }
}
