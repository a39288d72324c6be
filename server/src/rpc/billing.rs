//! BillingService: what the ISP sells to its customers at home, what was paid to it and how it was split.

pub(super) mod ask;
pub(super) mod plan;
pub(super) mod show;
pub(super) mod statement;

use std::sync::Arc;

use netily_sdk::billing as pb;
use netily_sdk::billing::billing_service_server::BillingService;
use secrecy::ExposeSecret as _;
use tonic::{Request, Response, Status};

use super::answer::{PDF, answer, by, lang, money, timestamp};
use super::export::{self, Whose};
use super::fields;
use super::watch::Stream;
use crate::actor::Role;
use crate::app::App;
use crate::billing::export::List;
use crate::billing::{self, invoice, papers, report, seen, terms};
use crate::calendar::Days;
use crate::collect;
use crate::connection::{self, Connection, NewConnection};
use crate::db::Tx;
use crate::error::{Error, Reason, Result};
use crate::id::{CustomerId, InvoiceId, IspId, RouterId, ServicePlanId};
use crate::ledger::{self, Commission};
use crate::page::PageAsk;
use crate::paper;
use crate::payments::Purpose;
use crate::{audit, customer, router};

/// The service.
pub struct Billing {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl BillingService for Billing {
    async fn create_plan(&self, request: Request<pb::CreatePlanRequest>) -> Result<Response<pb::CreatePlanResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let (request_id, request_hash) = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let draft = plan::draft(&ask.plan.unwrap_or_default())?;
            let made = billing::plan::create(&self.app, caller.isp()?.id, by(&caller)?, draft, request_id, request_hash).await?;
            Ok(pb::CreatePlanResponse { plan: Some(plan::show(made)?) })
        })
        .await
    }

    async fn update_plan(&self, request: Request<pb::UpdatePlanRequest>) -> Result<Response<pb::UpdatePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let wanted = ask.plan.unwrap_or_default();
            let id: ServicePlanId = fields::parse("plan.id", &wanted.id)?;
            let changed = billing::plan::update(&self.app, caller.isp()?.id, by(&caller)?, id, plan::draft(&wanted)?).await?;
            Ok(pb::UpdatePlanResponse { plan: Some(plan::show(changed)?) })
        })
        .await
    }

    async fn archive_plan(&self, request: Request<pb::ArchivePlanRequest>) -> Result<Response<pb::ArchivePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let archived = billing::plan::archive(&self.app, caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ArchivePlanResponse { plan: Some(plan::show(archived)?) })
        })
        .await
    }

    async fn list_plans(&self, request: Request<pb::ListPlansRequest>) -> Result<Response<pb::ListPlansResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let (plans, next_page_token) = self.app.db.tx(isp, async |tx| billing::plan::list(tx, isp, ask.include_archived, page).await).await?;
            Ok(pb::ListPlansResponse { plans: plans.into_iter().map(plan::show).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

    async fn list_commissions(&self, request: Request<pb::ListCommissionsRequest>) -> Result<Response<pb::ListCommissionsResponse>, Status> {
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let purpose = fields::choice("payment_type", ask.payment_type)?.map(purpose);
            let (commissions, next_page_token, pending) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let (commissions, next) = ledger::commissions(tx, isp, purpose, page).await?;
                    Ok((commissions, next, ledger::pending_balance(tx, isp).await?))
                })
                .await?;
            let commissions = commissions.into_iter().map(commission).collect();
            Ok(pb::ListCommissionsResponse { commissions, next_page_token, pending_balance: Some(money(pending)) })
        })
        .await
    }

    async fn list_plan_versions(&self, request: Request<pb::ListPlanVersionsRequest>) -> Result<Response<pb::ListPlanVersionsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("plan_id", &ask.plan_id)?);
            let versions = self
                .app
                .db
                .tx(isp, async |tx| {
                    billing::plan::get(tx, isp, id).await?;
                    terms::history(tx, isp, id).await
                })
                .await?;
            Ok(pb::ListPlanVersionsResponse { versions: versions.iter().map(show::version).collect::<Result<_>>()? })
        })
        .await
    }

    async fn create_connection(&self, request: Request<pb::CreateConnectionRequest>) -> Result<Response<pb::CreateConnectionResponse>, Status> {
        answer(request, async |caller, mut wanted| {
            let request = fields::once(&mut wanted, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let (isp, by) = (caller.isp()?.id, by(&caller)?);
            let of: CustomerId = fields::parse("customer_id", &wanted.customer_id)?;
            let plan: ServicePlanId = fields::parse("plan_id", &wanted.plan_id)?;
            let (billing, access) = (ask::billing(wanted.billing)?, ask::access(wanted.access_type)?);
            let install = ask::install(&wanted.router_id, wanted.access_type, &wanted.username, wanted.password)?;
            let now = self.app.clock.now();
            let connection = self
                .app
                .db
                .tx(isp, async |tx| {
                    let status = customer::get(tx, isp, of).await?.status()?;
                    if matches!(status, customer::Status::Rejected | customer::Status::Closed) {
                        return Err(Error::new(Reason::CustomerNotActive, "This account is closed or was refused."));
                    }
                    let sold = billing::plan::get(tx, isp, plan).await?;
                    if sold.archived_at.is_some() {
                        return Err(Error::new(Reason::PlanNotAvailable, "This plan is archived. Choose another one."));
                    }
                    if let Some(at) = install.router {
                        router::store::get(tx, isp, at).await?;
                    }
                    billing::account::lock(tx, isp, of).await?;
                    let access = access.unwrap_or(connection::Access::Pppoe);
                    let new = NewConnection { customer: of, plan: (plan, sold.version), billing, access, request: Some(request.clone()) };
                    let (made, is_new) = connection::create(tx, isp, new, now).await?;
                    if !is_new {
                        return shown(tx, isp, made).await;
                    }
                    if install.router.is_some() || install.username.is_some() || install.password.is_some() {
                        connection::install(&self.app, tx, isp, &made, &install, now).await?;
                    }
                    audit::record(tx, isp, by, "create_connection", &made.id.to_string(), serde_json::json!({ "customer": of.to_string() }), now).await?;
                    billing::look(&self.app, tx, isp, made.id, now).await?;
                    let made = connection::get(tx, isp, made.id).await?;
                    shown(tx, isp, made).await
                })
                .await?;
            Ok(pb::CreateConnectionResponse { connection: Some(connection) })
        })
        .await
    }

    async fn update_connection(&self, request: Request<pb::UpdateConnectionRequest>) -> Result<Response<pb::UpdateConnectionResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, by) = (caller.isp()?.id, by(&caller)?);
            let id = fields::parse("id", &wanted.id)?;
            let (router, username) = (wanted.router_id.unwrap_or_default(), wanted.username.unwrap_or_default());
            let install = ask::install(&router, wanted.access_type, &username, wanted.password.unwrap_or_default())?;
            let now = self.app.clock.now();
            let connection = self
                .app
                .db
                .tx(isp, async |tx| {
                    let before = connection::lock(tx, isp, id).await?;
                    let after = connection::install(&self.app, tx, isp, &before, &install, now).await?;
                    let facts = serde_json::json!({ "router": after.router_id.map(|id| id.to_string()), "password": install.password.is_some() });
                    audit::record(tx, isp, by, "update_connection", &after.id.to_string(), facts, now).await?;
                    shown(tx, isp, after).await
                })
                .await?;
            Ok(pb::UpdateConnectionResponse { connection: Some(connection) })
        })
        .await
    }

    async fn suspend_connection(&self, request: Request<pb::SuspendConnectionRequest>) -> Result<Response<pb::SuspendConnectionResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by) = (caller.isp()?.id, by(&caller)?);
            let (id, reason) = (fields::parse("id", &ask.id)?, fields::text("reason", &ask.reason, 200)?);
            let now = self.app.clock.now();
            let connection = self.app.db.tx(isp, async |tx| {
                let after = connection::suspend(tx, isp, by, id, &reason, now).await?;
                shown(tx, isp, after).await
            });
            Ok(pb::SuspendConnectionResponse { connection: Some(connection.await?) })
        })
        .await
    }

    async fn resume_connection(&self, request: Request<pb::ResumeConnectionRequest>) -> Result<Response<pb::ResumeConnectionResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by, id) = (caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?);
            let now = self.app.clock.now();
            let connection = self.app.db.tx(isp, async |tx| {
                let after = connection::resume(tx, isp, by, id, now).await?;
                shown(tx, isp, after).await
            });
            Ok(pb::ResumeConnectionResponse { connection: Some(connection.await?) })
        })
        .await
    }

    async fn end_connection(&self, request: Request<pb::EndConnectionRequest>) -> Result<Response<pb::EndConnectionResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by, id) = (caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?);
            let now = self.app.clock.now();
            let (connection, credited) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let credited = billing::end_connection(tx, isp, by, id, now).await?;
                    let after = connection::get(tx, isp, id).await?;
                    Ok((shown(tx, isp, after).await?, credited))
                })
                .await?;
            Ok(pb::EndConnectionResponse { connection: Some(connection), credited: Some(money(credited)) })
        })
        .await
    }

    async fn list_connections(&self, request: Request<pb::ListConnectionsRequest>) -> Result<Response<pb::ListConnectionsResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(wanted.page_size, &wanted.page_token)?);
            let customer: Option<CustomerId> = fields::optional("customer_id", &wanted.customer_id, fields::parse)?;
            let router: Option<RouterId> = fields::optional("router_id", &wanted.router_id, fields::parse)?;
            let filter = connection::Filter { status: ask::connection_status(wanted.status)?, customer, router };
            let (connections, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let (rows, next) = connection::list(tx, isp, filter, page).await?;
                    let mut connections = Vec::with_capacity(rows.len());
                    for row in rows {
                        connections.push(shown(tx, isp, row).await?);
                    }
                    Ok((connections, next))
                })
                .await?;
            Ok(pb::ListConnectionsResponse { connections, next_page_token })
        })
        .await
    }

    async fn get_connection(&self, request: Request<pb::GetConnectionRequest>) -> Result<Response<pb::GetConnectionResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let (connection, password) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let found = connection::get(tx, isp, id).await?;
                    let password = connection::password(&self.app, isp, &found)?;
                    Ok((shown(tx, isp, found).await?, password))
                })
                .await?;
            let password = password.map(|password| password.expose_secret().to_owned()).unwrap_or_default();
            Ok(pb::GetConnectionResponse { connection: Some(connection), password })
        })
        .await
    }

    async fn initiate_payment(&self, request: Request<pb::InitiatePaymentRequest>) -> Result<Response<pb::InitiatePaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, wanted| {
            let ask = ask::payment(wanted, caller.address, &self.app.config.callback_key)?;
            let payment = billing::pay(&self.app, caller.isp()?, &ask).await?;
            Ok(pb::InitiatePaymentResponse { payment: Some(show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn record_offline_payment(&self, request: Request<pb::RecordOfflinePaymentRequest>) -> Result<Response<pb::RecordOfflinePaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, wanted| {
            let taken = ask::offline(wanted, caller.person()?.role == Role::Owner, &self.app.config.callback_key)?;
            let payment = billing::record(&self.app, caller.isp()?.id, by(&caller)?, taken).await?;
            Ok(pb::RecordOfflinePaymentResponse { payment: Some(show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn confirm_offline_payment(&self, request: Request<pb::ConfirmOfflinePaymentRequest>) -> Result<Response<pb::ConfirmOfflinePaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let payment = billing::confirm_offline(&self.app, caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ConfirmOfflinePaymentResponse { payment: Some(show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn void_offline_payment(&self, request: Request<pb::VoidOfflinePaymentRequest>) -> Result<Response<pb::VoidOfflinePaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (id, reason) = (fields::parse("id", &ask.id)?, fields::text("reason", &ask.reason, ask::REASON_MAX)?);
            let (payment, balance) = billing::void_offline(&self.app, caller.isp()?.id, by(&caller)?, id, &reason).await?;
            Ok(pb::VoidOfflinePaymentResponse { payment: Some(show::payment(&payment, lang)?), account_balance: Some(money(balance)) })
        })
        .await
    }

    async fn claim_receipt(&self, request: Request<pb::ClaimReceiptRequest>) -> Result<Response<pb::ClaimReceiptResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let (customer, receipt) = (fields::parse("customer_id", &ask.customer_id)?, fields::receipt("mpesa_receipt", &ask.mpesa_receipt)?);
            let id = collect::claim_receipt(&self.app, isp, customer, &receipt, caller.address).await?;
            let payment = self.app.db.tx(isp, async |tx| seen::get(tx, isp, seen::PaymentRef::Prompt(id), Some(customer)).await).await?;
            Ok(pb::ClaimReceiptResponse { payment: Some(show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn list_left_balances(&self, request: Request<pb::ListLeftBalancesRequest>) -> Result<Response<pb::ListLeftBalancesResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let (left, next_page_token) = self.app.db.tx(isp, async |tx| billing::withdraw::list_left(tx, isp, page).await).await?;
            Ok(pb::ListLeftBalancesResponse { balances: left.into_iter().map(show::left).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

    async fn write_off_balance(&self, request: Request<pb::WriteOffBalanceRequest>) -> Result<Response<pb::WriteOffBalanceResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let request = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let ask = ask::withdrawal(billing::Ending::WriteOff, &ask.customer_id, ask.amount, &ask.reason, request)?;
            let (moved, left) = billing::withdraw(&self.app, caller.isp()?.id, by(&caller)?, &ask).await?;
            Ok(pb::WriteOffBalanceResponse { written_off: Some(money(moved)), account_balance: Some(money(left)) })
        })
        .await
    }

    async fn record_balance_paid_back(
        &self,
        request: Request<pb::RecordBalancePaidBackRequest>,
    ) -> Result<Response<pb::RecordBalancePaidBackResponse>, Status> {
        answer(request, async |caller, mut ask| {
            let request = fields::once(&mut ask, |ask| &mut ask.request_id, &self.app.config.callback_key)?;
            let ask = ask::withdrawal(billing::Ending::PaidBack, &ask.customer_id, ask.amount, &ask.reason, request)?;
            let (moved, left) = billing::withdraw(&self.app, caller.isp()?.id, by(&caller)?, &ask).await?;
            Ok(pb::RecordBalancePaidBackResponse { paid_back: Some(money(moved)), account_balance: Some(money(left)) })
        })
        .await
    }

    async fn list_payments(&self, request: Request<pb::ListPaymentsRequest>) -> Result<Response<pb::ListPaymentsResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, wanted| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(wanted.page_size, &wanted.page_token)?);
            let customer: Option<CustomerId> = fields::optional("customer_id", &wanted.customer_id, fields::parse)?;
            let moment = |path: &str, at: Option<prost_types::Timestamp>| at.map(|at| fields::moment(path, at)).transpose();
            let receipt = fields::optional("receipt", &wanted.receipt, |path, text| fields::text(path, text, 40))?.map(|text| text.to_ascii_uppercase());
            let (from, to) = (moment("from", wanted.from)?, moment("to", wanted.to)?);
            let filter = seen::Filter { customer, purpose: ask::purpose(wanted.purpose)?, standing: ask::standing(wanted.status)?, receipt, from, to };
            let (payments, next_page_token) = self.app.db.tx(isp, async |tx| seen::list(tx, isp, filter, page).await).await?;
            let payments = payments.iter().map(|payment| show::payment(payment, lang)).collect::<Result<_>>()?;
            Ok(pb::ListPaymentsResponse { payments, next_page_token })
        })
        .await
    }

    async fn get_payment(&self, request: Request<pb::GetPaymentRequest>) -> Result<Response<pb::GetPaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let payment = self.app.db.tx(isp, async |tx| seen::get(tx, isp, id, None).await).await?;
            Ok(pb::GetPaymentResponse { payment: Some(show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn create_invoice(&self, request: Request<pb::CreateInvoiceRequest>) -> Result<Response<pb::CreateInvoiceResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, by, now) = (caller.isp()?.id, by(&caller)?, self.app.clock.now());
            let written = ask::invoice(wanted, &self.app.config.callback_key)?;
            let new =
                billing::Manual { customer: written.customer, lines: written.lines, due_at: written.due_at, note: written.note, request: written.request };
            let invoice = self
                .app
                .db
                .tx(isp, async |tx| {
                    let made = billing::write_invoice(&self.app, tx, isp, by, new.clone(), now).await?;
                    with_lines(tx, isp, made.id, now).await
                })
                .await?;
            Ok(pb::CreateInvoiceResponse { invoice: Some(invoice) })
        })
        .await
    }

    async fn list_invoices(&self, request: Request<pb::ListInvoicesRequest>) -> Result<Response<pb::ListInvoicesResponse>, Status> {
        answer(request, async |caller, wanted| {
            let (isp, page, now) = (caller.isp()?.id, PageAsk::read(wanted.page_size, &wanted.page_token)?, self.app.clock.now());
            let customer: Option<CustomerId> = fields::optional("customer_id", &wanted.customer_id, fields::parse)?;
            let (status, overdue) = ask::invoice_status(wanted.status)?;
            let filter = invoice::Filter { customer, status, due_before: overdue.then_some(now) };
            let (rows, next_page_token) = self.app.db.tx(isp, async |tx| invoice::list(tx, isp, filter, page).await).await?;
            let invoices = rows.iter().map(|row| show::invoice(row, &[], now)).collect::<Result<_>>()?;
            Ok(pb::ListInvoicesResponse { invoices, next_page_token })
        })
        .await
    }

    async fn get_invoice_pdf(&self, request: Request<pb::GetInvoicePdfRequest>) -> Result<Response<pb::GetInvoicePdfResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let filed = self.app.db.tx(isp, async |tx| papers::invoice(&self.app, tx, isp, id, None).await).await?;
            Ok(pb::GetInvoicePdfResponse { content: paper::render(&filed.paper)?, content_type: PDF.to_owned(), file_name: filed.file_name })
        })
        .await
    }

    async fn get_receipt_pdf(&self, request: Request<pb::GetReceiptPdfRequest>) -> Result<Response<pb::GetReceiptPdfResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("payment_id", &ask.payment_id)?);
            let filed = self.app.db.tx(isp, async |tx| papers::receipt(&self.app, tx, isp, id, None).await).await?;
            Ok(pb::GetReceiptPdfResponse { content: paper::render(&filed.paper)?, content_type: PDF.to_owned(), file_name: filed.file_name })
        })
        .await
    }

    async fn get_invoice(&self, request: Request<pb::GetInvoiceRequest>) -> Result<Response<pb::GetInvoiceResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id, now) = (caller.isp()?.id, fields::parse("id", &ask.id)?, self.app.clock.now());
            let invoice = self.app.db.tx(isp, async |tx| with_lines(tx, isp, id, now).await).await?;
            Ok(pb::GetInvoiceResponse { invoice: Some(invoice) })
        })
        .await
    }

    async fn void_invoice(&self, request: Request<pb::VoidInvoiceRequest>) -> Result<Response<pb::VoidInvoiceResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by, now) = (caller.isp()?.id, by(&caller)?, self.app.clock.now());
            let (id, reason) = (fields::parse("id", &ask.id)?, fields::text("reason", &ask.reason, 500)?);
            let invoice = self
                .app
                .db
                .tx(isp, async |tx| {
                    billing::void(tx, isp, by, id, &reason, now).await?;
                    with_lines(tx, isp, id, now).await
                })
                .await?;
            Ok(pb::VoidInvoiceResponse { invoice: Some(invoice) })
        })
        .await
    }

    async fn get_billing_settings(&self, request: Request<pb::GetBillingSettingsRequest>) -> Result<Response<pb::GetBillingSettingsResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let settings = self.app.db.tx(isp, async |tx| invoice::settings(tx, isp).await).await?;
            Ok(pb::GetBillingSettingsResponse { settings: Some(show::settings(settings)) })
        })
        .await
    }

    async fn update_billing_settings(&self, request: Request<pb::UpdateBillingSettingsRequest>) -> Result<Response<pb::UpdateBillingSettingsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by, now) = (caller.isp()?.id, by(&caller)?, self.app.clock.now());
            let (wanted, is_owner) = (ask.settings.unwrap_or_default(), caller.person()?.role == Role::Owner);
            let settings = self
                .app
                .db
                .tx(isp, async |tx| {
                    let before = invoice::settings(tx, isp).await?;
                    let settings = ask::settings(&wanted, &before)?;
                    if settings.cash_limit_minor != before.cash_limit_minor && !is_owner {
                        return Err(Error::new(Reason::PermissionDenied, "Only an owner changes what staff may write down as taken."));
                    }
                    invoice::update_settings(tx, isp, &settings).await?;
                    let facts = serde_json::json!({
                        "vat_bps": settings.vat_bps, "vat_number": settings.vat_number, "cash_limit_minor": settings.cash_limit_minor.minor(),
                        "credit_unused": settings.credit_unused,
                    });
                    audit::record(tx, isp, by, "update_billing_settings", &isp.to_string(), facts, now).await?;
                    Ok(settings)
                })
                .await?;
            Ok(pb::UpdateBillingSettingsResponse { settings: Some(show::settings(settings)) })
        })
        .await
    }

    async fn get_revenue_report(&self, request: Request<pb::GetRevenueReportRequest>) -> Result<Response<pb::GetRevenueReportResponse>, Status> {
        answer(request, async |caller, wanted| {
            let isp = caller.isp()?.id;
            let now = self.app.clock.now();
            let (from, to, granularity) = ask::report(&wanted, now)?;
            let report = self.app.db.tx(isp, async |tx| report::report(tx, isp, from, to, granularity, now).await).await?;
            let csv = if wanted.csv { report::csv(&report) } else { String::new() };
            let points = report.points.iter().map(|(start, point)| show::revenue(*start, point)).collect();
            Ok(pb::GetRevenueReportResponse { points, total: Some(show::revenue(from, &report.total)), csv })
        })
        .await
    }

    async fn get_customer_statement(&self, request: Request<pb::GetCustomerStatementRequest>) -> Result<Response<pb::GetCustomerStatementResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, customer) = (caller.isp()?.id, fields::parse("customer_id", &ask.customer_id)?);
            let wanted = statement::Wanted { from: &ask.from, to: &ask.to, format: ask.format };
            Ok(pb::GetCustomerStatementResponse { statement: Some(statement::show(&self.app, isp, customer, &wanted).await?) })
        })
        .await
    }

    type StreamPaymentsStream = Stream<pb::StreamPaymentsResponse>;

    async fn stream_payments(&self, request: Request<pb::StreamPaymentsRequest>) -> Result<Response<Self::StreamPaymentsStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            Ok(export::pieces(self.app.clone(), Whose::of(caller.isp()?), List::Payments, days, caller.request_id, |chunk| pb::StreamPaymentsResponse {
                chunk,
            }))
        })
        .await
    }

    type StreamInvoicesStream = Stream<pb::StreamInvoicesResponse>;

    async fn stream_invoices(&self, request: Request<pb::StreamInvoicesRequest>) -> Result<Response<Self::StreamInvoicesStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            Ok(export::pieces(self.app.clone(), Whose::of(caller.isp()?), List::Invoices, days, caller.request_id, |chunk| pb::StreamInvoicesResponse {
                chunk,
            }))
        })
        .await
    }

    type StreamCommissionsStream = Stream<pb::StreamCommissionsResponse>;

    async fn stream_commissions(&self, request: Request<pb::StreamCommissionsRequest>) -> Result<Response<Self::StreamCommissionsStream>, Status> {
        answer(request, async |caller, ask| {
            let days = Days::read(&ask.from, &ask.to, self.app.clock.now())?;
            Ok(export::pieces(self.app.clone(), Whose::of(caller.isp()?), List::Commissions, days, caller.request_id, |chunk| pb::StreamCommissionsResponse {
                chunk,
            }))
        })
        .await
    }

    async fn preview_plan_change(&self, request: Request<pb::PreviewPlanChangeRequest>) -> Result<Response<pb::PreviewPlanChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, now) = (caller.isp()?.id, self.app.clock.now());
            let (id, plan) = (fields::parse("connection_id", &ask.connection_id)?, fields::parse("plan_id", &ask.plan_id)?);
            let difference = self.app.db.tx(isp, async |tx| billing::preview(tx, isp, id, plan, now).await).await?;
            Ok(pb::PreviewPlanChangeResponse { to_pay: Some(money(difference.to_pay)), credited: Some(money(difference.credited)) })
        })
        .await
    }

    async fn change_plan(&self, request: Request<pb::ChangePlanRequest>) -> Result<Response<pb::ChangePlanResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, by, now) = (caller.isp()?.id, by(&caller)?, self.app.clock.now());
            let (id, plan) = (fields::parse("connection_id", &ask.connection_id)?, fields::parse("plan_id", &ask.plan_id)?);
            self.app
                .db
                .tx(isp, async |tx| {
                    let (made, credited) = billing::change_plan(&self.app, tx, isp, by, id, plan, now).await?;
                    let invoice = match made {
                        Some(made) => Some(with_lines(tx, isp, made.id, now).await?),
                        None => None,
                    };
                    let line = connection::get(tx, isp, id).await?;
                    Ok(pb::ChangePlanResponse { connection: Some(shown(tx, isp, line).await?), invoice, credited: Some(money(credited)) })
                })
                .await
        })
        .await
    }
}

/// A connection with the terms of its present period.
pub(super) async fn shown(tx: &mut Tx, isp: IspId, connection: Connection) -> Result<netily_sdk::types::Connection> {
    let terms = terms::get(tx, isp, connection.plan_id, connection.plan_version).await?;
    show::connection(&connection, &terms)
}

/// An invoice with its lines.
pub(super) async fn with_lines(tx: &mut Tx, isp: IspId, id: InvoiceId, now: crate::clock::Time) -> Result<netily_sdk::types::Invoice> {
    let found = invoice::get(tx, isp, id).await?;
    let lines = invoice::lines(tx, isp, id).await?;
    show::invoice(&found, &lines, now)
}

/// As the database writes it.
const fn purpose(kind: pb::PaymentType) -> &'static str {
    match kind {
        // Unspecified never comes here: it asks for all of them.
        pb::PaymentType::Unspecified | pb::PaymentType::Hotspot => Purpose::Hotspot.as_str(),
        pb::PaymentType::Recharge => Purpose::Recharge.as_str(),
        pb::PaymentType::Invoice => Purpose::Invoice.as_str(),
    }
}

fn payment_type(purpose: &str) -> pb::PaymentType {
    match Purpose::parse(purpose) {
        Some(Purpose::Hotspot) => pb::PaymentType::Hotspot,
        Some(Purpose::Recharge) => pb::PaymentType::Recharge,
        Some(Purpose::Invoice) => pb::PaymentType::Invoice,
        // What an ISP pays Netily is never split, so it has no line here.
        Some(Purpose::Subscription) | None => pb::PaymentType::Unspecified,
    }
}

pub(super) fn commission(line: Commission) -> pb::Commission {
    pb::Commission {
        payment_reference: line.payment_id.to_string(),
        payment_type: payment_type(&line.purpose).into(),
        gross: Some(money(line.gross_minor)),
        rate: line.commission_bps.to_string(),
        commission: Some(money(line.commission_minor)),
        isp_amount: Some(money(line.isp_minor)),
        mpesa_receipt: line.mpesa_receipt.unwrap_or_default(),
        created_at: Some(timestamp(line.created_at)),
    }
}
