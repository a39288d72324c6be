//! How wide words are, and where they break.

use std::sync::LazyLock;

use ttf_parser::Face;

/// The letters of every paper: Latin ones, as names in Kenya are written.
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
/// The same, bold.
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold.ttf");

static FACES: LazyLock<[Face<'static>; 2]> =
    LazyLock::new(|| [REGULAR, BOLD].map(|data| Face::parse(data, 0).unwrap_or_else(|_| unreachable!("the fonts are part of the program"))));

fn face(bold: bool) -> &'static Face<'static> {
    &FACES[usize::from(bold)]
}

/// Words with a question mark for each letter that the font does not have.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if face(false).glyph_index(c).is_some() { c } else { '?' }).collect()
}

/// In points.
pub fn width(text: &str, size: f32, bold: bool) -> f32 {
    let face = face(bold);
    let units: u32 = text.chars().filter_map(|c| face.glyph_index(c)).filter_map(|glyph| face.glyph_hor_advance(glyph)).map(u32::from).sum();
    #[expect(clippy::cast_precision_loss, reason = "a line has far fewer units than a float holds exactly")]
    let units = units as f32;
    units / f32::from(face.units_per_em()) * size
}

/// The text in lines that fit, broken at spaces, or anywhere in a word that is too long by itself.
pub fn wrap(text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap_or_else(|| unreachable!("there is a line from the start"));
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size, false) <= most {
            *line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let line = lines.last_mut().unwrap_or_else(|| unreachable!("there is a line from the start"));
            if !line.is_empty() && width(&format!("{line}{c}"), size, false) > most {
                lines.push(c.to_string());
            } else {
                line.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let text = "Home 10 Mbps, from 1 November to 30 November, at Ngong'Road and a_word_without_any_space_that_is_longer_than_a_whole_line";
        let lines = wrap(text, 10.0, 120.0);
        assert!(lines.len() > 3 && lines.iter().all(|line| width(line, 10.0, false) <= 120.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn letters_of_kenya_are_there_and_others_are_told() {
        assert_eq!(printable("Ngũgĩ wa Thiong’o – KES 1,500 • 5 %"), "Ngũgĩ wa Thiong’o – KES 1,500 • 5 %");
        assert_eq!(printable("日本"), "??");
    }
}
