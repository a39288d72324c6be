//! Where everything stands on A4 pages. Pure; coordinates are points from the top left.

use qrcodegen::{QrCode, QrCodeEcc};

use super::letters::{printable, width, wrap};
use super::{Column, Paper};

/// A4.
pub const SIZE: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 48.0;
const INNER: f32 = SIZE.0 - 2.0 * MARGIN;
const FOOT: f32 = SIZE.1 - 56.0;
const LINE: f32 = 13.0;
const PAD: f32 = 5.0;
const QR: f32 = 84.0;

/// Red, green, blue.
pub type Color = (u8, u8, u8);
const INK: Color = (33, 37, 41);
const GREY: Color = (108, 117, 125);
const PALE: Color = (241, 243, 245);

/// Something on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Words; `y` is their base line.
    Text {
        /// Left edge.
        x: f32,
        /// Base line.
        y: f32,
        /// In points.
        size: f32,
        /// Bold.
        bold: bool,
        /// Colour.
        color: Color,
        /// The words.
        text: String,
    },
    /// A filled box.
    Box {
        /// Left edge.
        x: f32,
        /// Upper edge.
        y: f32,
        /// Width.
        w: f32,
        /// Height.
        h: f32,
        /// Colour.
        color: Color,
    },
}

/// Pages under way.
struct Sheet {
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Sheet {
    fn put(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, x: f32, y: f32, size: f32, bold: bool, color: Color, text: &str) {
        self.put(Mark::Text { x, y, size, bold, color, text: printable(text) });
    }

    /// Words that end at `x`.
    fn text_to(&mut self, x: f32, y: f32, size: f32, bold: bool, color: Color, text: &str) {
        let text = printable(text);
        self.put(Mark::Text { x: x - width(&text, size, bold), y, size, bold, color, text });
    }

    fn bar(&mut self, x: f32, y: f32, w: f32, h: f32, color: Color) {
        self.put(Mark::Box { x, y, w, h, color });
    }

    /// A new page when so much does not fit any more. True: there is a new one.
    fn need(&mut self, height: f32) -> bool {
        if self.y + height <= FOOT {
            return false;
        }
        self.pages.push(Vec::new());
        self.y = MARGIN;
        true
    }
}

/// The pages of a paper.
pub fn layout(paper: &Paper) -> Vec<Vec<Mark>> {
    let brand = color(&paper.issuer.color).unwrap_or(INK);
    let mut sheet = Sheet { pages: vec![Vec::new()], y: 0.0 };
    head(&mut sheet, paper, brand);
    facts(&mut sheet, paper);
    table(&mut sheet, paper);
    end(&mut sheet, paper, brand);
    let count = sheet.pages.len();
    for (at, page) in sheet.pages.iter_mut().enumerate() {
        let said = printable(&format!("{} {} · {} of {count}", paper.title, paper.number, at + 1));
        page.push(Mark::Text { x: SIZE.0 - MARGIN - width(&said, 8.0, false), y: SIZE.1 - 30.0, size: 8.0, bold: false, color: GREY, text: said });
    }
    sheet.pages
}

fn color(text: &str) -> Option<Color> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some((part(0)?, part(2)?, part(4)?))
}

fn head(sheet: &mut Sheet, paper: &Paper, brand: Color) {
    sheet.bar(0.0, 0.0, SIZE.0, 8.0, brand);
    let right = SIZE.0 - MARGIN;
    sheet.text_to(right, 62.0, 20.0, true, INK, &paper.title);
    sheet.text_to(right, 80.0, 10.5, false, GREY, &paper.number);
    let beside = INNER - width(&paper.title, 20.0, true) - 24.0;
    let mut y = 62.0;
    for line in wrap(&printable(&paper.issuer.name), 17.0, beside) {
        sheet.text(MARGIN, y, 17.0, true, INK, &line);
        y += 20.0;
    }
    for line in &paper.issuer.lines {
        sheet.text(MARGIN, y, 9.0, false, GREY, line);
        y += LINE;
    }
    sheet.y = y.max(92.0) + 14.0;
}

fn facts(sheet: &mut Sheet, paper: &Paper) {
    let half = INNER / 2.0;
    for pair in paper.facts.chunks(2) {
        let mut lines = 1;
        for (at, (name, value)) in pair.iter().enumerate() {
            let x = if at == 0 { MARGIN } else { MARGIN + half };
            sheet.text(x, sheet.y, 8.0, false, GREY, name);
            let wrapped = wrap(&printable(value), 10.0, half - 16.0);
            for (line, text) in (0_u8..).zip(&wrapped) {
                sheet.text(x, sheet.y + LINE * f32::from(line + 1), 10.0, false, INK, text);
            }
            lines = lines.max(wrapped.len());
        }
        sheet.y += LINE * f32::from(u8::try_from(lines).unwrap_or(u8::MAX)) + 20.0;
    }
}

/// Left edge and width of each column.
fn places(columns: &[Column]) -> Vec<(f32, f32)> {
    let all: f32 = columns.iter().map(|column| column.width).sum();
    let mut x = MARGIN;
    columns
        .iter()
        .map(|column| {
            let w = INNER * column.width / all;
            x += w;
            (x - w, w)
        })
        .collect()
}

fn table(sheet: &mut Sheet, paper: &Paper) {
    if paper.columns.is_empty() {
        return;
    }
    let places = places(&paper.columns);
    titles(sheet, &paper.columns, &places);
    for row in &paper.rows {
        let cells: Vec<Vec<String>> = row.iter().zip(&places).map(|(cell, (_, w))| wrap(&printable(cell), 9.0, w - 2.0 * PAD)).collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = LINE * f32::from(u8::try_from(lines).unwrap_or(u8::MAX)) + 6.0;
        if sheet.need(height) {
            titles(sheet, &paper.columns, &places);
        }
        for ((cell, column), (x, w)) in cells.iter().zip(&paper.columns).zip(&places) {
            for (line, text) in (0_u8..).zip(cell) {
                let y = sheet.y + 12.0 + LINE * f32::from(line);
                if column.right {
                    sheet.text_to(x + w - PAD, y, 9.0, false, INK, text);
                } else {
                    sheet.text(x + PAD, y, 9.0, false, INK, text);
                }
            }
        }
        sheet.y += height;
        sheet.bar(MARGIN, sheet.y - 0.5, INNER, 0.5, PALE);
    }
    if paper.rows.is_empty() {
        sheet.text(MARGIN + PAD, sheet.y + 14.0, 9.0, false, GREY, "Nothing in this time.");
        sheet.y += 22.0;
    }
}

fn titles(sheet: &mut Sheet, columns: &[Column], places: &[(f32, f32)]) {
    sheet.bar(MARGIN, sheet.y, INNER, 19.0, PALE);
    for (column, (x, w)) in columns.iter().zip(places) {
        if column.right {
            sheet.text_to(x + w - PAD, sheet.y + 13.0, 8.5, true, INK, column.title);
        } else {
            sheet.text(x + PAD, sheet.y + 13.0, 8.5, true, INK, column.title);
        }
    }
    sheet.y += 22.0;
}

/// Totals, stamp, notes and QR code, which stand together on one page.
fn end(sheet: &mut Sheet, paper: &Paper, brand: Color) {
    let totals = f32::from(u8::try_from(paper.totals.len()).unwrap_or(u8::MAX)) * 17.0 + 18.0;
    let beside = if paper.check.is_some() { INNER - QR - 20.0 } else { INNER };
    let notes: Vec<String> = paper.notes.iter().flat_map(|note| wrap(&printable(note), 9.0, beside)).collect();
    let below = (f32::from(u8::try_from(notes.len()).unwrap_or(u8::MAX)) * LINE).max(if paper.check.is_some() { QR + 16.0 } else { 0.0 });
    sheet.need(totals + below + 10.0);
    let right = SIZE.0 - MARGIN;
    let mut y = sheet.y + 20.0;
    if let Some(stamp) = &paper.stamp {
        sheet.text(MARGIN, y + 14.0, 26.0, true, brand, stamp);
    }
    for (at, (name, value)) in paper.totals.iter().enumerate() {
        let last = at + 1 == paper.totals.len();
        if last {
            sheet.bar(right - 230.0, y - 12.0, 230.0, 1.0, brand);
            y += 3.0;
        }
        sheet.text(right - 230.0, y, if last { 11.0 } else { 9.5 }, last, INK, name);
        sheet.text_to(right - PAD, y, if last { 11.0 } else { 9.5 }, last, INK, value);
        y += 17.0;
    }
    sheet.y += totals + 6.0;
    if let Some(address) = &paper.check {
        qr(sheet, right - QR, sheet.y, address);
        sheet.text_to(right, sheet.y + QR + 11.0, 7.0, false, GREY, "Scan to check this paper");
    }
    for (line, note) in (0_u8..).zip(&notes) {
        sheet.text(MARGIN, sheet.y + 10.0 + LINE * f32::from(line), 9.0, false, GREY, note);
    }
}

fn qr(sheet: &mut Sheet, left: f32, top: f32, address: &str) {
    let Ok(code) = QrCode::encode_text(address, QrCodeEcc::Medium) else { return };
    let module = |at: i32| f32::from(u8::try_from(at).unwrap_or(u8::MAX));
    let side = QR / module(code.size());
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).count();
            let run = i32::try_from(run).unwrap_or(1);
            if run > 0 {
                // A run is one box: gaps between boxes would show as lines.
                sheet.bar(left + module(x) * side, top + module(y) * side, module(run) * side, side + 0.05, INK);
            }
            x += run.max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::Issuer;

    fn paper(rows: usize) -> Paper {
        Paper {
            issuer: Issuer { name: "Yellow WiFi".into(), color: "#f2b705".into(), lines: vec!["0722 000 001".into()] },
            title: "Statement".into(),
            number: "November 2026".into(),
            facts: vec![("From".into(), "1 Nov".into()), ("To".into(), "30 Nov".into())],
            columns: vec![Column { title: "What", width: 3.0, right: false }, Column { title: "Amount", width: 1.0, right: true }],
            rows: (0..rows).map(|row| vec![format!("Payment {row}"), "285.00".into()]).collect(),
            totals: vec![("Closing balance".into(), "KES 0.00".into())],
            notes: vec!["Thank you.".into()],
            stamp: None,
            check: Some("https://yellow.netily.io/paper/abc".into()),
        }
    }

    #[test]
    fn everything_stands_within_the_page_and_no_row_is_lost() {
        for rows in [0, 1, 30, 500] {
            let pages = layout(&paper(rows));
            let mut seen = 0;
            for mark in pages.iter().flatten() {
                let (x, y, right, bottom) = match mark {
                    Mark::Text { x, y, size, bold, text, .. } => (*x, *y, x + width(text, *size, *bold), *y),
                    Mark::Box { x, y, w, h, .. } => (*x, *y, x + w, y + h),
                };
                assert!(x >= 0.0 && y >= 0.0 && right <= SIZE.0 + 0.1 && bottom <= SIZE.1, "{mark:?}");
                seen += usize::from(matches!(mark, Mark::Text { text, .. } if text.starts_with("Payment ")));
            }
            assert_eq!(seen, rows);
            assert!(rows < 100 || pages.len() > 10);
        }
    }
}
