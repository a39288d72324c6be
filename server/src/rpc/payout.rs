//! PayoutService: where the ISP's money goes, when, and what became of it.

mod ask;
pub(super) mod show;

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use netily_sdk::payout as pb;
use netily_sdk::payout::payout_service_server::PayoutService;
use tonic::{Request, Response, Status};

pub(super) use ask::state;

use super::answer::{PDF, answer, by, money, timestamp};
use super::billing::commission;
use super::fields;
use super::status;
use super::watch::Stream;
use crate::actor::Caller;
use crate::app::App;
use crate::auth::passwords;
use crate::billing::papers;
use crate::error::{Error, Result};
use crate::id::{IspId, SettlementId};
use crate::ledger;
use crate::money::Money;
use crate::page::PageAsk;
use crate::paper;
use crate::reconcile::{day, trace};
use crate::settlement::statement::{self, Line, PIECE, Range};
use crate::settlement::{self, Config, LeftBecause, report, store, withdraw};

/// The service.
pub struct Payouts {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl PayoutService for Payouts {
    async fn get_payout_config(&self, request: Request<pb::GetPayoutConfigRequest>) -> Result<Response<pb::GetPayoutConfigResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let found = self.app.db.tx(isp, async |tx| settlement::config::find(tx, isp).await).await?.ok_or_else(settlement::unset)?;
            Ok(pb::GetPayoutConfigResponse { config: Some(self.shown(isp, &found).await?) })
        })
        .await
    }

    async fn set_payout_config(&self, request: Request<pb::SetPayoutConfigRequest>) -> Result<Response<pb::SetPayoutConfigResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let (isp, by) = (caller.isp()?.id, by(&caller)?);
            let password = fields::secret("password", std::mem::take(&mut ask.password), 1_024)?;
            let wanted = ask::wanted(&ask)?;
            passwords::confirm(&self.app, isp, caller.person()?, &password, caller.address).await?;
            let set = settlement::config::set(&self.app, isp, by, wanted).await?;
            Ok(pb::SetPayoutConfigResponse { config: Some(self.shown(isp, &set).await?) })
        })
        .await
    }

    async fn verify_payout_config(&self, request: Request<pb::VerifyPayoutConfigRequest>) -> Result<Response<pb::VerifyPayoutConfigResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let (request_id, _) = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let isp = caller.isp()?;
            let (config, test) = settlement::verify(&self.app, isp.id, by(&caller)?, request_id).await?;
            let settlement = Some(show::settlement(&test, &isp.slug, false)?);
            Ok(pb::VerifyPayoutConfigResponse { config: Some(self.shown(isp.id, &config).await?), settlement })
        })
        .await
    }

    async fn confirm_payout_config(&self, request: Request<pb::ConfirmPayoutConfigRequest>) -> Result<Response<pb::ConfirmPayoutConfigResponse>, Status> {
        answer(request, async |caller, ask| {
            let amount = fields::price("amount_received", ask.amount_received.as_ref())?;
            let isp = caller.isp()?.id;
            let config = settlement::confirm(&self.app, isp, by(&caller)?, amount).await?;
            Ok(pb::ConfirmPayoutConfigResponse { config: Some(self.shown(isp, &config).await?) })
        })
        .await
    }

    async fn get_balance(&self, request: Request<pb::GetBalanceRequest>) -> Result<Response<pb::GetBalanceResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let now = self.app.clock.now();
            let (balance, left) = self.app.db.tx(isp, async |tx| Ok((report::balance(tx, isp).await?, settlement::why_not_paid(tx, isp, now).await?))).await?;
            Ok(pb::GetBalanceResponse {
                pending: Some(money(balance.pending)),
                in_transit: Some(money(balance.in_transit)),
                paid_out: Some(money(balance.paid_out)),
                left_because: left.as_ref().map(|left| show::left_code(&left.code)).unwrap_or_default().into(),
                left_until: left.as_ref().and_then(|left| left.until).map(timestamp),
                left_message: left.map(|left| left.message).unwrap_or_default(),
            })
        })
        .await
    }

    async fn withdraw_now(&self, request: Request<pb::WithdrawNowRequest>) -> Result<Response<pb::WithdrawNowResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let isp = caller.isp()?;
            let said = if ask.preview {
                withdraw::preview(&self.app, isp.id).await?
            } else {
                let (request_id, _) = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
                withdraw::withdraw(&self.app, isp.id, by(&caller)?, request_id).await?
            };
            Ok(pb::WithdrawNowResponse {
                amount: Some(money(said.amount)),
                fee: Some(money(said.fee)),
                settlement: said.made.map(|made| show::settlement(&made, &isp.slug, true)).transpose()?,
                left_because: said.left.as_ref().map(show::left_because).unwrap_or_default().into(),
                left_message: said.left.as_ref().map(LeftBecause::text).unwrap_or_default(),
            })
        })
        .await
    }

    async fn list_settlements(&self, request: Request<pb::ListSettlementsRequest>) -> Result<Response<pb::ListSettlementsResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, page) = (caller.isp()?, PageAsk::read(wanted.page_size, &wanted.page_token)?);
            let filter = store::Filter { isp: Some(isp.id), ..ask::filter(&wanted)? };
            let (rows, next_page_token) = self.app.db.tx(isp.id, async |tx| store::list(tx, filter, page).await).await?;
            let settlements = rows.iter().map(|row| show::settlement(row, &isp.slug, true)).collect::<Result<_>>()?;
            Ok(pb::ListSettlementsResponse { settlements, next_page_token })
        })
        .await
    }

    async fn get_settlement(&self, request: Request<pb::GetSettlementRequest>) -> Result<Response<pb::GetSettlementResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, page) = (caller.isp()?, PageAsk::read(wanted.page_size, &wanted.page_token)?);
            let id: SettlementId = fields::parse("id", &wanted.id)?;
            let (found, (rows, next_page_token)) = self
                .app
                .db
                .tx(isp.id, async |tx| {
                    let found = store::find(tx, isp.id, id).await?.ok_or_else(|| Error::not_found("settlement"))?;
                    let covered =
                        if found.kind()? == store::Kind::Settlement { report::commissions(tx, &found, page).await? } else { (Vec::new(), String::new()) };
                    Ok((found, covered))
                })
                .await?;
            let seen = found.kind()? != store::Kind::Test;
            Ok(pb::GetSettlementResponse {
                settlement: Some(show::settlement(&found, &isp.slug, seen)?),
                commissions: rows.into_iter().map(commission).collect(),
                next_page_token,
            })
        })
        .await
    }

    async fn get_statement(&self, request: Request<pb::GetStatementRequest>) -> Result<Response<pb::GetStatementResponse>, Status> {
        answer(request, async |caller, wanted| {
            let isp = caller.isp()?;
            let range = ask::range(wanted.from, wanted.to, self.app.clock.now())?;
            let format = fields::choice::<pb::StatementFormat>("format", wanted.format)?.unwrap_or_default();
            let most = if format == pb::StatementFormat::Pdf { PDF_LINES_MAX } else { CSV_LINES_MAX };
            let read = read_all(&self.app, isp.id, range, most).await?;
            let (content, content_type, extension) = match format {
                pb::StatementFormat::Pdf => {
                    let of = self.app.db.tx(isp.id, async |tx| papers::issuer(tx, isp.id).await).await?;
                    (paper::render(&statement::paper(&read.lines, read.opening, range, &of.name))?, PDF, "pdf")
                }
                pb::StatementFormat::Unspecified | pb::StatementFormat::Csv => (csv(&read, range).into_bytes(), "text/csv; charset=utf-8", "csv"),
            };
            let day = |at| crate::clock::in_kenya(at).format("%Y-%m-%d");
            Ok(pb::GetStatementResponse {
                content,
                content_type: content_type.to_owned(),
                file_name: format!("{}-statement-{}-{}.{extension}", isp.slug, day(range.from), day(range.to)),
                opening_balance: Some(money(read.opening)),
                closing_balance: Some(money(read.closing)),
                lines: i32::try_from(read.lines.len()).map_err(Error::internal)?,
            })
        })
        .await
    }

    type StreamStatementStream = Stream<pb::StreamStatementResponse>;

    async fn stream_statement(&self, request: Request<pb::StreamStatementRequest>) -> Result<Response<Self::StreamStatementStream>, Status> {
        answer(request, async |caller: Caller, wanted| {
            let isp = caller.isp()?.id;
            let range = ask::range(wanted.from, wanted.to, self.app.clock.now())?;
            let opening = self.app.db.tx(isp, async |tx| statement::owed_at(tx, isp, range.from).await).await?;
            Ok(pieces(self.app.clone(), isp, range, opening, caller.request_id))
        })
        .await
    }

    async fn trace(&self, request: Request<pb::TraceRequest>) -> Result<Response<pb::TraceResponse>, Status> {
        answer(request, async |caller, ask| {
            let found = trace::trace(&self.app, Some(caller.isp()?.id), &fields::parse("reference", &ask.reference)?).await?;
            Ok(pb::TraceResponse { steps: found.steps.into_iter().map(show::step).collect(), summary: found.summary })
        })
        .await
    }

    async fn get_daily_report(&self, request: Request<pb::GetDailyReportRequest>) -> Result<Response<pb::GetDailyReportResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let (begin, end) = day::midnights(&ask.day, self.app.clock.now())?;
            let report = self.app.db.tx(isp, async |tx| day::report(tx, isp, begin, end).await).await?;
            Ok(pb::GetDailyReportResponse { report: Some(show::day(report)?) })
        })
        .await
    }
}

impl Payouts {
    async fn shown(&self, isp: IspId, config: &Config) -> Result<pb::PayoutConfig> {
        let pending = self.app.db.tx(isp, async |tx| ledger::pending_balance(tx, isp).await).await?;
        Ok(show::config(config, pending, self.app.clock.now()))
    }
}

/// The most lines of one answer; the stream has no bound.
const CSV_LINES_MAX: usize = 20_000;
const PDF_LINES_MAX: usize = 2_000;

/// A statement in memory.
struct Read {
    lines: Vec<Line>,
    opening: Money,
    closing: Money,
}

async fn read_all(app: &App, isp: IspId, range: Range, most: usize) -> Result<Read> {
    app.db
        .tx(isp, async |tx| {
            let opening = statement::owed_at(tx, isp, range.from).await?;
            let mut lines: Vec<Line> = Vec::new();
            loop {
                let piece = statement::lines(tx, isp, range, lines.last()).await?;
                let last = i64::try_from(piece.len()).is_ok_and(|read| read < PIECE);
                lines.extend(piece);
                if lines.len() > most {
                    return Err(Error::field("to", format!("must be earlier: there are more than {most} lines. Take a shorter time, or StreamStatement")));
                }
                if last {
                    break;
                }
            }
            let closing =
                lines.iter().try_fold(opening, |sum, line| sum.checked_add(line.amount)).ok_or_else(|| Error::internal("a balance that does not fit"))?;
            Ok(Read { lines, opening, closing })
        })
        .await
}

fn csv(read: &Read, range: Range) -> String {
    let mut balance = read.opening;
    let mut text = statement::csv_head(read.opening, range);
    text.push_str(&statement::csv_lines(&read.lines, &mut balance));
    text.push_str(&statement::csv_foot(balance, range));
    text
}

/// Where a stream of a statement is.
enum At {
    Head,
    After(Option<Line>),
    End,
}

/// A statement piece by piece: one piece is in memory, whatever its length.
fn pieces(app: Arc<App>, isp: IspId, range: Range, opening: Money, request_id: String) -> Stream<pb::StreamStatementResponse> {
    stream::try_unfold((At::Head, opening), move |(at, mut balance)| {
        let (app, request_id) = (app.clone(), request_id.clone());
        async move {
            let after = match at {
                At::Head => return Ok(Some((chunk(statement::csv_head(balance, range)), (At::After(None), balance)))),
                At::End => return Ok(None),
                At::After(line) => line,
            };
            let lines =
                app.db.tx(isp, async |tx| statement::lines(tx, isp, range, after.as_ref()).await).await.map_err(|error| status::of(error, &request_id))?;
            let mut text = statement::csv_lines(&lines, &mut balance);
            let full = i64::try_from(lines.len()).is_ok_and(|read| read == PIECE);
            if !full {
                text.push_str(&statement::csv_foot(balance, range));
            }
            let next = if full { At::After(lines.into_iter().next_back()) } else { At::End };
            Ok(Some((chunk(text), (next, balance))))
        }
    })
    .boxed()
}

fn chunk(text: String) -> pb::StreamStatementResponse {
    pb::StreamStatementResponse { chunk: text.into_bytes() }
}
