//! Answers for people: columns under headings, or one field a line. Widths count characters.

/// Columns under headings; without rows, the sentence that says so.
pub fn rows<const N: usize>(headings: [&str; N], rows: &[[String; N]], none: &str) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(headings[column])]).max().unwrap_or_default()
    });
    let head = headings.map(str::to_uppercase);
    std::iter::once(&head).chain(rows).map(|row| line(row, &widths)).collect()
}

/// One field a line, the empty ones left out.
pub fn fields(fields: &[(&str, String)]) -> String {
    let shown = || fields.iter().filter(|(_, value)| !value.is_empty());
    let widest = shown().map(|(name, _)| width(name)).max().unwrap_or_default();
    shown().map(|(name, value)| line(&[(*name).to_owned(), value.clone()], &[widest, 0])).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}"));
    format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let cells = |row: [&str; 2]| row.map(str::to_owned);
        let shown = rows(["slug", "name"], &[cells(["yellow", "Gelb • Netz"]), cells(["b", "Blue"])], "None.");
        assert_eq!(shown, "SLUG    NAME\nyellow  Gelb • Netz\nb       Blue\n");
        assert_eq!(rows::<1>(["slug"], &[], "No ISPs."), "No ISPs.\n");
    }

    #[test]
    fn empty_fields_are_left_out() {
        let shown = fields(&[("id", "1".to_owned()), ("problem", String::new()), ("name", "x".to_owned())]);
        assert_eq!(shown, "id    1\nname  x\n");
    }
}
