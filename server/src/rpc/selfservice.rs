//! SelfService: what customers do for themselves. Decodes, calls the slice once, encodes.

mod ask;
mod show;

use std::sync::Arc;

use futures::FutureExt as _;
use netily_sdk::selfservice as pb;
use netily_sdk::selfservice::self_service_server::SelfService;
use tonic::{Request, Response, Status};

use super::answer::{answer, answer_with_cookie, lang, money, timestamp};
use super::auth::user;
use super::billing::{self as bill, shown, with_lines};
use super::fields;
use super::session;
use super::watch::{Seen, Stream, watch};
use crate::actor::Caller;
use crate::app::App;
use crate::billing::papers;
use crate::billing::seen::{PaymentRef, Standing};
use crate::error::{Error, Result};
use crate::id::{CustomerId, IspId, PaymentId, UserId};
use crate::money::Money;
use crate::page::PageAsk;
use crate::paper;
use crate::rpc::answer::PDF;
use crate::wake::Wake;
use crate::{alert, billing, collect, connection, customer, self_service, service_request};

/// Longer than any token we give.
const TOKEN_MAX: usize = 512;
/// Payments on the first page.
const FEW: i64 = 5;

/// The service.
pub struct SelfServices {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl SelfService for SelfServices {
    type WatchPaymentStream = Stream<pb::WatchPaymentResponse>;

    async fn register(&self, request: Request<pb::RegisterRequest>) -> Result<Response<pb::RegisterResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let ask = ask::registration(ask, &self.app.config.callback_key)?;
            let made = self_service::register(&self.app, caller.isp()?, &ask, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(made.grant)?;
            let answer = pb::RegisterResponse {
                user: Some(user(&made.profile.user)?),
                customer: Some(show::customer(&made.profile.customer)?),
                tokens,
                requires_verification: made.profile.requires_verification(),
                message: made.message.to_owned(),
                next_resend_at: made.code.map(|code| timestamp(code.next_resend_at)),
                expires_at: made.code.and_then(|code| code.expires_at).map(timestamp),
            };
            Ok((answer, cookie))
        })
        .await
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Result<Response<pb::LoginResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let identifier = fields::text("identifier", &ask.identifier, 254)?;
            let password = fields::secret("password", ask.password, 128)?;
            let signed_in = self_service::login(&self.app, caller.isp()?.id, &identifier, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            let answer = pb::LoginResponse {
                user: Some(user(&signed_in.profile.user)?),
                customer: Some(show::customer(&signed_in.profile.customer)?),
                tokens,
                requires_verification: signed_in.profile.requires_verification(),
            };
            Ok((answer, cookie))
        })
        .await
    }

    async fn verify_phone(&self, request: Request<pb::VerifyPhoneRequest>) -> Result<Response<pb::VerifyPhoneResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let code = ask::code("otp_code", ask.otp_code)?;
            let customer = self_service::verify_phone(&self.app, caller.isp()?, &phone, &code, caller.address).await?;
            Ok(pb::VerifyPhoneResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn resend_otp(&self, request: Request<pb::ResendOtpRequest>) -> Result<Response<pb::ResendOtpResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let sent = self_service::resend_otp(&self.app, caller.isp()?.id, &phone, caller.address).await?;
            Ok(pb::ResendOtpResponse { next_resend_at: Some(timestamp(sent.next_resend_at)), expires_at: sent.expires_at.map(timestamp) })
        })
        .await
    }

    async fn verify_email(&self, request: Request<pb::VerifyEmailRequest>) -> Result<Response<pb::VerifyEmailResponse>, Status> {
        answer(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let customer = self_service::verify_email(&self.app, caller.isp()?.id, &token).await?;
            Ok(pb::VerifyEmailResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn resend_verification_email(
        &self,
        request: Request<pb::ResendVerificationEmailRequest>,
    ) -> Result<Response<pb::ResendVerificationEmailResponse>, Status> {
        answer(request, async |caller, _| {
            let good_until = self_service::resend_verification_email(&self.app, caller.isp()?, caller.person()?.user).await?;
            Ok(pb::ResendVerificationEmailResponse { expires_at: good_until.map(timestamp) })
        })
        .await
    }

    async fn get_profile(&self, request: Request<pb::GetProfileRequest>) -> Result<Response<pb::GetProfileResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, id) = (caller.isp()?.id, caller.person()?.user);
            let profile = self.app.db.tx(isp, async |tx| self_service::profile(tx, isp, id).await).await?;
            Ok(pb::GetProfileResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn update_profile(&self, request: Request<pb::UpdateProfileRequest>) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        answer(request, async |caller, ask| {
            let change = ask::profile_change(ask)?;
            let profile = self_service::update_profile(&self.app, caller.isp()?.id, caller.person()?.user, change).await?;
            Ok(pb::UpdateProfileResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn request_phone_change(&self, request: Request<pb::RequestPhoneChangeRequest>) -> Result<Response<pb::RequestPhoneChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let sent = self_service::request_phone_change(&self.app, caller.isp()?.id, caller.person()?.user, &phone, &password, caller.address).await?;
            Ok(pb::RequestPhoneChangeResponse { next_resend_at: Some(timestamp(sent.next_resend_at)), expires_at: sent.expires_at.map(timestamp) })
        })
        .await
    }

    async fn confirm_phone_change(&self, request: Request<pb::ConfirmPhoneChangeRequest>) -> Result<Response<pb::ConfirmPhoneChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let phone = fields::phone("phone_number", &ask.phone_number)?;
            let code = ask::code("otp_code", ask.otp_code)?;
            let profile = self_service::confirm_phone_change(&self.app, caller.isp()?.id, caller.person()?.user, &phone, &code).await?;
            Ok(pb::ConfirmPhoneChangeResponse { profile: Some(show::profile(&profile)?) })
        })
        .await
    }

    async fn request_email_change(&self, request: Request<pb::RequestEmailChangeRequest>) -> Result<Response<pb::RequestEmailChangeResponse>, Status> {
        answer(request, async |caller, ask| {
            let email = fields::email("email", &ask.email)?;
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let good_until = self_service::request_email_change(&self.app, caller.isp()?, caller.person()?.user, &email, &password, caller.address).await?;
            Ok(pb::RequestEmailChangeResponse { expires_at: Some(timestamp(good_until)) })
        })
        .await
    }

    async fn close_account(&self, request: Request<pb::CloseAccountRequest>) -> Result<Response<pb::CloseAccountResponse>, Status> {
        answer(request, async |caller, ask| {
            let password = fields::secret("current_password", ask.current_password, 128)?;
            let customer = self_service::close_account(&self.app, caller.isp()?.id, caller.person()?.user, &password, caller.address).await?;
            Ok(pb::CloseAccountResponse { customer: Some(show::customer(&customer)?) })
        })
        .await
    }

    async fn get_dashboard(&self, request: Request<pb::GetDashboardRequest>) -> Result<Response<pb::GetDashboardResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, _| {
            let (isp, user) = own(&caller)?;
            let now = self.app.clock.now();
            let page = PageAsk { size: FEW, after: None };
            self.app
                .db
                .tx(isp, async |tx| {
                    let profile = self_service::profile(tx, isp, user).await?;
                    let id = profile.customer.id;
                    let connection = match connection::seen_of(tx, isp, id).await? {
                        Some(line) => Some(shown(tx, isp, line).await?),
                        None => None,
                    };
                    let owed = billing::invoice::owed_by(tx, isp, id).await?;
                    let filter = billing::seen::Filter { customer: Some(id), ..Default::default() };
                    let (payments, _) = billing::seen::list(tx, isp, filter, page).await?;
                    let total_owed = owed.iter().fold(Money::ZERO, |sum, invoice| sum.checked_add(invoice.owed()).unwrap_or(sum));
                    Ok(pb::GetDashboardResponse {
                        customer: Some(show::customer(&profile.customer)?),
                        first_name: profile.user.first_name.clone(),
                        requires_verification: profile.requires_verification(),
                        may_buy: profile.may_buy(),
                        unread_alerts: count(alert::unread(tx, isp, id).await?),
                        open_service_requests: count(service_request::open(tx, isp, id).await?),
                        paid_until: connection.as_ref().and_then(|line| line.paid_until),
                        connection,
                        account_balance: Some(money(billing::account::balance(tx, isp, id).await?)),
                        open_invoices: owed.iter().take(5).map(|invoice| bill::show::invoice(invoice, &[], now)).collect::<Result<_>>()?,
                        total_owed: Some(money(total_owed)),
                        last_payments: payments.iter().map(|payment| bill::show::payment(payment, lang)).collect::<Result<_>>()?,
                    })
                })
                .await
        })
        .await
    }

    async fn list_plans(&self, request: Request<pb::ListPlansRequest>) -> Result<Response<pb::ListPlansResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let plans = self.app.db.tx(isp, async |tx| billing::plan::on_sale(tx, isp).await).await?;
            Ok(pb::ListPlansResponse { plans: plans.into_iter().map(show::plan).collect::<Result<_>>()? })
        })
        .await
    }

    async fn create_service_request(&self, request: Request<pb::CreateServiceRequestRequest>) -> Result<Response<pb::CreateServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let draft = ask::service_request(ask, &self.app.config.callback_key)?;
            let now = self.app.clock.now();
            let made = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::create(tx, isp, id, &draft, now).await
                })
                .await?;
            Ok(pb::CreateServiceRequestResponse { service_request: Some(show::service_request(made)?) })
        })
        .await
    }

    async fn list_service_requests(&self, request: Request<pb::ListServiceRequestsRequest>) -> Result<Response<pb::ListServiceRequestsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (rows, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::of_customer(tx, isp, id, page).await
                })
                .await?;
            let service_requests = rows.into_iter().map(show::service_request).collect::<Result<_>>()?;
            Ok(pb::ListServiceRequestsResponse { service_requests, next_page_token })
        })
        .await
    }

    async fn get_service_request(&self, request: Request<pb::GetServiceRequestRequest>) -> Result<Response<pb::GetServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let found = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::get_of(tx, isp, id, wanted).await
                })
                .await?;
            Ok(pb::GetServiceRequestResponse { service_request: Some(show::service_request(found)?) })
        })
        .await
    }

    async fn cancel_service_request(&self, request: Request<pb::CancelServiceRequestRequest>) -> Result<Response<pb::CancelServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let now = self.app.clock.now();
            let cancelled = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    service_request::cancel(tx, isp, id, wanted, now).await
                })
                .await?;
            Ok(pb::CancelServiceRequestResponse { service_request: Some(show::service_request(cancelled)?) })
        })
        .await
    }

    async fn list_alerts(&self, request: Request<pb::ListAlertsRequest>) -> Result<Response<pb::ListAlertsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let page = PageAsk::read(ask.page_size, &ask.page_token)?;
            let (rows, next_page_token) = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::list(tx, isp, id, ask.unread_only, page).await
                })
                .await?;
            Ok(pb::ListAlertsResponse { alerts: rows.into_iter().map(show::alert).collect::<Result<_>>()?, next_page_token })
        })
        .await
    }

    async fn mark_alert_read(&self, request: Request<pb::MarkAlertReadRequest>) -> Result<Response<pb::MarkAlertReadResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, user) = own(&caller)?;
            let wanted = fields::parse("id", &ask.id)?;
            let now = self.app.clock.now();
            let marked = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::mark_read(tx, isp, id, wanted, now).await
                })
                .await?;
            Ok(pb::MarkAlertReadResponse { alert: Some(show::alert(marked)?) })
        })
        .await
    }

    async fn mark_all_alerts_read(&self, request: Request<pb::MarkAllAlertsReadRequest>) -> Result<Response<pb::MarkAllAlertsReadResponse>, Status> {
        answer(request, async |caller, _| {
            let (isp, user) = own(&caller)?;
            let now = self.app.clock.now();
            let marked = self
                .app
                .db
                .tx(isp, async |tx| {
                    let id = customer::of_user(tx, isp, user).await?.id;
                    alert::mark_all_read(tx, isp, id, now).await
                })
                .await?;
            Ok(pb::MarkAllAlertsReadResponse { marked: i32::try_from(marked).unwrap_or(i32::MAX) })
        })
        .await
    }

    async fn accept_invitation(&self, request: Request<pb::AcceptInvitationRequest>) -> Result<Response<pb::AcceptInvitationResponse>, Status> {
        answer_with_cookie(request, async |caller, ask| {
            let token = fields::text("token", &ask.token, TOKEN_MAX)?;
            let password = fields::secret("new_password", ask.new_password, 128)?;
            let signed_in = self_service::accept_invitation(&self.app, caller.isp()?.id, &token, &password, &caller.origin()).await?;
            let (tokens, cookie) = session::grant(signed_in.grant)?;
            let answer = pb::AcceptInvitationResponse {
                user: Some(user(&signed_in.profile.user)?),
                customer: Some(show::customer(&signed_in.profile.customer)?),
                tokens,
                requires_verification: signed_in.profile.requires_verification(),
            };
            Ok((answer, cookie))
        })
        .await
    }

    async fn initiate_payment(&self, request: Request<pb::InitiatePaymentRequest>) -> Result<Response<pb::InitiatePaymentResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, wanted| {
            let customer = self.own_id(&caller).await?;
            let ask = bill::ask::own_payment(wanted, customer, caller.address, &self.app.config.callback_key)?;
            let payment = billing::pay(&self.app, caller.isp()?, &ask).await?;
            Ok(pb::InitiatePaymentResponse { payment: Some(bill::show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn get_payment_status(&self, request: Request<pb::GetPaymentStatusRequest>) -> Result<Response<pb::GetPaymentStatusResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("payment_id", &ask.payment_id)?);
            let customer = self.own_id(&caller).await?;
            let payment = self.app.db.tx(isp, async |tx| billing::seen::get(tx, isp, id, Some(customer)).await).await?;
            Ok(pb::GetPaymentStatusResponse { payment: Some(bill::show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn claim_receipt(&self, request: Request<pb::ClaimReceiptRequest>) -> Result<Response<pb::ClaimReceiptResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let isp = caller.isp()?.id;
            let (customer, receipt) = (self.own_id(&caller).await?, fields::receipt("mpesa_receipt", &ask.mpesa_receipt)?);
            let id = collect::claim_receipt(&self.app, isp, customer, &receipt, caller.address).await?;
            let payment = self.app.db.tx(isp, async |tx| billing::seen::get(tx, isp, PaymentRef::Prompt(id), Some(customer)).await).await?;
            Ok(pb::ClaimReceiptResponse { payment: Some(bill::show::payment(&payment, lang)?) })
        })
        .await
    }

    async fn watch_payment(&self, request: Request<pb::WatchPaymentRequest>) -> Result<Response<Self::WatchPaymentStream>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, id): (_, PaymentId) = (caller.isp()?.id, fields::parse("payment_id", &ask.payment_id)?);
            let customer = self.own_id(&caller).await?;
            let changes = self.app.wakes.watch(Wake::Payment(id));
            let app = self.app.clone();
            let look = move || {
                let app = app.clone();
                async move {
                    let seen = app.db.tx(isp, async |tx| billing::seen::get(tx, isp, PaymentRef::Prompt(id), Some(customer)).await).await?;
                    let is_final = matches!(seen.standing()?, Standing::Completed | Standing::Failed);
                    Ok(Seen { is_final, answer: pb::WatchPaymentResponse { payment: Some(bill::show::payment(&seen, lang)?) } })
                }
                .boxed()
            };
            watch(changes, caller.request_id.clone(), look).await
        })
        .await
    }

    async fn list_payments(&self, request: Request<pb::ListPaymentsRequest>) -> Result<Response<pb::ListPaymentsResponse>, Status> {
        let lang = lang(&request);
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let filter = billing::seen::Filter { customer: Some(self.own_id(&caller).await?), ..Default::default() };
            let (payments, next_page_token) = self.app.db.tx(isp, async |tx| billing::seen::list(tx, isp, filter, page).await).await?;
            let payments = payments.iter().map(|payment| bill::show::payment(payment, lang)).collect::<Result<_>>()?;
            Ok(pb::ListPaymentsResponse { payments, next_page_token })
        })
        .await
    }

    async fn list_invoices(&self, request: Request<pb::ListInvoicesRequest>) -> Result<Response<pb::ListInvoicesResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page, now) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?, self.app.clock.now());
            let (status, overdue) = bill::ask::invoice_status(ask.status)?;
            let filter = billing::invoice::Filter { customer: Some(self.own_id(&caller).await?), status, due_before: overdue.then_some(now) };
            let (rows, next_page_token) = self.app.db.tx(isp, async |tx| billing::invoice::list(tx, isp, filter, page).await).await?;
            let invoices = rows.iter().map(|row| bill::show::invoice(row, &[], now)).collect::<Result<_>>()?;
            Ok(pb::ListInvoicesResponse { invoices, next_page_token })
        })
        .await
    }

    async fn get_invoice_pdf(&self, request: Request<pb::GetInvoicePdfRequest>) -> Result<Response<pb::GetInvoicePdfResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let customer = self.own_id(&caller).await?;
            let filed = self.app.db.tx(isp, async |tx| papers::invoice(&self.app, tx, isp, id, Some(customer)).await).await?;
            Ok(pb::GetInvoicePdfResponse { content: paper::render(&filed.paper)?, content_type: PDF.to_owned(), file_name: filed.file_name })
        })
        .await
    }

    async fn get_statement(&self, request: Request<pb::GetStatementRequest>) -> Result<Response<pb::GetStatementResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, customer) = (caller.isp()?.id, self.own_id(&caller).await?);
            let wanted = bill::statement::Wanted { from: &ask.from, to: &ask.to, format: ask.format };
            Ok(pb::GetStatementResponse { statement: Some(bill::statement::show(&self.app, isp, customer, &wanted).await?) })
        })
        .await
    }

    async fn get_receipt_pdf(&self, request: Request<pb::GetReceiptPdfRequest>) -> Result<Response<pb::GetReceiptPdfResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("payment_id", &ask.payment_id)?);
            let customer = self.own_id(&caller).await?;
            let filed = self.app.db.tx(isp, async |tx| papers::receipt(&self.app, tx, isp, id, Some(customer)).await).await?;
            Ok(pb::GetReceiptPdfResponse { content: paper::render(&filed.paper)?, content_type: PDF.to_owned(), file_name: filed.file_name })
        })
        .await
    }

    async fn get_invoice(&self, request: Request<pb::GetInvoiceRequest>) -> Result<Response<pb::GetInvoiceResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id, now) = (caller.isp()?.id, fields::parse("id", &ask.id)?, self.app.clock.now());
            let customer = self.own_id(&caller).await?;
            let invoice = self
                .app
                .db
                .tx(isp, async |tx| {
                    if billing::invoice::get(tx, isp, id).await?.customer_id != customer {
                        return Err(Error::not_found("invoice"));
                    }
                    with_lines(tx, isp, id, now).await
                })
                .await?;
            Ok(pb::GetInvoiceResponse { invoice: Some(invoice) })
        })
        .await
    }
}

impl SelfServices {
    /// The customer who calls.
    async fn own_id(&self, caller: &Caller) -> Result<CustomerId> {
        let (isp, user) = own(caller)?;
        self.app.db.tx(isp, async |tx| Ok(customer::of_user(tx, isp, user).await?.id)).await
    }
}

/// The ISP and the account of the customer who calls.
fn own(caller: &Caller) -> Result<(IspId, UserId)> {
    Ok((caller.isp()?.id, caller.person()?.user))
}

fn count(rows: i64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
