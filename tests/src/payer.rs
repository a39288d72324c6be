//! Customers who pay: invoices, recharges, and what the ISP took itself.

use netily_sdk::billing::{self, CreateConnectionRequest, CreateInvoiceRequest, RecordOfflinePaymentRequest, UpdateConnectionRequest};
use netily_sdk::selfservice::{GetDashboardRequest, GetDashboardResponse, GetPaymentStatusRequest, InitiatePaymentRequest, initiate_payment_request::Target};
use netily_sdk::types::{Connection, ConnectionBilling, Invoice, InvoiceLine, Money, Payment, PaymentStatus};
use netily_sdk::{Client, Error, new_request_id};

use crate::world::World;

/// An amount on the wire.
pub fn kes(shillings: i64) -> Money {
    Money { amount_minor: shillings * 100, currency_code: "KES".into() }
}

/// Shillings of an amount on the wire.
pub fn shillings(money: &Option<Money>) -> i64 {
    money.as_ref().expect("an amount").amount_minor / 100
}

impl World {
    /// The phone of the seeded ACTIVE customer.
    pub fn customer_phone(&self, slug: &str) -> String {
        self.seeded.isps.iter().find(|isp| isp.slug == slug).expect("a seeded ISP").customers[0].phone.clone()
    }

    /// A seeded ISP as it was on its first day: on trial, on the smallest plan.
    pub async fn on_trial(&self, slug: &str) {
        let begin = "UPDATE tenant.isp_subscription SET plan = 'STARTER', cycle = 'MONTHLY', trial = true, reminded = 0,
                     paid_until = period_start + interval '14 days' WHERE tenant_id = (SELECT id FROM public.isp WHERE slug = ";
        self.sql().await.run(&format!("{begin}'{slug}')")).await;
    }

    /// The id of whoever is signed in.
    pub async fn customer_id(&self, customer: &Client) -> String {
        self.own_profile(customer).await.customer.expect("a customer").id
    }

    /// The service plans of `yellow`: KES 1,500 and KES 2,500 a month.
    pub fn service_plan(&self, at: usize) -> String {
        self.seeded.isps[0].plans[at].clone()
    }

    /// Asks for a prompt.
    pub async fn initiate(&self, customer: &Client, target: Target) -> Result<Payment, Error> {
        let ask = InitiatePaymentRequest { target: Some(target), phone_number: String::new(), request_id: new_request_id() };
        Ok(customer.selfservice().initiate_payment(ask).await?.payment.expect("a payment"))
    }

    /// How a payment stands for the customer.
    pub async fn payment(&self, customer: &Client, id: &str) -> Payment {
        let ask = GetPaymentStatusRequest { payment_id: id.to_owned() };
        customer.selfservice().get_payment_status(ask).await.expect("found").payment.expect("a payment")
    }

    /// Asks, answers and is paid: jobs are run by hand.
    pub async fn pay(&self, customer: &Client, target: Target) -> Payment {
        let asked = self.initiate(customer, target).await.expect("asked for");
        self.answer_payment(customer, &asked).await
    }

    /// Answers the prompt of the seeded customer of `yellow` and runs what follows.
    pub async fn answer_payment(&self, customer: &Client, asked: &Payment) -> Payment {
        let phone = format!("254{}", self.own_profile(customer).await.user.expect("an account").phone_number.trim_start_matches("254"));
        self.run_due().await;
        self.answer_prompt(&phone, "accept").await;
        self.callbacks_delivered().await;
        self.run_due().await;
        let paid = self.payment(customer, &asked.id).await;
        assert_eq!(paid.status(), PaymentStatus::Completed, "{paid:?}");
        paid
    }

    /// The first page of a customer.
    pub async fn dashboard(&self, customer: &Client) -> GetDashboardResponse {
        customer.selfservice().get_dashboard(GetDashboardRequest {}).await.expect("the first page")
    }

    /// An invoice of staff's own, of one line.
    pub async fn invoice(&self, staff: &Client, customer_id: &str, amount: i64) -> Invoice {
        let line = InvoiceLine { description: "Cable".into(), quantity: 1, unit_price: Some(kes(amount)), amount: None };
        let ask =
            CreateInvoiceRequest { customer_id: customer_id.to_owned(), lines: vec![line], due_at: None, note: String::new(), request_id: new_request_id() };
        staff.billing().create_invoice(ask).await.expect("written").invoice.expect("an invoice")
    }

    /// The invoice as staff see it.
    pub async fn look_at_invoice(&self, staff: &Client, id: &str) -> Invoice {
        let ask = billing::GetInvoiceRequest { id: id.to_owned() };
        staff.billing().get_invoice(ask).await.expect("found").invoice.expect("an invoice")
    }

    /// A plan on a customer.
    pub async fn connect(&self, staff: &Client, customer_id: &str, plan: usize, billing: ConnectionBilling, router: Option<&str>) -> Connection {
        let ask = CreateConnectionRequest {
            customer_id: customer_id.to_owned(),
            plan_id: self.service_plan(plan),
            billing: billing.into(),
            router_id: router.map(|name| self.router_id(name)).unwrap_or_default(),
            request_id: new_request_id(),
            ..Default::default()
        };
        staff.billing().create_connection(ask).await.expect("made").connection.expect("a connection")
    }

    /// Puts a connection on a router.
    pub async fn install(&self, staff: &Client, id: &str, router: &str) -> Connection {
        let ask = UpdateConnectionRequest { id: id.to_owned(), router_id: Some(self.router_id(router)), ..Default::default() };
        staff.billing().update_connection(ask).await.expect("installed").connection.expect("a connection")
    }

    /// Cash that the ISP took.
    pub async fn cash(&self, staff: &Client, customer_id: &str, amount: i64) -> Payment {
        let ask =
            RecordOfflinePaymentRequest { customer_id: customer_id.to_owned(), amount: Some(kes(amount)), request_id: new_request_id(), ..Default::default() };
        staff.billing().record_offline_payment(ask).await.expect("recorded").payment.expect("a payment")
    }
}
