//! Ids of another ISP's invoices, payments and connections.

use netily_sdk::billing as pb;
use netily_sdk::payout::{GetSettlementRequest, SettlementFrequency, VerifyPayoutConfigRequest};
use netily_sdk::selfservice as own;
use netily_sdk::selfservice::initiate_payment_request::Target;
use netily_sdk::types::{ConnectionBilling, ErrorReason, InvoiceLine};
use netily_sdk::{Client, new_request_id};
use netily_tests::{Access, World, kes};

/// What `blue` has: a customer with an invoice, a payment and a connection, and a settlement.
pub struct Theirs {
    pub customer: String,
    pub invoice: String,
    pub payment: String,
    pub connection: String,
    pub settlement: String,
}

impl Theirs {
    pub async fn of(world: &World, customer: &str) -> Theirs {
        let (client, staff) = (world.customer("blue").await, world.signed_in("blue", Access::Staff).await);
        let invoice = world.invoice(&staff, customer, 100).await.id;
        let payment = world.initiate(&client, Target::Amount(kes(10))).await.expect("asked for").id;
        let ask = pb::CreateConnectionRequest {
            customer_id: customer.to_owned(),
            plan_id: world.seeded.isps[1].plans[0].clone(),
            billing: ConnectionBilling::Prepaid.into(),
            request_id: new_request_id(),
            ..Default::default()
        };
        let connection = staff.billing().create_connection(ask).await.expect("made").connection.expect("a connection").id;
        let owner = world.signed_in("blue", Access::Owner).await;
        owner.payout().set_payout_config(world.payout_ask("blue", SettlementFrequency::Daily)).await.expect("set");
        let test = owner.payout().verify_payout_config(VerifyPayoutConfigRequest { request_id: new_request_id() }).await.expect("sent");
        let settlement = test.settlement.expect("a settlement").id;
        Theirs { customer: customer.to_owned(), invoice, payment, connection, settlement }
    }

    /// The id of theirs that a field of BillingService or SelfService is to be called with.
    pub fn id_for(&self, field: &str) -> Option<String> {
        let (call, name) = field.split_once(' ')?;
        Some(match name {
            "customer_id" if call.starts_with("BillingService/") => self.customer.clone(),
            "invoice_id" => self.invoice.clone(),
            "payment_id" => self.payment.clone(),
            "connection_id" => self.connection.clone(),
            "id" if call.starts_with("PayoutService/") => self.settlement.clone(),
            "id" if call.contains("Invoice") => self.invoice.clone(),
            "id" if call.ends_with("OfflinePayment") => self.payment.replacen("pay_", "ofp_", 1),
            "id" if call.ends_with("Payment") => self.payment.clone(),
            "id" if call.contains("Connection") => self.connection.clone(),
            _ => return None,
        })
    }
}

/// Calls with an id in the field that is named; `None` when the field is not one of money.
pub async fn call_with(world: &World, customer: &Client, staff: &Client, field: &str, id: String) -> Option<String> {
    let (billing, mine) = (staff.billing(), customer.selfservice());
    let us = world.customer_id(customer).await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    macro_rules! told {
        ($call:expr) => {
            match $call.await {
                Ok(answer) => format!("{answer:?}"),
                Err(error) => {
                    assert_eq!(error.reason, ErrorReason::NotFound, "{field}: {error}");
                    format!("{:?} {}", error.code, error)
                }
            }
        };
    }
    let pay = |target| pb::InitiatePaymentRequest { customer_id: us.clone(), target: Some(target), request_id: new_request_id(), ..Default::default() };
    let own_pay = |target| own::InitiatePaymentRequest { target: Some(target), phone_number: String::new(), request_id: new_request_id() };
    let cash = pb::RecordOfflinePaymentRequest { customer_id: us.clone(), amount: Some(kes(10_000)), request_id: new_request_id(), ..Default::default() };
    let line = InvoiceLine { description: "Cable".into(), quantity: 1, unit_price: Some(kes(10)), amount: None };
    let connect = pb::CreateConnectionRequest { customer_id: us.clone(), plan_id: world.service_plan(0), request_id: new_request_id(), ..Default::default() };
    let reason = "Twice".to_owned();
    Some(match field {
        "BillingService/ListPlanVersions plan_id" => told!(billing.list_plan_versions(pb::ListPlanVersionsRequest { plan_id: id })),
        "BillingService/CreateConnection customer_id" => told!(billing.create_connection(pb::CreateConnectionRequest { customer_id: id, ..connect })),
        "BillingService/CreateConnection plan_id" => told!(billing.create_connection(pb::CreateConnectionRequest { plan_id: id, ..connect })),
        "BillingService/CreateConnection router_id" => told!(billing.create_connection(pb::CreateConnectionRequest { router_id: id, ..connect })),
        "BillingService/UpdateConnection id" => told!(billing.update_connection(pb::UpdateConnectionRequest { id, ..Default::default() })),
        "BillingService/UpdateConnection router_id" => {
            let mut listed = billing.list_connections(pb::ListConnectionsRequest::default()).await.expect("connections").connections;
            let own = match listed.pop() {
                Some(own) => own,
                None => billing.create_connection(connect).await.expect("made").connection.expect("a connection"),
            };
            told!(billing.update_connection(pb::UpdateConnectionRequest { id: own.id, router_id: Some(id), ..Default::default() }))
        }
        "BillingService/SuspendConnection id" => told!(billing.suspend_connection(pb::SuspendConnectionRequest { id, reason })),
        "BillingService/ResumeConnection id" => told!(billing.resume_connection(pb::ResumeConnectionRequest { id })),
        "BillingService/EndConnection id" => told!(billing.end_connection(pb::EndConnectionRequest { id })),
        "BillingService/GetConnection id" => told!(billing.get_connection(pb::GetConnectionRequest { id })),
        "BillingService/ListConnections customer_id" => {
            told!(billing.list_connections(pb::ListConnectionsRequest { customer_id: id, ..Default::default() }))
        }
        "BillingService/ListConnections router_id" => told!(billing.list_connections(pb::ListConnectionsRequest { router_id: id, ..Default::default() })),
        "BillingService/InitiatePayment customer_id" => {
            let target = pb::initiate_payment_request::Target::Amount(kes(10));
            told!(billing.initiate_payment(pb::InitiatePaymentRequest { customer_id: id, ..pay(target) }))
        }
        "BillingService/InitiatePayment invoice_id" => told!(billing.initiate_payment(pay(pb::initiate_payment_request::Target::InvoiceId(id)))),
        "BillingService/InitiatePayment plan_id" => told!(billing.initiate_payment(pay(pb::initiate_payment_request::Target::PlanId(id)))),
        "BillingService/RecordOfflinePayment customer_id" => {
            told!(billing.record_offline_payment(pb::RecordOfflinePaymentRequest { customer_id: id, ..cash }))
        }
        "BillingService/RecordOfflinePayment invoice_id" => {
            let target = Some(pb::record_offline_payment_request::Target::InvoiceId(id));
            told!(billing.record_offline_payment(pb::RecordOfflinePaymentRequest { target, ..cash }))
        }
        "BillingService/RecordOfflinePayment plan_id" => {
            let target = Some(pb::record_offline_payment_request::Target::PlanId(id));
            told!(billing.record_offline_payment(pb::RecordOfflinePaymentRequest { target, ..cash }))
        }
        "BillingService/ConfirmOfflinePayment id" => told!(owner.billing().confirm_offline_payment(pb::ConfirmOfflinePaymentRequest { id })),
        "BillingService/VoidOfflinePayment id" => told!(owner.billing().void_offline_payment(pb::VoidOfflinePaymentRequest { id, reason })),
        "BillingService/ClaimReceipt customer_id" => {
            told!(billing.claim_receipt(pb::ClaimReceiptRequest { customer_id: id, mpesa_receipt: "QWE1234567".into() }))
        }
        "BillingService/WriteOffBalance customer_id" => {
            let ask = pb::WriteOffBalanceRequest { customer_id: id, amount: None, reason, request_id: new_request_id() };
            told!(owner.billing().write_off_balance(ask))
        }
        "BillingService/RecordBalancePaidBack customer_id" => {
            let ask = pb::RecordBalancePaidBackRequest { customer_id: id, amount: None, reason, request_id: new_request_id() };
            told!(owner.billing().record_balance_paid_back(ask))
        }
        "BillingService/ListPayments customer_id" => told!(billing.list_payments(pb::ListPaymentsRequest { customer_id: id, ..Default::default() })),
        "BillingService/GetPayment id" => told!(billing.get_payment(pb::GetPaymentRequest { id })),
        "BillingService/CreateInvoice customer_id" => {
            let ask = pb::CreateInvoiceRequest { customer_id: id, lines: vec![line], request_id: new_request_id(), ..Default::default() };
            told!(billing.create_invoice(ask))
        }
        "BillingService/ListInvoices customer_id" => told!(billing.list_invoices(pb::ListInvoicesRequest { customer_id: id, ..Default::default() })),
        "BillingService/GetCustomerStatement customer_id" => {
            told!(billing.get_customer_statement(pb::GetCustomerStatementRequest { customer_id: id, ..Default::default() }))
        }
        "BillingService/GetInvoicePdf id" => told!(billing.get_invoice_pdf(pb::GetInvoicePdfRequest { id })),
        "BillingService/GetReceiptPdf payment_id" => told!(billing.get_receipt_pdf(pb::GetReceiptPdfRequest { payment_id: id })),
        "BillingService/GetInvoice id" => told!(billing.get_invoice(pb::GetInvoiceRequest { id })),
        "BillingService/VoidInvoice id" => told!(billing.void_invoice(pb::VoidInvoiceRequest { id, reason })),
        "BillingService/PreviewPlanChange connection_id" => {
            told!(billing.preview_plan_change(pb::PreviewPlanChangeRequest { connection_id: id, plan_id: world.service_plan(1) }))
        }
        "BillingService/ChangePlan connection_id" => {
            told!(billing.change_plan(pb::ChangePlanRequest { connection_id: id, plan_id: world.service_plan(1) }))
        }
        "BillingService/PreviewPlanChange plan_id" | "BillingService/ChangePlan plan_id" => {
            let mut listed = billing.list_connections(pb::ListConnectionsRequest::default()).await.expect("connections").connections;
            let connection_id = match listed.pop() {
                Some(own) => own.id,
                None => billing.create_connection(connect).await.expect("made").connection.expect("a connection").id,
            };
            if field.contains("Preview") {
                told!(billing.preview_plan_change(pb::PreviewPlanChangeRequest { connection_id, plan_id: id }))
            } else {
                told!(billing.change_plan(pb::ChangePlanRequest { connection_id, plan_id: id }))
            }
        }
        "PayoutService/GetSettlement id" => told!(staff.payout().get_settlement(GetSettlementRequest { id, ..Default::default() })),
        "IspService/GetSubscriptionPayment id" => told!(staff.isp().get_subscription_payment(netily_sdk::isp::GetSubscriptionPaymentRequest { id })),
        "SelfService/InitiatePayment invoice_id" => told!(mine.initiate_payment(own_pay(Target::InvoiceId(id)))),
        "SelfService/InitiatePayment plan_id" => told!(mine.initiate_payment(own_pay(Target::PlanId(id)))),
        "SelfService/GetPaymentStatus payment_id" => told!(mine.get_payment_status(own::GetPaymentStatusRequest { payment_id: id })),
        "SelfService/WatchPayment payment_id" => {
            let stream = async { mine.watch_payment(own::WatchPaymentRequest { payment_id: id }).await?.message().await };
            told!(stream)
        }
        "SelfService/GetInvoicePdf id" => told!(mine.get_invoice_pdf(own::GetInvoicePdfRequest { id })),
        "SelfService/GetReceiptPdf payment_id" => told!(mine.get_receipt_pdf(own::GetReceiptPdfRequest { payment_id: id })),
        "SelfService/GetInvoice id" => told!(mine.get_invoice(own::GetInvoiceRequest { id })),
        _ => return None,
    })
}
