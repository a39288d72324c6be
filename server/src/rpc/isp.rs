//! IspService: the public face of the ISP of this subdomain.

use std::sync::Arc;

use netily_sdk::isp as pb;
use netily_sdk::isp::isp_service_server::IspService;
use tonic::{Request, Response, Status};

use super::answer::answer;
use crate::actor::Tenant;
use crate::app::App;
use crate::isp::{self, Profile};

/// The service.
pub struct Isp {
    /// The doors.
    pub app: Arc<App>,
}

#[tonic::async_trait]
impl IspService for Isp {
    async fn get_public_profile(&self, request: Request<pb::GetPublicProfileRequest>) -> Result<Response<pb::GetPublicProfileResponse>, Status> {
        answer(request, async |caller, _| {
            let tenant = caller.isp()?;
            let profile = isp::profile(&self.app, tenant.id).await?;
            Ok(pb::GetPublicProfileResponse { profile: Some(public_profile(tenant, profile)) })
        })
        .await
    }
}

fn public_profile(tenant: &Tenant, Profile { branding, registration }: Profile) -> pb::PublicProfile {
    pb::PublicProfile {
        slug: tenant.slug.clone(),
        display_name: branding.display_name,
        logo_url: branding.logo_url,
        primary_color: branding.primary_color,
        welcome_title: branding.welcome_title,
        welcome_message: branding.welcome_message,
        support_phone: branding.support_phone,
        support_email: branding.support_email,
        allow_self_registration: registration.allow_self_registration,
        require_id_number: registration.require_id_number,
        require_phone_verification: registration.require_phone_verification,
        require_email_verification: registration.require_email_verification,
    }
}
