//! What a guest at a router sees before buying: the look of the page and what is sold there now.

use super::plan::{self, Plan};
use crate::app::App;
use crate::error::Result;
use crate::id::{IspId, RouterId};
use crate::isp::{self, Branding};
use crate::router;

/// The captive page of one router.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The look.
    pub branding: Branding,
    /// Cheapest first.
    pub plans: Vec<Plan>,
}

/// The captive page of a router, or `NOT_FOUND`.
pub async fn shop(app: &App, isp: IspId, at: RouterId) -> Result<Shop> {
    let now = app.clock.now();
    app.db
        .tx(isp, async |tx| {
            router::store::get(tx, isp, at).await?;
            Ok(Shop { branding: isp::look(tx, isp).await?, plans: plan::sold_at(tx, isp, at, now).await? })
        })
        .await
}
