//! A server that issues tokens `access-1`, `access-2` … and answers as a test scripts it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::auth::auth_service_server::{AuthService, AuthServiceServer};
use crate::auth::*;
use crate::hotspot::hotspot_service_server::{HotspotService, HotspotServiceServer};
use crate::hotspot::*;
use crate::isp::isp_service_server::{IspService, IspServiceServer};
use crate::isp::*;
use crate::{Client, ClientBuilder};

/// What one opened stream sends before it ends, cleanly or with a status.
pub type Script = (Vec<Purchase>, Option<Status>);

#[derive(Clone)]
pub struct StandIn {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Calls of RefreshToken wait for one of these.
    pub refresh_permits: Arc<Semaphore>,
}

pub struct State {
    /// Number of the tokens that are good now; 0 when nobody is signed in.
    pub generation: u64,
    pub issued: u64,
    pub access_lives: Duration,
    pub refresh_ended: bool,
    pub exchanges: u32,
    /// Metadata of every call, by RPC name, oldest first.
    pub seen: HashMap<&'static str, Vec<MetadataMap>>,
    /// Refusals to answer GetPublicProfile, Purchase and BlockPrompts with before all is well.
    pub refusals: VecDeque<Status>,
    pub request_ids: Vec<String>,
    pub hangs: bool,
    pub streams: VecDeque<Script>,
}

impl StandIn {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let stand_in = Self {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(Mutex::new(State {
                generation: 0,
                issued: 0,
                access_lives: Duration::from_secs(900),
                refresh_ended: false,
                exchanges: 0,
                seen: HashMap::new(),
                refusals: VecDeque::new(),
                request_ids: Vec::new(),
                hangs: false,
                streams: VecDeque::new(),
            })),
            refresh_permits: Arc::new(Semaphore::new(1000)),
        };
        let server = Server::builder()
            .add_service(AuthServiceServer::new(stand_in.clone()))
            .add_service(HotspotServiceServer::new(stand_in.clone()))
            .add_service(IspServiceServer::new(stand_in.clone()))
            .serve_with_incoming(TcpIncoming::from(listener));
        tokio::spawn(server);
        stand_in
    }

    pub fn builder(&self) -> ClientBuilder {
        Client::builder(format!("http://{}", self.address)).tenant("yellow")
    }

    pub fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }

    pub async fn signed_in(&self) -> Client {
        let client = self.client();
        client.sign_in("owner@yellow.test", "secret").await.expect("a sign-in");
        client
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    /// Metadata `name` of every call of this RPC.
    pub fn sent(&self, rpc: &str, name: &str) -> Vec<Option<String>> {
        let text = |metadata: &MetadataMap| metadata.get(name).map(|value| value.to_str().expect("text").to_owned());
        self.state().seen.get(rpc).map(|calls| calls.iter().map(text).collect()).unwrap_or_default()
    }

    fn note<T>(&self, rpc: &'static str, request: &Request<T>) {
        self.state().seen.entry(rpc).or_default().push(request.metadata().clone());
    }

    async fn scripted(&self) -> Result<(), Status> {
        if self.state().hangs {
            std::future::pending::<()>().await;
        }
        match self.state().refusals.pop_front() {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }
}

impl State {
    fn issue(&mut self) -> Tokens {
        self.issued += 1;
        self.generation = self.issued;
        Tokens {
            access: format!("access-{}", self.generation),
            refresh: format!("refresh-{}", self.generation),
            access_expires_at: Some((crate::session::now() + self.access_lives).into()),
        }
    }
}

pub fn refusal(code: Code, reason: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "netily.io", HashMap::new());
    Status::with_error_details(code, "Refused by the test.", details)
}

#[tonic::async_trait]
impl AuthService for StandIn {
    async fn sign_in(&self, request: Request<SignInRequest>) -> Result<Response<SignInResponse>, Status> {
        self.note("SignIn", &request);
        if request.get_ref().password != "secret" {
            return Err(refusal(Code::Unauthenticated, "WRONG_CREDENTIALS"));
        }
        let tokens = Some(self.state().issue());
        Ok(Response::new(SignInResponse { tokens, user: Some(User::default()) }))
    }

    async fn refresh_token(&self, request: Request<RefreshTokenRequest>) -> Result<Response<RefreshTokenResponse>, Status> {
        self.note("RefreshToken", &request);
        self.refresh_permits.acquire().await.expect("an open semaphore").forget();
        let mut state = self.state();
        state.exchanges += 1;
        if state.refresh_ended || request.get_ref().refresh != format!("refresh-{}", state.issued) {
            return Err(refusal(Code::Unauthenticated, "REFRESH_TOKEN_INVALID"));
        }
        Ok(Response::new(RefreshTokenResponse { tokens: Some(state.issue()) }))
    }

    async fn sign_out(&self, request: Request<SignOutRequest>) -> Result<Response<SignOutResponse>, Status> {
        self.note("SignOut", &request);
        self.state().generation = 0;
        Ok(Response::new(SignOutResponse {}))
    }

    async fn get_me(&self, request: Request<GetMeRequest>) -> Result<Response<GetMeResponse>, Status> {
        self.note("GetMe", &request);
        let good = format!("Bearer access-{}", self.state().generation);
        match request.metadata().get("authorization") {
            None => Err(refusal(Code::Unauthenticated, "UNAUTHENTICATED")),
            Some(bearer) if *bearer == good.as_str() => Ok(Response::new(GetMeResponse::default())),
            Some(_) => Err(refusal(Code::Unauthenticated, "TOKEN_INVALID")),
        }
    }

    async fn request_password_reset(&self, _: Request<RequestPasswordResetRequest>) -> Result<Response<RequestPasswordResetResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn reset_password(&self, _: Request<ResetPasswordRequest>) -> Result<Response<ResetPasswordResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn change_password(&self, _: Request<ChangePasswordRequest>) -> Result<Response<ChangePasswordResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn list_sign_ins(&self, _: Request<ListSignInsRequest>) -> Result<Response<ListSignInsResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn end_sign_in(&self, _: Request<EndSignInRequest>) -> Result<Response<EndSignInResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn end_other_sign_ins(&self, _: Request<EndOtherSignInsRequest>) -> Result<Response<EndOtherSignInsResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn get_invitation(&self, _: Request<GetInvitationRequest>) -> Result<Response<GetInvitationResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn accept_invitation(&self, request: Request<AcceptInvitationRequest>) -> Result<Response<AcceptInvitationResponse>, Status> {
        self.note("AcceptInvitation", &request);
        let tokens = Some(self.state().issue());
        Ok(Response::new(AcceptInvitationResponse { tokens, user: Some(User::default()) }))
    }
}

#[tonic::async_trait]
impl IspService for StandIn {
    async fn get_public_profile(&self, request: Request<GetPublicProfileRequest>) -> Result<Response<GetPublicProfileResponse>, Status> {
        self.note("GetPublicProfile", &request);
        self.scripted().await?;
        Ok(Response::new(GetPublicProfileResponse::default()))
    }

    async fn update_branding(&self, _: Request<UpdateBrandingRequest>) -> Result<Response<UpdateBrandingResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn list_staff(&self, _: Request<ListStaffRequest>) -> Result<Response<ListStaffResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn invite_staff(&self, _: Request<InviteStaffRequest>) -> Result<Response<InviteStaffResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn resend_invitation(&self, _: Request<ResendInvitationRequest>) -> Result<Response<ResendInvitationResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn change_staff_role(&self, _: Request<ChangeStaffRoleRequest>) -> Result<Response<ChangeStaffRoleResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn remove_staff(&self, _: Request<RemoveStaffRequest>) -> Result<Response<RemoveStaffResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn list_subscription_plans(
        &self,
        _: Request<crate::isp::ListSubscriptionPlansRequest>,
    ) -> Result<Response<crate::isp::ListSubscriptionPlansResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn get_subscription(&self, _: Request<crate::isp::GetSubscriptionRequest>) -> Result<Response<crate::isp::GetSubscriptionResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn pay_subscription(&self, _: Request<crate::isp::PaySubscriptionRequest>) -> Result<Response<crate::isp::PaySubscriptionResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn schedule_subscription(
        &self,
        _: Request<crate::isp::ScheduleSubscriptionRequest>,
    ) -> Result<Response<crate::isp::ScheduleSubscriptionResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }

    async fn get_subscription_payment(
        &self,
        _: Request<crate::isp::GetSubscriptionPaymentRequest>,
    ) -> Result<Response<crate::isp::GetSubscriptionPaymentResponse>, Status> {
        Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
    }
}

/// Calls that no test makes.
macro_rules! refused {
    ($($name:ident($ask:ty) -> $answer:ty;)*) => {
        #[tonic::async_trait]
        impl HotspotService for StandIn {
            type WatchPurchaseStream = BoxStream<'static, Result<WatchPurchaseResponse, Status>>;

            async fn watch_purchase(
                &self,
                request: Request<WatchPurchaseRequest>,
            ) -> Result<Response<Self::WatchPurchaseStream>, Status> {
                self.note("WatchPurchase", &request);
                let script = self.state().streams.pop_front();
                let (states, end) = script.ok_or_else(|| refusal(Code::NotFound, "NOT_FOUND"))?;
                let states = states.into_iter().map(|state| Ok(WatchPurchaseResponse { purchase: Some(state) }));
                Ok(Response::new(iter(states.chain(end.map(Err)).collect::<Vec<_>>()).boxed()))
            }

            async fn purchase(
                &self,
                request: Request<PurchaseRequest>,
            ) -> Result<Response<PurchaseResponse>, Status> {
                self.note("Purchase", &request);
                self.state().request_ids.push(request.get_ref().request_id.clone());
                self.scripted().await?;
                Ok(Response::new(PurchaseResponse::default()))
            }

            async fn block_prompts(
                &self,
                request: Request<BlockPromptsRequest>,
            ) -> Result<Response<BlockPromptsResponse>, Status> {
                self.note("BlockPrompts", &request);
                self.scripted().await?;
                Ok(Response::new(BlockPromptsResponse::default()))
            }

            $(async fn $name(&self, _: Request<$ask>) -> Result<Response<$answer>, Status> {
                Err(refusal(Code::Unimplemented, "UNIMPLEMENTED"))
            })*
        }
    };
}

refused! {
    list_plans(ListPlansRequest) -> ListPlansResponse;
    get_purchase_status(GetPurchaseStatusRequest) -> GetPurchaseStatusResponse;
    resume_purchase(ResumePurchaseRequest) -> ResumePurchaseResponse;
    create_plan(CreatePlanRequest) -> CreatePlanResponse;
    update_plan(UpdatePlanRequest) -> UpdatePlanResponse;
    archive_plan(ArchivePlanRequest) -> ArchivePlanResponse;
    list_all_plans(ListAllPlansRequest) -> ListAllPlansResponse;
    list_sessions(ListSessionsRequest) -> ListSessionsResponse;
}
