//! Numbers without gaps: of customers, of invoices. A number belongs to the transaction that took it; until that ends, others
//! who want the next one wait.

use diesel_async::RunQueryDsl;

use crate::db::Tx;
use crate::error::Result;
use crate::id::IspId;
use crate::schema::functions;

/// The next number of an ISP's counter, from 1 on. Take it as late as possible, since it holds up all others of this ISP.
pub async fn next(tx: &mut Tx, isp: IspId, name: &str) -> Result<i64> {
    Ok(diesel::select(functions::next_number(isp, name)).get_result(&mut **tx).await?)
}
