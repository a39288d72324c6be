//! An ISP's colour, and the text colours that stay readable with it (WCAG 2.2: contrast of at least 4.5 to 1).
//! Whole numbers only: luminance in hundred-thousandths, contrast in hundredths.

use std::fmt;

/// Smallest contrast of text that passes level AA, in hundredths.
const READABLE: u32 = 450;

/// Smallest contrast, in hundredths, at which a filled button stands out from the page without a border.
const VISIBLE: u32 = 140;

/// A colour as the screen has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// White, the paper of the light page.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// The paper of the dark page; the same value stands in `style.css`.
    pub const NIGHT: Self = Self::new(0x1b, 0x1f, 0x27);
    /// What an ISP without a colour of its own gets.
    pub const DEFAULT: Self = Self::new(0x0b, 0x5c, 0xad);

    /// A colour from its three parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`; everything else is the default colour.
    pub fn parse(text: &str) -> Self {
        Self::from_hex(text.trim()).unwrap_or(Self::DEFAULT)
    }

    /// Black or white, whichever can be read on this colour. White wins when both can, as people expect on buttons.
    pub fn text(self) -> Self {
        if contrast(self, Self::WHITE) >= READABLE { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, darkened until it can be read on the light page.
    pub fn on_light(self) -> Self {
        self.towards(Self::BLACK, Self::WHITE)
    }

    /// This colour, lightened until it can be read on the dark page.
    pub fn on_dark(self) -> Self {
        self.towards(Self::WHITE, Self::NIGHT)
    }

    /// Border of a button of this colour on the light page: the colour itself, unless the button would vanish.
    pub fn edge_on_light(self) -> Self {
        if contrast(self, Self::WHITE) >= VISIBLE { self } else { self.on_light() }
    }

    /// Border of a button of this colour on the dark page.
    pub fn edge_on_dark(self) -> Self {
        if contrast(self, Self::NIGHT) >= VISIBLE { self } else { self.on_dark() }
    }

    /// The first of sixteen steps towards `end` that can be read on `paper`.
    fn towards(self, end: Self, paper: Self) -> Self {
        (0..=16).map(|step| self.mix(end, step)).find(|color| contrast(*color, paper) >= READABLE).unwrap_or(end)
    }

    fn mix(self, other: Self, sixteenths: u16) -> Self {
        let part = |from: u8, to: u8| {
            let mixed = (u16::from(from) * (16 - sixteenths) + u16::from(to) * sixteenths) / 16;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self::new(part(self.red, other.red), part(self.green, other.green), part(self.blue, other.blue))
    }

    fn from_hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self::new(part(0)?, part(2)?, part(4)?))
    }

    /// Relative luminance, 0 (black) to 100,000 (white).
    fn luminance(self) -> u32 {
        let part = |value: u8| LINEAR[usize::from(value)];
        (2126 * part(self.red) + 7152 * part(self.green) + 722 * part(self.blue)) / 10_000
    }
}

/// Prints `#rrggbb`, the only form that reaches a style sheet.
impl fmt::Display for Color {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// Contrast of two colours in hundredths, 100 to 2100, rounded down.
fn contrast(one: Color, other: Color) -> u32 {
    let (one, other) = (one.luminance() + 5_000, other.luminance() + 5_000);
    one.max(other) * 100 / one.min(other)
}

/// The light that each of the 256 steps of a channel gives, in hundred-thousandths (the sRGB transfer curve of WCAG 2.2).
#[rustfmt::skip]
const LINEAR: [u32; 256] = [
    0, 30, 61, 91, 121, 152, 182, 212, 243, 273, 304, 335, 368, 402, 439, 478,
    518, 561, 605, 651, 700, 750, 802, 857, 913, 972, 1033, 1096, 1161, 1229, 1298, 1370,
    1444, 1521, 1600, 1681, 1764, 1850, 1938, 2029, 2122, 2217, 2315, 2416, 2519, 2624, 2732, 2843,
    2956, 3071, 3190, 3310, 3434, 3560, 3689, 3820, 3955, 4092, 4231, 4374, 4519, 4667, 4817, 4971,
    5127, 5286, 5448, 5613, 5781, 5951, 6125, 6301, 6480, 6663, 6848, 7036, 7227, 7421, 7619, 7819,
    8022, 8228, 8438, 8650, 8866, 9084, 9306, 9531, 9759, 9990, 10224, 10462, 10702, 10946, 11193, 11444,
    11697, 11954, 12214, 12477, 12744, 13014, 13287, 13563, 13843, 14126, 14413, 14703, 14996, 15293, 15593, 15896,
    16203, 16513, 16827, 17144, 17465, 17789, 18116, 18447, 18782, 19120, 19462, 19807, 20156, 20508, 20864, 21223,
    21586, 21953, 22323, 22697, 23074, 23455, 23840, 24228, 24620, 25016, 25415, 25818, 26225, 26636, 27050, 27468,
    27889, 28315, 28744, 29177, 29614, 30054, 30499, 30947, 31399, 31855, 32314, 32778, 33245, 33716, 34191, 34670,
    35153, 35640, 36131, 36625, 37124, 37626, 38133, 38643, 39157, 39676, 40198, 40724, 41254, 41789, 42327, 42869,
    43415, 43966, 44520, 45079, 45641, 46208, 46778, 47353, 47932, 48515, 49102, 49693, 50289, 50888, 51492, 52100,
    52712, 53328, 53948, 54572, 55201, 55834, 56471, 57112, 57758, 58408, 59062, 59720, 60383, 61050, 61721, 62396,
    63076, 63760, 64448, 65141, 65837, 66539, 67244, 67954, 68669, 69387, 70110, 70838, 71569, 72306, 73046, 73791,
    74540, 75294, 76052, 76815, 77582, 78354, 79130, 79910, 80695, 81485, 82279, 83077, 83880, 84687, 85499, 86316,
    87137, 87962, 88792, 89627, 90466, 91310, 92158, 93011, 93869, 94731, 95597, 96469, 97345, 98225, 99110, 100000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_hex_digits_are_a_color() {
        for (text, wanted) in [
            ("#ffc107", "#ffc107"),
            (" #00A884 ", "#00a884"),
            ("#fff", "#0b5cad"),
            ("ffc107", "#0b5cad"),
            ("#ffc10g", "#0b5cad"),
            ("#+fc107", "#0b5cad"),
            ("#ffc107;}body{display:none", "#0b5cad"),
            ("", "#0b5cad"),
            ("#\u{e9}\u{e9}\u{e9}", "#0b5cad"),
        ] {
            assert_eq!(Color::parse(text).to_string(), wanted, "{text:?}");
        }
    }

    #[test]
    fn contrast_agrees_with_known_pairs() {
        let table = [
            ("#000000", "#ffffff", 2100),
            ("#ffffff", "#ffffff", 100),
            ("#767676", "#ffffff", 454),
            ("#777777", "#ffffff", 447),
            ("#ff0000", "#ffffff", 399),
            ("#0000ff", "#ffffff", 859),
        ];
        for (one, other, wanted) in table {
            assert_eq!(contrast(Color::parse(one), Color::parse(other)), wanted, "{one} {other}");
        }
    }

    #[test]
    fn yellow_takes_black_and_blue_takes_white() {
        assert_eq!(Color::parse("#ffc107").text(), Color::BLACK);
        assert_eq!(Color::parse("#0b5cad").text(), Color::WHITE);
    }

    #[test]
    fn buttons_of_the_papers_color_get_a_border() {
        assert_ne!(Color::WHITE.edge_on_light(), Color::WHITE);
        assert_ne!(Color::NIGHT.edge_on_dark(), Color::NIGHT);
        let yellow = Color::parse("#ffc107");
        assert_eq!((yellow.edge_on_light(), yellow.edge_on_dark()), (yellow, yellow));
    }

    #[test]
    fn every_color_gives_readable_text() {
        let steps = [0u8, 17, 51, 68, 85, 102, 119, 128, 136, 153, 170, 187, 204, 221, 238, 255];
        for red in steps {
            for green in steps {
                for blue in steps {
                    let color = Color::new(red, green, blue);
                    assert!(contrast(color, color.text()) >= READABLE, "{color}");
                    assert!(contrast(color.on_light(), Color::WHITE) >= READABLE, "{color}");
                    assert!(contrast(color.on_dark(), Color::NIGHT) >= READABLE, "{color}");
                }
            }
        }
    }
}
