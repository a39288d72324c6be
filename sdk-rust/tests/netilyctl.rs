//! The binary as a person or a script meets it: what it writes where, and with which code it ends.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use netily_sdk::auth::auth_service_server::{AuthService, AuthServiceServer};
use netily_sdk::auth::*;
use netily_sdk::notify::notification_service_server::{NotificationService, NotificationServiceServer};
use netily_sdk::notify::*;
use netily_sdk::platform::platform_service_server::{PlatformService, PlatformServiceServer};
use netily_sdk::platform::*;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

const SOUND: &str = "sound";

/// A platform whose ledger is sound for the operator called `sound` and broken for everybody else.
struct StandIn;

fn refused(code: Code, reason: &str) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, "netily.io", HashMap::new());
    if code == Code::InvalidArgument {
        details.add_bad_request_violation("rate", "is more than 1");
    }
    Status::with_error_details(code, "Refused by the test.", details)
}

fn person<T>(request: &Request<T>) -> Result<String, Status> {
    let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let identifier = bearer.and_then(|bearer| bearer.strip_prefix("Bearer access-"));
    identifier.map(str::to_owned).ok_or_else(|| refused(Code::Unauthenticated, "UNAUTHENTICATED"))
}

/// A service of [`StandIn`]: the calls that the tests make, and the others, which are refused.
macro_rules! stand_in {
    ($service:ident answers { $($answer:tt)* } and refuses { $($call:ident($request:ident) -> $response:ident;)* }
     $(and streams { $($stream:ident($from:ident) -> $kind:ident of $part:ident;)* })?) => {
        #[tonic::async_trait]
        impl $service for StandIn {
            $($answer)*
            $(async fn $call(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                Err(refused(Code::Unimplemented, "UNIMPLEMENTED"))
            })*
            $($(type $kind = tonic::Streaming<$part>;

            async fn $stream(&self, _: Request<$from>) -> Result<Response<Self::$kind>, Status> {
                Err(refused(Code::Unimplemented, "UNIMPLEMENTED"))
            })*)?
        }
    };
}

stand_in! {
    AuthService answers {
        async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
            let SignInRequest { identifier, password } = request.into_inner();
            if password != "secret" {
                return Err(refused(Code::Unauthenticated, "WRONG_CREDENTIALS"));
            }
            let tokens = Tokens { access: format!("access-{identifier}"), refresh: "refresh".to_owned(), access_expires_at: None };
            let user = User { email: identifier, role: Role::Operator.into(), ..Default::default() };
            Ok(Response::new(SignInResponse { tokens: Some(tokens), user: Some(user) }))
        }

        async fn refresh_token(&self, _: Request<RefreshTokenRequest>) -> Result<Response<RefreshTokenResponse>, Status> {
            Err(refused(Code::Unauthenticated, "REFRESH_TOKEN_INVALID"))
        }

        async fn sign_out(&self, _: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
            Ok(Response::new(SignOutResponse {}))
        }

        async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
            let user = User { email: person(&request)?, ..Default::default() };
            Ok(Response::new(GetMeResponse { user: Some(user) }))
        }

        async fn change_password(&self, request: Request<ChangePasswordRequest>) -> Result<Response<ChangePasswordResponse>, Status> {
            person(&request)?;
            let ChangePasswordRequest { current_password, new_password } = request.into_inner();
            assert_eq!((current_password.as_str(), new_password.as_str()), ("secret", "a new one"));
            Ok(Response::new(ChangePasswordResponse {}))
        }

        async fn accept_invitation(&self, request: Request<AcceptInvitationRequest>) -> Result<Response<AcceptInvitationResponse>, Status> {
            let AcceptInvitationRequest { token, new_password, .. } = request.into_inner();
            assert_eq!((token.as_str(), new_password.as_str()), ("the-token", "a new one"));
            let tokens = Tokens { access: "access-asha".to_owned(), refresh: "refresh".to_owned(), access_expires_at: None };
            Ok(Response::new(AcceptInvitationResponse { tokens: Some(tokens), user: Some(User { email: "asha".to_owned(), ..Default::default() }) }))
        }
    }
    and refuses {
        request_password_reset(RequestPasswordResetRequest) -> RequestPasswordResetResponse;
        reset_password(ResetPasswordRequest) -> ResetPasswordResponse;
        list_sign_ins(ListSignInsRequest) -> ListSignInsResponse;
        end_sign_in(EndSignInRequest) -> EndSignInResponse;
        end_other_sign_ins(EndOtherSignInsRequest) -> EndOtherSignInsResponse;
        get_invitation(GetInvitationRequest) -> GetInvitationResponse;
    }
}

stand_in! {
    PlatformService answers {
        async fn create_isp(&self, request: Request<CreateIspRequest>) -> Result<Response<CreateIspResponse>, Status> {
            let ask = request.into_inner();
            assert!(!ask.request_id.is_empty());
            Ok(Response::new(CreateIspResponse { isp: Some(Isp { slug: ask.slug, ..Default::default() }) }))
        }

        async fn list_isps(&self, _: Request<ListIspsRequest>) -> Result<Response<ListIspsResponse>, Status> {
            let isps = vec![Isp { slug: "yellow".to_owned(), name: "Yellow Net".to_owned(), ..Default::default() }];
            Ok(Response::new(ListIspsResponse { isps, next_page_token: String::new() }))
        }

        async fn set_commission_rate(&self, _: Request<SetCommissionRateRequest>) -> Result<Response<SetCommissionRateResponse>, Status> {
            Err(refused(Code::InvalidArgument, "INVALID_ARGUMENT"))
        }

        async fn check_ledger(&self, request: Request<CheckLedgerRequest>) -> Result<Response<CheckLedgerResponse>, Status> {
            let broken = Violation { invariant: "i01_unbalanced".to_owned(), rows: 2, example: "{}".to_owned() };
            let violations = if person(&request)? == SOUND { vec![] } else { vec![broken] };
            Ok(Response::new(CheckLedgerResponse { violations, invariants_checked: 14, checked_at: None }))
        }

        async fn list_webhook_deliveries(&self, _: Request<ListWebhookDeliveriesRequest>) -> Result<Response<ListWebhookDeliveriesResponse>, Status> {
            Ok(Response::new(ListWebhookDeliveriesResponse::default()))
        }

        async fn rotate_token_keys(&self, _: Request<RotateTokenKeysRequest>) -> Result<Response<RotateTokenKeysResponse>, Status> {
            let key = |id: &str, signs| TokenKey { id: id.to_owned(), created_at: None, signs };
            Ok(Response::new(RotateTokenKeysResponse { keys: vec![key("key_2", true), key("key_1", false)] }))
        }
    }
    and refuses {
        resend_invitation(ResendInvitationRequest) -> ResendInvitationResponse;
        suspend_isp(SuspendIspRequest) -> SuspendIspResponse;
        reactivate_isp(ReactivateIspRequest) -> ReactivateIspResponse;
        list_audit_events(ListAuditEventsRequest) -> ListAuditEventsResponse;
        run_settlements(RunSettlementsRequest) -> RunSettlementsResponse;
        list_settlements(ListSettlementsRequest) -> ListSettlementsResponse;
        get_settlement(GetSettlementRequest) -> GetSettlementResponse;
        resolve_settlement(ResolveSettlementRequest) -> ResolveSettlementResponse;
        get_payout_status(GetPayoutStatusRequest) -> GetPayoutStatusResponse;
        set_payout_switch(SetPayoutSwitchRequest) -> SetPayoutSwitchResponse;
        unfreeze_payouts(UnfreezePayoutsRequest) -> UnfreezePayoutsResponse;
        list_breaks(ListBreaksRequest) -> ListBreaksResponse;
        close_break(CloseBreakRequest) -> CloseBreakResponse;
        trace(TraceRequest) -> TraceResponse;
        get_platform_report(GetPlatformReportRequest) -> GetPlatformReportResponse;
        freeze_payouts(FreezePayoutsRequest) -> FreezePayoutsResponse;
        list_unmatched(ListUnmatchedRequest) -> ListUnmatchedResponse;
        reopen_month(ReopenMonthRequest) -> ReopenMonthResponse;
        close_month(CloseMonthRequest) -> CloseMonthResponse;
        get_trial_balance(GetTrialBalanceRequest) -> GetTrialBalanceResponse;
        adopt_collection(AdoptCollectionRequest) -> AdoptCollectionResponse;
        write_off(WriteOffRequest) -> WriteOffResponse;
        post_adjustment(PostAdjustmentRequest) -> PostAdjustmentResponse;
        record_owner_movement(RecordOwnerMovementRequest) -> RecordOwnerMovementResponse;
        record_reversal(RecordReversalRequest) -> RecordReversalResponse;
        refund_payment(RefundPaymentRequest) -> RefundPaymentResponse;
        list_refunds(ListRefundsRequest) -> ListRefundsResponse;
        list_repairs(ListRepairsRequest) -> ListRepairsResponse;
        list_approvals(ListApprovalsRequest) -> ListApprovalsResponse;
        withdraw_approval(WithdrawApprovalRequest) -> WithdrawApprovalResponse;
        adopt_payout(AdoptPayoutRequest) -> AdoptPayoutResponse;
        end_uncertainty(EndUncertaintyRequest) -> EndUncertaintyResponse;
    }
    and streams {
        stream_payments(StreamPaymentsRequest) -> StreamPaymentsStream of StreamPaymentsResponse;
        stream_invoices(StreamInvoicesRequest) -> StreamInvoicesStream of StreamInvoicesResponse;
        stream_commissions(StreamCommissionsRequest) -> StreamCommissionsStream of StreamCommissionsResponse;
    }
}

#[tonic::async_trait]
impl NotificationService for StandIn {
    async fn list_templates(&self, request: Request<ListTemplatesRequest>) -> Result<Response<ListTemplatesResponse>, Status> {
        let language = request.into_inner().language;
        let placeholders = vec!["isp".to_owned(), "code".to_owned()];
        let template = Template { kind: TemplateKind::VerifyPhone.into(), language, body: "{isp}: {code}".to_owned(), placeholders, ..Default::default() };
        Ok(Response::new(ListTemplatesResponse { templates: vec![template] }))
    }

    async fn update_template(&self, request: Request<UpdateTemplateRequest>) -> Result<Response<UpdateTemplateResponse>, Status> {
        let UpdateTemplateRequest { kind, language, subject, body } = request.into_inner();
        let template = Template { kind, language, subject, body, is_own: true, ..Default::default() };
        Ok(Response::new(UpdateTemplateResponse { template: Some(template) }))
    }

    async fn reset_template(&self, request: Request<ResetTemplateRequest>) -> Result<Response<ResetTemplateResponse>, Status> {
        let ResetTemplateRequest { kind, language } = request.into_inner();
        Ok(Response::new(ResetTemplateResponse { template: Some(Template { kind, language, ..Default::default() }) }))
    }

    async fn preview_template(&self, request: Request<PreviewTemplateRequest>) -> Result<Response<PreviewTemplateResponse>, Status> {
        let body = request.into_inner().body.replace("{name}", "Wanjiku");
        Ok(Response::new(PreviewTemplateResponse { subject: String::new(), body, sms_parts: 1 }))
    }

    async fn list_messages(&self, request: Request<ListMessagesRequest>) -> Result<Response<ListMessagesResponse>, Status> {
        let state = request.into_inner().state;
        let message = Message { id: "msg_1".to_owned(), kind: TemplateKind::Welcome.into(), state, attempts: 2, ..Default::default() };
        Ok(Response::new(ListMessagesResponse { messages: vec![message], next_page_token: String::new() }))
    }

    async fn retry_message(&self, request: Request<RetryMessageRequest>) -> Result<Response<RetryMessageResponse>, Status> {
        let message = Message { id: request.into_inner().id, state: MessageState::Queued.into(), ..Default::default() };
        Ok(Response::new(RetryMessageResponse { message: Some(message) }))
    }
}

/// A terminal: a server to talk to and a home folder.
struct Terminal {
    server: SocketAddr,
    home: TempDir,
}

impl Terminal {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("an address");
        tokio::spawn(
            Server::builder()
                .add_service(AuthServiceServer::new(StandIn))
                .add_service(NotificationServiceServer::new(StandIn))
                .add_service(PlatformServiceServer::new(StandIn))
                .serve_with_incoming(TcpIncoming::from(listener)),
        );
        Self { server, home: tempfile::tempdir().expect("a home") }
    }

    fn credentials(&self) -> PathBuf {
        self.home.path().join(".config/netily/credentials.json")
    }

    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netilyctl"));
        command.args(arguments).env_clear().envs(environment.iter().copied());
        command.env("HOME", self.home.path()).stdin(Stdio::null());
        if arguments.first() != Some(&"--url") {
            command.env("NETILY_URL", format!("http://{}", self.server));
        }
        tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("a run")
    }

    async fn log_in(&self, identifier: &str) {
        let output = self.run(&["login", identifier], &[("NETILY_PASSWORD", "secret")]).await;
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    }
}

fn answer(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_kept_for_its_owner_alone_until_the_logout() {
    let terminal = Terminal::open().await;
    terminal.log_in("ops").await;
    let mode = std::fs::metadata(terminal.credentials()).expect("credentials").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let who = terminal.run(&["whoami"], &[]).await;
    assert_eq!((who.status.code(), answer(&who)), (Some(0), "e-mail  ops\nrole    unspecified\n".to_owned()));

    assert_eq!(answer(&terminal.run(&["logout"], &[]).await), "Signed out.\n");
    let nobody = terminal.run(&["whoami"], &[]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(errors(&nobody), "UNAUTHENTICATED: Refused by the test.\nSign in with `netilyctl login`.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_from_the_environment_leaves_nothing_behind() {
    let terminal = Terminal::open().await;
    let person = [("NETILY_IDENTIFIER", "ops"), ("NETILY_PASSWORD", "secret")];
    let listed = terminal.run(&["isp", "list"], &person).await;
    assert_eq!(listed.status.code(), Some(0), "{}", errors(&listed));
    assert!(answer(&listed).starts_with("SLUG    NAME        STATUS"), "{}", answer(&listed));
    assert!(!terminal.credentials().exists());

    let wrong = [("NETILY_IDENTIFIER", "ops"), ("NETILY_PASSWORD", "wrong")];
    assert_eq!(terminal.run(&["isp", "list"], &wrong).await.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_check_ends_with_three_on_violations() {
    let terminal = Terminal::open().await;
    terminal.log_in(SOUND).await;
    let sound = terminal.run(&["ledger", "check"], &[]).await;
    assert_eq!((sound.status.code(), answer(&sound)), (Some(0), "Sound: 14 rules hold.\n".to_owned()));

    terminal.log_in("other").await;
    let broken = terminal.run(&["ledger", "check", "--json"], &[]).await;
    assert_eq!(broken.status.code(), Some(3));
    let json: Value = serde_json::from_slice(&broken.stdout).expect("JSON");
    assert_eq!(json["violations"][0]["invariant"], "i01_unbalanced");
    assert_eq!(json["violations"][0]["rows"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_reason_and_fields() {
    let terminal = Terminal::open().await;
    terminal.log_in("ops").await;
    let refused = terminal.run(&["isp", "set-rate", "yellow", "7"], &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(errors(&refused), "INVALID_ARGUMENT: Refused by the test.\n  rate: is more than 1\n");

    let refused = terminal.run(&["--json", "isp", "set-rate", "yellow", "7"], &[]).await;
    let json: Value = serde_json::from_slice(&refused.stderr).expect("JSON");
    assert_eq!(json["error"]["reason"], "INVALID_ARGUMENT");
    assert_eq!(json["error"]["field_violations"][0]["path"], "rate");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isp_is_opened_without_a_password() {
    let terminal = Terminal::open().await;
    terminal.log_in("ops").await;
    let create = ["isp", "create", "green", "--name", "Green", "--owner-email", "o@green.test"];
    let create = [&create[..], &["--owner-first-name", "Amina", "--owner-last-name", "Otieno"]].concat();
    let created = terminal.run(&create, &[]).await;
    assert_eq!(created.status.code(), Some(0), "{}", errors(&created));
    assert!(answer(&created).contains("green"), "{}", answer(&created));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_by_its_link_and_signs_in() {
    let terminal = Terminal::open().await;
    let secrets = [("NETILY_INVITATION", "http://yellow.test/invitation#token=the-token"), ("NETILY_NEW_PASSWORD", "a new one")];
    let joined = terminal.run(&["join"], &secrets).await;
    assert_eq!(joined.status.code(), Some(0), "{}", errors(&joined));
    assert!(answer(&terminal.run(&["whoami"], &[]).await).contains("asha"), "and the sign-in is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_and_keys_are_rotated() {
    let terminal = Terminal::open().await;
    terminal.log_in("ops").await;
    let changed = terminal.run(&["password", "change"], &[("NETILY_PASSWORD", "secret"), ("NETILY_NEW_PASSWORD", "a new one")]).await;
    assert_eq!(changed.status.code(), Some(0), "{}", errors(&changed));
    let rotated = answer(&terminal.run(&["keys", "rotate"], &[]).await);
    assert_eq!(rotated, "KEY    MADE        DOES\nkey_2  configured  signs and verifies\nkey_1  configured  verifies\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_and_queued_again() {
    let terminal = Terminal::open().await;
    terminal.log_in("staff").await;
    let listed = answer(&terminal.run(&["message", "list", "--state", "failed"], &[]).await);
    let words: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [vec!["WRITTEN", "KIND", "TO", "STATE", "ATTEMPTS", "PROBLEM", "ID"], vec!["welcome", "failed", "2", "msg_1"]]);
    let queued = answer(&terminal.run(&["message", "retry", "msg_1"], &[]).await);
    assert!(queued.contains("state     queued"), "{queued}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_listed_tried_set_and_reset() {
    let terminal = Terminal::open().await;
    terminal.log_in("staff").await;
    let listed = answer(&terminal.run(&["template", "list", "--language", "sw"], &[]).await);
    assert!(listed.contains("verify-phone  sw        no   {isp} {code}  {isp}: {code}"), "{listed}");
    let tried = answer(&terminal.run(&["template", "set", "welcome", "en", "--dry-run", "Karibu {name}!"], &[]).await);
    assert_eq!(tried, "text       Karibu Wanjiku!\nsms parts  1\n");
    let set = terminal.run(&["--json", "template", "set", "welcome", "en", "Karibu {name}!"], &[]).await;
    let json: Value = serde_json::from_slice(&set.stdout).expect("JSON");
    assert_eq!((&json["kind"], &json["body"], &json["is_own"]), (&"TEMPLATE_KIND_WELCOME".into(), &"Karibu {name}!".into(), &true.into()));
    let reset = answer(&terminal.run(&["template", "reset", "welcome", "en"], &[]).await);
    assert_eq!(reset, "kind      welcome\nlanguage  en\nown       no\n");
    let unknown = terminal.run(&["template", "reset", "hello", "en"], &[]).await;
    assert_eq!((unknown.status.code(), errors(&unknown).contains("template list")), (Some(2), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_use_ends_with_two_and_an_absent_server_with_one() {
    let terminal = Terminal::open().await;
    for arguments in [&["frobnicate"][..], &["isp", "set-rate", "yellow"], &["--url", "nonsense", "whoami"]] {
        assert_eq!(terminal.run(arguments, &[]).await.status.code(), Some(2), "{arguments:?}");
    }
    let away = terminal.run(&["--url", "http://127.0.0.1:1", "purchase", "status", "hss_1"], &[]).await;
    assert_eq!(away.status.code(), Some(1));
    assert!(errors(&away).starts_with("UNAVAILABLE: The server cannot be reached"), "{}", errors(&away));
}

#[tokio::test(flavor = "multi_thread")]
async fn help_teaches_with_examples_and_exit_codes() {
    let help = answer(&Terminal::open().await.run(&["--help"], &[]).await);
    for taught in ["Examples:", "Exit codes:", "NETILY_PASSWORD", "netilyctl router check"] {
        assert!(help.contains(taught), "{taught}");
    }
}
