//! Pages as a PDF.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::text::{Font, TextDirection};

use super::Paper;
use super::layout::{Color, Mark, SIZE, layout};
use super::letters::{BOLD, REGULAR};
use crate::error::{Error, Result};

/// The paper as a PDF.
pub fn render(paper: &Paper) -> Result<Vec<u8>> {
    let font = |data: &'static [u8]| Font::new(data.to_vec().into(), 0).ok_or_else(|| Error::internal("a font of ours cannot be read"));
    let (regular, bold) = (font(REGULAR)?, font(BOLD)?);
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(format!("{} {}", paper.title, paper.number)).creator("Netily".to_owned()));
    for marks in layout(paper) {
        let mut page = document.start_page_with(PageSettings::from_wh(SIZE.0, SIZE.1).ok_or_else(|| Error::internal("A4 is a size"))?);
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text { x, y, size, bold: is_bold, color, text } => {
                    surface.set_fill(Some(fill(color)));
                    let font = if is_bold { &bold } else { &regular };
                    surface.draw_text(Point::from_xy(x, y), font.clone(), size, &text, false, TextDirection::LeftToRight);
                }
                Mark::Box { x, y, w, h, color } => {
                    let Some(rect) = Rect::from_xywh(x, y, w, h) else { continue };
                    let mut path = PathBuilder::new();
                    path.push_rect(rect);
                    if let Some(path) = path.finish() {
                        surface.set_fill(Some(fill(color)));
                        surface.draw_path(&path);
                    }
                }
            }
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|cause| Error::internal(format!("a paper cannot be written: {cause:?}")))
}

fn fill((red, green, blue): Color) -> Fill {
    Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() }
}
