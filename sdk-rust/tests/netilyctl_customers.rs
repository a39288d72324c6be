//! Commands on customers as a person meets them: customers are named by code, an erasure is confirmed, an export is kept for its reader
//! alone, and a rule that is not given stays.

use std::os::unix::fs::PermissionsExt;
use std::pin::Pin;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use netily_sdk::customer::customer_service_server::{CustomerService, CustomerServiceServer};
use netily_sdk::customer::*;
use netily_sdk::types::CustomerStatus;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// An ISP with one customer, which remembers what it was told to do.
#[derive(Clone, Default)]
struct StandIn {
    done: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    fn note(&self, what: String) {
        self.done.lock().expect("no panic while it is held").push(what);
    }

    fn done(&self) -> Vec<String> {
        std::mem::take(&mut *self.done.lock().expect("no panic while it is held"))
    }
}

fn chebet() -> Customer {
    Customer {
        id: "cus_1".into(),
        customer_code: "CUST-0007".into(),
        status: CustomerStatus::Active.into(),
        first_name: "Chebet".into(),
        last_name: "Kiprotich".into(),
        phone_number: "254712345678".into(),
        ..Customer::default()
    }
}

type Answer<'a, M> = Pin<Box<dyn Future<Output = Result<Response<M>, Status>> + Send + 'a>>;

/// Calls that no command of this test makes, as `async_trait` writes them: it does not look into macros.
macro_rules! not_called {
    ($($name:ident($ask:ident) -> $answer:ident;)*) => {
        $(fn $name<'life0, 'async_trait>(&'life0 self, _: Request<$ask>) -> Answer<'async_trait, $answer>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async { Err(Status::unimplemented("Not part of this test.")) })
        })*
    };
}

#[tonic::async_trait]
impl CustomerService for StandIn {
    async fn list_customers(&self, request: Request<ListCustomersRequest>) -> Result<Response<ListCustomersResponse>, Status> {
        let ask = request.into_inner();
        self.note(format!("list {:?} {}", ask.search, ask.status().as_str_name()));
        // The beginning of a code finds longer ones too.
        let longer = Customer { id: "cus_2".into(), customer_code: "CUST-00077".into(), ..Customer::default() };
        Ok(Response::new(ListCustomersResponse { customers: vec![longer, chebet()], next_page_token: String::new() }))
    }

    async fn get_customer(&self, request: Request<GetCustomerRequest>) -> Result<Response<GetCustomerResponse>, Status> {
        assert_eq!(request.into_inner().id, "cus_1");
        Ok(Response::new(GetCustomerResponse { customer: Some(chebet()), account_balance: None }))
    }

    async fn suspend_customer(&self, request: Request<SuspendCustomerRequest>) -> Result<Response<SuspendCustomerResponse>, Status> {
        let ask = request.into_inner();
        self.note(format!("suspend {} {}", ask.id, ask.reason));
        Ok(Response::new(SuspendCustomerResponse { customer: Some(chebet()) }))
    }

    async fn export_customer(&self, _: Request<ExportCustomerRequest>) -> Result<Response<ExportCustomerResponse>, Status> {
        Ok(Response::new(ExportCustomerResponse { json: br#"{"profile":{}}"#.to_vec() }))
    }

    async fn erase_customer(&self, request: Request<EraseCustomerRequest>) -> Result<Response<EraseCustomerResponse>, Status> {
        self.note(format!("erase {}", request.into_inner().id));
        Ok(Response::new(EraseCustomerResponse { customer: Some(Customer { customer_code: "CUST-0007".into(), ..Customer::default() }) }))
    }

    async fn get_registration_settings(&self, _: Request<GetRegistrationSettingsRequest>) -> Result<Response<GetRegistrationSettingsResponse>, Status> {
        let settings = RegistrationSettings { require_id_number: true, welcome_sms_template: "Karibu {name}".into(), ..RegistrationSettings::default() };
        Ok(Response::new(GetRegistrationSettingsResponse { settings: Some(settings) }))
    }

    async fn update_registration_settings(
        &self,
        request: Request<UpdateRegistrationSettingsRequest>,
    ) -> Result<Response<UpdateRegistrationSettingsResponse>, Status> {
        Ok(Response::new(UpdateRegistrationSettingsResponse { settings: request.into_inner().settings }))
    }

    async fn update_service_request(&self, request: Request<UpdateServiceRequestRequest>) -> Result<Response<UpdateServiceRequestResponse>, Status> {
        let ask = request.into_inner();
        let service_request = ServiceRequest { id: ask.id, status: ask.status, reply: ask.reply, ..ServiceRequest::default() };
        Ok(Response::new(UpdateServiceRequestResponse { service_request: Some(service_request) }))
    }

    not_called! {
        create_customer(CreateCustomerRequest) -> CreateCustomerResponse;
        update_customer(UpdateCustomerRequest) -> UpdateCustomerResponse;
        approve_customer(ApproveCustomerRequest) -> ApproveCustomerResponse;
        reject_customer(RejectCustomerRequest) -> RejectCustomerResponse;
        reactivate_customer(ReactivateCustomerRequest) -> ReactivateCustomerResponse;
        close_customer(CloseCustomerRequest) -> CloseCustomerResponse;
        list_service_requests(ListServiceRequestsRequest) -> ListServiceRequestsResponse;
    }
}

/// A terminal: a server to talk to and a home folder.
struct Terminal {
    stand_in: StandIn,
    url: String,
    home: TempDir,
}

impl Terminal {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stand_in = StandIn::default();
        let server = Server::builder().add_service(CustomerServiceServer::new(stand_in.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { stand_in, url, home: tempfile::tempdir().expect("a home") }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netilyctl"));
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("NETILY_URL", &self.url).stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("a run")
    }
}

fn answer(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", errors(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_named_by_the_whole_code() {
    let terminal = Terminal::open().await;
    let shown = answer(&terminal.run(&["customer", "show", "cust-0007"]).await);
    assert!(shown.contains("Chebet Kiprotich") && shown.contains("254712345678 (not proven)"), "{shown}");
    answer(&terminal.run(&["customer", "suspend", "CUST-0007", "--reason", "The bill is open."]).await);
    assert_eq!(terminal.stand_in.done().last().map(String::as_str), Some("suspend cus_1 The bill is open."));
    let unknown = terminal.run(&["customer", "show", "CUST-0008"]).await;
    assert_eq!((unknown.status.code(), errors(&unknown).as_str()), (Some(2), "There is no customer CUST-0008.\n"));
    answer(&terminal.run(&["customer", "list", "che kip", "--status", "pending"]).await);
    assert_eq!(terminal.stand_in.done().last().map(String::as_str), Some(r#"list "che kip" CUSTOMER_STATUS_PENDING"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_erased_by_a_slip_of_the_hand() {
    let terminal = Terminal::open().await;
    let erase = ["customer", "erase", "cus_1", "--reason", "Asked for it.", "--confirm"];
    let slip = terminal.run(&[&erase[..], &["CUST-0006"]].concat()).await;
    assert_eq!((slip.status.code(), errors(&slip).as_str()), (Some(2), "Nothing was erased: this customer is CUST-0007, not CUST-0006.\n"));
    assert_eq!(terminal.run(&erase[..5]).await.status.code(), Some(2), "without a confirmation");
    assert_eq!(terminal.stand_in.done(), Vec::<String>::new());
    answer(&terminal.run(&[&erase[..], &["CUST-0007"]].concat()).await);
    assert_eq!(terminal.stand_in.done(), ["erase cus_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_kept_for_its_reader_alone_and_overwrites_nothing() {
    let terminal = Terminal::open().await;
    assert_eq!(answer(&terminal.run(&["customer", "export", "cus_1"]).await), "{\"profile\":{}}\n");
    let file = terminal.home.path().join("chebet.json");
    let path = file.to_str().expect("a path");
    answer(&terminal.run(&["customer", "export", "cus_1", "--output", path]).await);
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!((std::fs::read(&file).expect("the file"), mode & 0o777), (br#"{"profile":{}}"#.to_vec(), 0o600));
    let again = terminal.run(&["customer", "export", "cus_1", "--output", path]).await;
    assert_eq!(again.status.code(), Some(2), "{}", errors(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_not_given_stay() {
    let terminal = Terminal::open().await;
    let set = answer(&terminal.run(&["settings", "registration", "set", "--auto-approve-customers", "true"]).await);
    for line in ["auto_approve_customers      true", "require_id_number           true", "welcome_sms_template        Karibu {name}"] {
        assert!(set.lines().any(|shown| shown == line), "{line}: {set}");
    }
    assert_eq!(terminal.run(&["settings", "registration", "set"]).await.status.code(), Some(2), "nothing to change");
    let answered = answer(&terminal.run(&["request", "answer", "srq_1", "--status", "in-progress", "--reply", "We come."]).await);
    assert!(answered.contains("in progress") && answered.contains("We come."), "{answered}");
    assert_eq!(terminal.run(&["request", "answer", "srq_1"]).await.status.code(), Some(2), "neither a state nor an answer");
}
