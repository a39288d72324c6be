//! CustomerService: customers as staff see them, the rules of their registration, and what they ask for. Decodes, calls the slice once,
//! encodes.

pub(super) mod ask;
pub(super) mod show;

use std::sync::Arc;

use netily_sdk::customer as pb;
use netily_sdk::customer::customer_service_server::CustomerService;
use tonic::{Request, Response, Status};

use super::answer::{answer, by, money};
use super::fields;
use crate::actor::Caller;
use crate::app::App;
use crate::billing;
use crate::customer::{self, Act, Person};
use crate::error::Result;
use crate::id::CustomerId;
use crate::isp;
use crate::money::Money;
use crate::page::PageAsk;
use crate::{privacy, service_request};

/// The most characters of a search.
const SEARCH_MAX: usize = 100;

/// The service.
pub struct Customers {
    /// The doors.
    pub app: Arc<App>,
}

impl Customers {
    async fn decide(&self, caller: &Caller, id: &str, act: Act, reason: &str) -> Result<Option<pb::Customer>> {
        let (person, _) = self.decide_and_balance(caller, id, act, reason).await?;
        show::customer(&person).map(Some)
    }

    async fn decide_and_balance(&self, caller: &Caller, id: &str, act: Act, reason: &str) -> Result<(Person, Money)> {
        let id: CustomerId = fields::parse("id", id)?;
        let reason = match act {
            Act::Approve | Act::Reactivate => String::new(),
            Act::Reject | Act::Suspend | Act::Close => fields::text("reason", reason, ask::REASON_MAX)?,
        };
        billing::decide(&self.app, caller.isp()?.id, by(caller)?, id, act, &reason).await
    }
}

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn list_customers(&self, request: Request<pb::ListCustomersRequest>) -> Result<Response<pb::ListCustomersResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let status = fields::choice("status", ask.status)?.and_then(ask::status);
            let typed = fields::optional("search", ask.search.trim(), |path, text| fields::text(path, text, SEARCH_MAX))?.unwrap_or_default();
            let (people, next_page_token) = self.app.db.tx(isp, async |tx| customer::list(tx, isp, status, &typed, page).await).await?;
            let customers = people.iter().map(show::listed).collect::<Result<_>>()?;
            Ok(pb::ListCustomersResponse { customers, next_page_token })
        })
        .await
    }

    async fn get_customer(&self, request: Request<pb::GetCustomerRequest>) -> Result<Response<pb::GetCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, id) = (caller.isp()?.id, fields::parse("id", &ask.id)?);
            let (person, balance) =
                self.app.db.tx(isp, async |tx| Ok((customer::person(tx, isp, id).await?, billing::account::balance(tx, isp, id).await?))).await?;
            Ok(pb::GetCustomerResponse { customer: Some(show::customer(&person)?), account_balance: Some(money(balance)) })
        })
        .await
    }

    async fn create_customer(&self, request: Request<pb::CreateCustomerRequest>) -> Result<Response<pb::CreateCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let addition = ask::addition(ask, &self.app.config.callback_key)?;
            let person = customer::add(&self.app, caller.isp()?, by(&caller)?, &addition).await?;
            Ok(pb::CreateCustomerResponse { customer: Some(show::customer(&person)?) })
        })
        .await
    }

    async fn update_customer(&self, request: Request<pb::UpdateCustomerRequest>) -> Result<Response<pb::UpdateCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let id = fields::parse("id", &ask.id)?;
            let change = ask::change(ask)?;
            let person = customer::change(&self.app, caller.isp()?, by(&caller)?, id, &change).await?;
            Ok(pb::UpdateCustomerResponse { customer: Some(show::customer(&person)?) })
        })
        .await
    }

    async fn approve_customer(&self, request: Request<pb::ApproveCustomerRequest>) -> Result<Response<pb::ApproveCustomerResponse>, Status> {
        answer(request, async |caller, ask| Ok(pb::ApproveCustomerResponse { customer: self.decide(&caller, &ask.id, Act::Approve, "").await? })).await
    }

    async fn reject_customer(&self, request: Request<pb::RejectCustomerRequest>) -> Result<Response<pb::RejectCustomerResponse>, Status> {
        answer(request, async |caller, ask| Ok(pb::RejectCustomerResponse { customer: self.decide(&caller, &ask.id, Act::Reject, &ask.reason).await? })).await
    }

    async fn suspend_customer(&self, request: Request<pb::SuspendCustomerRequest>) -> Result<Response<pb::SuspendCustomerResponse>, Status> {
        answer(request, async |caller, ask| Ok(pb::SuspendCustomerResponse { customer: self.decide(&caller, &ask.id, Act::Suspend, &ask.reason).await? })).await
    }

    async fn reactivate_customer(&self, request: Request<pb::ReactivateCustomerRequest>) -> Result<Response<pb::ReactivateCustomerResponse>, Status> {
        answer(request, async |caller, ask| Ok(pb::ReactivateCustomerResponse { customer: self.decide(&caller, &ask.id, Act::Reactivate, "").await? })).await
    }

    async fn close_customer(&self, request: Request<pb::CloseCustomerRequest>) -> Result<Response<pb::CloseCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let (person, balance) = self.decide_and_balance(&caller, &ask.id, Act::Close, &ask.reason).await?;
            Ok(pb::CloseCustomerResponse { customer: Some(show::customer(&person)?), account_balance: Some(money(balance)) })
        })
        .await
    }

    async fn get_registration_settings(
        &self,
        request: Request<pb::GetRegistrationSettingsRequest>,
    ) -> Result<Response<pb::GetRegistrationSettingsResponse>, Status> {
        answer(request, async |caller, _| {
            let isp = caller.isp()?.id;
            let settings = self.app.db.tx(isp, async |tx| isp::registration(tx, isp).await).await?;
            Ok(pb::GetRegistrationSettingsResponse { settings: Some(show::settings(settings)) })
        })
        .await
    }

    async fn update_registration_settings(
        &self,
        request: Request<pb::UpdateRegistrationSettingsRequest>,
    ) -> Result<Response<pb::UpdateRegistrationSettingsResponse>, Status> {
        answer(request, async |caller, ask| {
            let wanted = ask::settings(ask.settings)?;
            let settings = customer::update_settings(&self.app, caller.isp()?.id, by(&caller)?, wanted).await?;
            Ok(pb::UpdateRegistrationSettingsResponse { settings: Some(show::settings(settings)) })
        })
        .await
    }

    async fn list_service_requests(&self, request: Request<pb::ListServiceRequestsRequest>) -> Result<Response<pb::ListServiceRequestsResponse>, Status> {
        answer(request, async |caller, ask| {
            let (isp, page) = (caller.isp()?.id, PageAsk::read(ask.page_size, &ask.page_token)?);
            let wanted = service_request::Wanted {
                status: fields::choice("status", ask.status)?.and_then(ask::request_status),
                category: fields::choice("category", ask.category)?.and_then(ask::category),
                customer: fields::optional("customer_id", &ask.customer_id, fields::parse)?,
            };
            let (rows, next_page_token) = self.app.db.tx(isp, async |tx| service_request::list(tx, isp, wanted, page).await).await?;
            let service_requests = rows.into_iter().map(show::asked).collect::<Result<_>>()?;
            Ok(pb::ListServiceRequestsResponse { service_requests, next_page_token })
        })
        .await
    }

    async fn update_service_request(&self, request: Request<pb::UpdateServiceRequestRequest>) -> Result<Response<pb::UpdateServiceRequestResponse>, Status> {
        answer(request, async |caller, ask| {
            let id = fields::parse("id", &ask.id)?;
            let status = fields::choice("status", ask.status)?.and_then(ask::request_status);
            let reply = fields::optional("reply", ask.reply.trim(), |path, text| fields::lines(path, text, ask::REPLY_MAX))?.unwrap_or_default();
            let answer = service_request::Answer { status, reply };
            let answered = service_request::answer(&self.app, caller.isp()?.id, by(&caller)?, id, answer).await?;
            Ok(pb::UpdateServiceRequestResponse { service_request: Some(show::asked(answered)?) })
        })
        .await
    }

    async fn export_customer(&self, request: Request<pb::ExportCustomerRequest>) -> Result<Response<pb::ExportCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let json = privacy::export(&self.app, caller.isp()?.id, by(&caller)?, fields::parse("id", &ask.id)?).await?;
            Ok(pb::ExportCustomerResponse { json })
        })
        .await
    }

    async fn erase_customer(&self, request: Request<pb::EraseCustomerRequest>) -> Result<Response<pb::EraseCustomerResponse>, Status> {
        answer(request, async |caller, ask| {
            let id = fields::parse("id", &ask.id)?;
            let reason = fields::text("reason", &ask.reason, ask::REASON_MAX)?;
            let person = privacy::erase(&self.app, caller.isp()?.id, by(&caller)?, id, &reason).await?;
            Ok(pb::EraseCustomerResponse { customer: Some(show::customer(&person)?) })
        })
        .await
    }
}
