//! Invoices, receipts and statements on paper, and the page that a paper's code leads to.

use netily::id::{InvoiceId, IspId};
use netily::paper::token::{self, Kind};
use netily_sdk::billing::GetReceiptPdfRequest as StaffReceipt;
use netily_sdk::payout::{GetStatementRequest, SettlementFrequency, StatementFormat};
use netily_sdk::selfservice::{GetInvoicePdfRequest, GetReceiptPdfRequest, initiate_payment_request::Target};
use netily_sdk::types::ErrorReason;
use netily_tests::{Access, World, kes};

/// Set to a folder to look at the papers.
const LOOK: &str = "NETILY_TEST_PAPERS";

fn keep(name: &str, content: &[u8]) {
    assert!(content.starts_with(b"%PDF-") && content.len() > 5_000, "{name}: {} bytes", content.len());
    if let Ok(folder) = std::env::var(LOOK) {
        std::fs::write(std::path::Path::new(&folder).join(name), content).expect("the folder is there");
    }
}

async fn isp(world: &World, slug: &str) -> IspId {
    let row = world.sql().await.value(&format!("SELECT id::text FROM public.isp WHERE slug = '{slug}'")).await;
    row.as_str().expect("text").parse::<uuid::Uuid>().expect("an id").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_and_a_receipt_are_papers_whose_code_confirms_them() {
    let world = World::new().await;
    let (customer, staff) = (world.customer("yellow").await, world.signed_in("yellow", Access::Staff).await);
    let us = world.customer_id(&customer).await;
    let invoice = world.invoice(&staff, &us, 1_500).await;
    let ask = GetInvoicePdfRequest { id: invoice.id.clone() };
    let open = customer.selfservice().get_invoice_pdf(ask.clone()).await.expect("a paper");
    assert_eq!((open.content_type.as_str(), open.file_name.as_str()), ("application/pdf", "yellow-INV-000001.pdf"));
    keep("invoice-open.pdf", &open.content);

    let key = world.app.config.callback_key.clone();
    let id: InvoiceId = invoice.id.parse().expect("an id");
    let (yellow, blue) = (isp(&world, "yellow").await, isp(&world, "blue").await);
    let address = |isp: IspId| format!("/paper/{}", token::make(&key, isp, Kind::Invoice, id.uuid()));
    let page = world.browser("yellow").get(&address(yellow)).await;
    assert!(page.status == 200 && page.text.contains("INV-000001") && page.text.contains("not paid whole yet"), "{}", page.text);

    let started = world.initiate(&customer, Target::InvoiceId(invoice.id)).await.expect("asked for");
    let early = customer.selfservice().get_receipt_pdf(GetReceiptPdfRequest { payment_id: started.id.clone() }).await.expect_err("not paid yet");
    assert_eq!(early.reason, ErrorReason::StateConflict);
    let paid = world.answer_payment(&customer, &started).await;
    let receipt = customer.selfservice().get_receipt_pdf(GetReceiptPdfRequest { payment_id: paid.id }).await.expect("a receipt");
    assert!(receipt.file_name.contains(&paid.mpesa_receipt), "{}", receipt.file_name);
    keep("receipt.pdf", &receipt.content);
    keep("invoice-paid.pdf", &customer.selfservice().get_invoice_pdf(ask).await.expect("a paper").content);
    let cash = world.cash(&staff, &us, 300).await;
    keep("receipt-cash.pdf", &staff.billing().get_receipt_pdf(StaffReceipt { payment_id: cash.id }).await.expect("a receipt").content);

    let page = world.browser("yellow").get(&address(yellow)).await;
    assert!(page.status == 200 && page.text.contains("it is paid"), "{}", page.text);
    assert!(!page.text.contains("Asha") && !page.text.contains("CUST-"), "nobody's name is on it: {}", page.text);
    let swahili = world.browser("yellow").get(&format!("{}?lang=sw", address(yellow))).await;
    assert!(swahili.text.contains("imelipwa"), "{}", swahili.text);
    for (slug, path) in [("blue", address(yellow)), ("yellow", address(blue)), ("yellow", "/paper/nonsense".to_owned())] {
        let page = world.browser(slug).get(&path).await;
        assert!(page.status == 404 && !page.text.contains("INV-000001"), "{slug} {path}: {}", page.text);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_a_paper_too() {
    let world = World::new().await;
    let owner = world.signed_in("yellow", Access::Owner).await;
    world.payee("yellow", &owner, SettlementFrequency::Daily).await;
    for guest in 0..3 {
        world.earn("yellow-market", guest).await;
    }
    world.settle_tomorrow().await;
    let ask = GetStatementRequest { from: None, to: None, format: StatementFormat::Pdf.into() };
    let statement = owner.payout().get_statement(ask).await.expect("a statement");
    assert_eq!((statement.content_type.as_str(), statement.closing_balance), ("application/pdf", Some(kes(0))));
    keep("statement.pdf", &statement.content);
    world.finish().await;
}
