//! The page behind the QR code of an invoice or a receipt: what it really says. Whoever holds the paper may see it.

use axum::http::StatusCode;
use axum::response::Response;

use super::refused::Refused;
use super::visit::Visit;
use crate::billing::papers;
use crate::isp;
use crate::portal::{FormTarget, PaperPage};

/// GET: what the paper says now.
pub async fn show(visit: Visit) -> Response {
    visit.answer(page(&visit).await).await
}

async fn page(visit: &Visit) -> Result<Response, Refused> {
    let isp = visit.tenant.id;
    let token = visit.paper();
    let (look, paper) = visit.app.db.tx(isp, async |tx| Ok((isp::look(tx, isp).await?, papers::confirm(&visit.app, tx, isp, token).await?))).await?;
    let status = if paper.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    visit.page(status, &PaperPage { frame: visit.frame(look), token: token.to_owned(), paper }, FormTarget::OwnServer)
}
