//! Lists as CSV on standard output, piece by piece.

use netily_sdk::{Client, billing, platform};

use super::settlement::is_operator;
use crate::args::ExportList;
use crate::fault::Fault;
use crate::output::Output;

/// A long list takes its time.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(3_600);

pub async fn run(client: &Client, list: ExportList, [from, to, isp]: [String; 3], output: &Output) -> Result<(), Fault> {
    let long = client.with_deadline(DEADLINE);
    macro_rules! pieces {
        ($stream:expr) => {{
            let mut pieces = $stream.await?;
            while let Some(piece) = pieces.message().await? {
                output.piece(&piece.chunk)?;
            }
        }};
    }
    if is_operator(client).await? {
        let operators = long.platform();
        match list {
            ExportList::Payments => pieces!(operators.stream_payments(platform::StreamPaymentsRequest { from, to, isp })),
            ExportList::Invoices => pieces!(operators.stream_invoices(platform::StreamInvoicesRequest { from, to, isp })),
            ExportList::Commissions => pieces!(operators.stream_commissions(platform::StreamCommissionsRequest { from, to, isp })),
        }
    } else {
        let owners = long.billing();
        match list {
            ExportList::Payments => pieces!(owners.stream_payments(billing::StreamPaymentsRequest { from, to })),
            ExportList::Invoices => pieces!(owners.stream_invoices(billing::StreamInvoicesRequest { from, to })),
            ExportList::Commissions => pieces!(owners.stream_commissions(billing::StreamCommissionsRequest { from, to })),
        }
    }
    Ok(())
}
