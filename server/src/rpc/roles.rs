//! Who may call what: one row a method, and nothing without a row. Decides by role only; whose rows are touched is decided by the tenant.

use std::collections::HashSet;
use std::sync::LazyLock;

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::actor::Role;
use crate::error::{Error, Reason, Result};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody. A token that comes along must be valid all the same.
    Public,
    /// Anybody, and a token that comes along is not looked at: it may be the spent one that is about to be renewed.
    SigningIn,
    /// Whoever is signed in.
    SignedIn,
    /// Customers of the ISP.
    Customer,
    /// Staff and owners of the ISP.
    Staff,
    /// Owners of the ISP.
    Owner,
    /// Operators of the platform.
    Operator,
}

impl Who {
    /// Whether a signed-in person of this role may.
    pub const fn includes(self, role: Role) -> bool {
        match self {
            Who::Public | Who::SigningIn | Who::SignedIn => true,
            Who::Customer => matches!(role, Role::Customer),
            Who::Staff => matches!(role, Role::Staff | Role::Owner),
            Who::Owner => matches!(role, Role::Owner),
            Who::Operator => matches!(role, Role::Operator),
        }
    }

    /// Whether one must be signed in.
    pub const fn needs_sign_in(self) -> bool {
        !matches!(self, Who::Public | Who::SigningIn)
    }
}

/// A method of the contract.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// As in the address of a call.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
    /// Whether it answers with a stream.
    pub streams: bool,
}

const fn call(path: &'static str, who: Who) -> Method {
    Method { path, who, streams: false }
}

const fn stream(path: &'static str, who: Who) -> Method {
    Method { path, who, streams: true }
}

/// Every method of the contract.
const METHODS: &[Method] = &[
    call("/netily.auth.v1.AuthService/SignIn", Who::SigningIn),
    call("/netily.auth.v1.AuthService/RefreshToken", Who::SigningIn),
    call("/netily.auth.v1.AuthService/SignOut", Who::SigningIn),
    call("/netily.auth.v1.AuthService/GetMe", Who::SignedIn),
    call("/netily.auth.v1.AuthService/RequestPasswordReset", Who::SigningIn),
    call("/netily.auth.v1.AuthService/ResetPassword", Who::SigningIn),
    call("/netily.auth.v1.AuthService/ChangePassword", Who::SignedIn),
    call("/netily.auth.v1.AuthService/ListSignIns", Who::SignedIn),
    call("/netily.auth.v1.AuthService/EndSignIn", Who::SignedIn),
    call("/netily.auth.v1.AuthService/EndOtherSignIns", Who::SignedIn),
    call("/netily.auth.v1.AuthService/GetInvitation", Who::SigningIn),
    call("/netily.auth.v1.AuthService/AcceptInvitation", Who::SigningIn),
    call("/netily.hotspot.v1.HotspotService/ListPlans", Who::Public),
    call("/netily.hotspot.v1.HotspotService/Purchase", Who::Public),
    call("/netily.hotspot.v1.HotspotService/GetPurchaseStatus", Who::Public),
    stream("/netily.hotspot.v1.HotspotService/WatchPurchase", Who::Public),
    call("/netily.hotspot.v1.HotspotService/ResumePurchase", Who::Public),
    call("/netily.hotspot.v1.HotspotService/BlockPrompts", Who::Public),
    call("/netily.hotspot.v1.HotspotService/CreatePlan", Who::Staff),
    call("/netily.hotspot.v1.HotspotService/UpdatePlan", Who::Staff),
    call("/netily.hotspot.v1.HotspotService/ArchivePlan", Who::Staff),
    call("/netily.hotspot.v1.HotspotService/ListAllPlans", Who::Staff),
    call("/netily.hotspot.v1.HotspotService/ListSessions", Who::Staff),
    call("/netily.router.v1.RouterService/CreateRouter", Who::Staff),
    call("/netily.router.v1.RouterService/ListRouters", Who::Staff),
    call("/netily.router.v1.RouterService/GetRouter", Who::Staff),
    call("/netily.router.v1.RouterService/CheckRouter", Who::Staff),
    call("/netily.router.v1.RouterService/ListActiveSessions", Who::Staff),
    call("/netily.isp.v1.IspService/GetPublicProfile", Who::Public),
    call("/netily.selfservice.v1.SelfService/Register", Who::SigningIn),
    call("/netily.selfservice.v1.SelfService/Login", Who::SigningIn),
    call("/netily.selfservice.v1.SelfService/VerifyPhone", Who::Public),
    call("/netily.selfservice.v1.SelfService/ResendOtp", Who::Public),
    call("/netily.selfservice.v1.SelfService/VerifyEmail", Who::Public),
    call("/netily.selfservice.v1.SelfService/ResendVerificationEmail", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetProfile", Who::Customer),
    call("/netily.selfservice.v1.SelfService/UpdateProfile", Who::Customer),
    call("/netily.selfservice.v1.SelfService/RequestPhoneChange", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ConfirmPhoneChange", Who::Customer),
    call("/netily.selfservice.v1.SelfService/RequestEmailChange", Who::Customer),
    call("/netily.selfservice.v1.SelfService/CloseAccount", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetDashboard", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ListPlans", Who::Public),
    call("/netily.selfservice.v1.SelfService/AcceptInvitation", Who::SigningIn),
    call("/netily.selfservice.v1.SelfService/CreateServiceRequest", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ListServiceRequests", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetServiceRequest", Who::Customer),
    call("/netily.selfservice.v1.SelfService/CancelServiceRequest", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ListAlerts", Who::Customer),
    call("/netily.selfservice.v1.SelfService/MarkAlertRead", Who::Customer),
    call("/netily.selfservice.v1.SelfService/MarkAllAlertsRead", Who::Customer),
    call("/netily.selfservice.v1.SelfService/InitiatePayment", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetPaymentStatus", Who::Customer),
    stream("/netily.selfservice.v1.SelfService/WatchPayment", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ClaimReceipt", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ListPayments", Who::Customer),
    call("/netily.selfservice.v1.SelfService/ListInvoices", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetInvoice", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetInvoicePdf", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetReceiptPdf", Who::Customer),
    call("/netily.selfservice.v1.SelfService/GetStatement", Who::Customer),
    call("/netily.customer.v1.CustomerService/ListCustomers", Who::Staff),
    call("/netily.customer.v1.CustomerService/GetCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/CreateCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/UpdateCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/ApproveCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/RejectCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/SuspendCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/ReactivateCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/CloseCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/GetRegistrationSettings", Who::Staff),
    call("/netily.customer.v1.CustomerService/UpdateRegistrationSettings", Who::Staff),
    call("/netily.customer.v1.CustomerService/ListServiceRequests", Who::Staff),
    call("/netily.customer.v1.CustomerService/UpdateServiceRequest", Who::Staff),
    call("/netily.customer.v1.CustomerService/ExportCustomer", Who::Staff),
    call("/netily.customer.v1.CustomerService/EraseCustomer", Who::Owner),
    call("/netily.isp.v1.IspService/UpdateBranding", Who::Owner),
    call("/netily.isp.v1.IspService/ListSubscriptionPlans", Who::Staff),
    call("/netily.isp.v1.IspService/GetSubscription", Who::Staff),
    call("/netily.isp.v1.IspService/PaySubscription", Who::Owner),
    call("/netily.isp.v1.IspService/ScheduleSubscription", Who::Owner),
    call("/netily.isp.v1.IspService/GetSubscriptionPayment", Who::Staff),
    call("/netily.isp.v1.IspService/ListStaff", Who::Staff),
    call("/netily.isp.v1.IspService/InviteStaff", Who::Owner),
    call("/netily.isp.v1.IspService/ResendInvitation", Who::Owner),
    call("/netily.isp.v1.IspService/ChangeStaffRole", Who::Owner),
    call("/netily.isp.v1.IspService/RemoveStaff", Who::Owner),
    call("/netily.billing.v1.BillingService/ListCommissions", Who::Staff),
    call("/netily.billing.v1.BillingService/CreatePlan", Who::Staff),
    call("/netily.billing.v1.BillingService/UpdatePlan", Who::Staff),
    call("/netily.billing.v1.BillingService/ArchivePlan", Who::Staff),
    call("/netily.billing.v1.BillingService/ListPlans", Who::Staff),
    call("/netily.billing.v1.BillingService/ListPlanVersions", Who::Staff),
    call("/netily.billing.v1.BillingService/CreateConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/UpdateConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/SuspendConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/ResumeConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/EndConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/ListConnections", Who::Staff),
    call("/netily.billing.v1.BillingService/GetConnection", Who::Staff),
    call("/netily.billing.v1.BillingService/InitiatePayment", Who::Staff),
    call("/netily.billing.v1.BillingService/RecordOfflinePayment", Who::Staff),
    call("/netily.billing.v1.BillingService/ConfirmOfflinePayment", Who::Owner),
    call("/netily.billing.v1.BillingService/VoidOfflinePayment", Who::Owner),
    call("/netily.billing.v1.BillingService/ClaimReceipt", Who::Staff),
    call("/netily.billing.v1.BillingService/ListLeftBalances", Who::Staff),
    call("/netily.billing.v1.BillingService/WriteOffBalance", Who::Owner),
    call("/netily.billing.v1.BillingService/RecordBalancePaidBack", Who::Owner),
    call("/netily.billing.v1.BillingService/ListPayments", Who::Staff),
    call("/netily.billing.v1.BillingService/GetPayment", Who::Staff),
    call("/netily.billing.v1.BillingService/CreateInvoice", Who::Staff),
    call("/netily.billing.v1.BillingService/ListInvoices", Who::Staff),
    call("/netily.billing.v1.BillingService/GetInvoice", Who::Staff),
    call("/netily.billing.v1.BillingService/GetInvoicePdf", Who::Staff),
    call("/netily.billing.v1.BillingService/GetReceiptPdf", Who::Staff),
    call("/netily.billing.v1.BillingService/VoidInvoice", Who::Staff),
    call("/netily.billing.v1.BillingService/GetBillingSettings", Who::Staff),
    call("/netily.billing.v1.BillingService/UpdateBillingSettings", Who::Staff),
    call("/netily.billing.v1.BillingService/GetRevenueReport", Who::Staff),
    stream("/netily.billing.v1.BillingService/StreamPayments", Who::Owner),
    stream("/netily.billing.v1.BillingService/StreamInvoices", Who::Owner),
    stream("/netily.billing.v1.BillingService/StreamCommissions", Who::Owner),
    call("/netily.billing.v1.BillingService/GetCustomerStatement", Who::Staff),
    call("/netily.billing.v1.BillingService/PreviewPlanChange", Who::Staff),
    call("/netily.billing.v1.BillingService/ChangePlan", Who::Staff),
    call("/netily.notify.v1.NotificationService/ListTemplates", Who::Staff),
    call("/netily.notify.v1.NotificationService/UpdateTemplate", Who::Staff),
    call("/netily.notify.v1.NotificationService/ResetTemplate", Who::Staff),
    call("/netily.notify.v1.NotificationService/PreviewTemplate", Who::Staff),
    call("/netily.notify.v1.NotificationService/ListMessages", Who::Staff),
    call("/netily.notify.v1.NotificationService/RetryMessage", Who::Staff),
    call("/netily.payout.v1.PayoutService/GetPayoutConfig", Who::Owner),
    call("/netily.payout.v1.PayoutService/SetPayoutConfig", Who::Owner),
    call("/netily.payout.v1.PayoutService/VerifyPayoutConfig", Who::Owner),
    call("/netily.payout.v1.PayoutService/ConfirmPayoutConfig", Who::Owner),
    call("/netily.payout.v1.PayoutService/WithdrawNow", Who::Owner),
    call("/netily.payout.v1.PayoutService/GetBalance", Who::Staff),
    call("/netily.payout.v1.PayoutService/ListSettlements", Who::Staff),
    call("/netily.payout.v1.PayoutService/GetSettlement", Who::Staff),
    call("/netily.payout.v1.PayoutService/GetStatement", Who::Staff),
    call("/netily.payout.v1.PayoutService/Trace", Who::Staff),
    call("/netily.payout.v1.PayoutService/GetDailyReport", Who::Staff),
    stream("/netily.payout.v1.PayoutService/StreamStatement", Who::Staff),
    call("/netily.platform.v1.PlatformService/RunSettlements", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListSettlements", Who::Operator),
    call("/netily.platform.v1.PlatformService/GetSettlement", Who::Operator),
    call("/netily.platform.v1.PlatformService/ResolveSettlement", Who::Operator),
    call("/netily.platform.v1.PlatformService/GetPayoutStatus", Who::Operator),
    call("/netily.platform.v1.PlatformService/SetPayoutSwitch", Who::Operator),
    call("/netily.platform.v1.PlatformService/FreezePayouts", Who::Operator),
    call("/netily.platform.v1.PlatformService/UnfreezePayouts", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListUnmatched", Who::Operator),
    call("/netily.platform.v1.PlatformService/AdoptCollection", Who::Operator),
    call("/netily.platform.v1.PlatformService/WriteOff", Who::Operator),
    call("/netily.platform.v1.PlatformService/PostAdjustment", Who::Operator),
    call("/netily.platform.v1.PlatformService/RecordOwnerMovement", Who::Operator),
    call("/netily.platform.v1.PlatformService/RecordReversal", Who::Operator),
    call("/netily.platform.v1.PlatformService/RefundPayment", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListRefunds", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListRepairs", Who::Operator),
    stream("/netily.platform.v1.PlatformService/StreamPayments", Who::Operator),
    stream("/netily.platform.v1.PlatformService/StreamInvoices", Who::Operator),
    stream("/netily.platform.v1.PlatformService/StreamCommissions", Who::Operator),
    call("/netily.platform.v1.PlatformService/GetTrialBalance", Who::Operator),
    call("/netily.platform.v1.PlatformService/CloseMonth", Who::Operator),
    call("/netily.platform.v1.PlatformService/ReopenMonth", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListApprovals", Who::Operator),
    call("/netily.platform.v1.PlatformService/WithdrawApproval", Who::Operator),
    call("/netily.platform.v1.PlatformService/AdoptPayout", Who::Operator),
    call("/netily.platform.v1.PlatformService/EndUncertainty", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListBreaks", Who::Operator),
    call("/netily.platform.v1.PlatformService/CloseBreak", Who::Operator),
    call("/netily.platform.v1.PlatformService/Trace", Who::Operator),
    call("/netily.platform.v1.PlatformService/GetPlatformReport", Who::Operator),
    call("/netily.platform.v1.PlatformService/CreateIsp", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListIsps", Who::Operator),
    call("/netily.platform.v1.PlatformService/SetCommissionRate", Who::Operator),
    call("/netily.platform.v1.PlatformService/CheckLedger", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListWebhookDeliveries", Who::Operator),
    call("/netily.platform.v1.PlatformService/ResendInvitation", Who::Operator),
    call("/netily.platform.v1.PlatformService/SuspendIsp", Who::Operator),
    call("/netily.platform.v1.PlatformService/ReactivateIsp", Who::Operator),
    call("/netily.platform.v1.PlatformService/RotateTokenKeys", Who::Operator),
    call("/netily.platform.v1.PlatformService/ListAuditEvents", Who::Operator),
];

/// How calls begin that only read.
const READS: [&str; 7] = ["Check", "Get", "List", "Preview", "Stream", "Trace", "Watch"];
/// Calls that a suspended ISP's people may make though they do more than read: what was paid is delivered, nobody's phone is bothered,
/// customers come in to read, everybody's data stays theirs, and whoever must be shut out can be.
const WHILE_SUSPENDED: [&str; 12] = [
    "/netily.hotspot.v1.HotspotService/ResumePurchase",
    "/netily.hotspot.v1.HotspotService/BlockPrompts",
    "/netily.selfservice.v1.SelfService/ClaimReceipt",
    "/netily.billing.v1.BillingService/ClaimReceipt",
    "/netily.selfservice.v1.SelfService/Login",
    "/netily.selfservice.v1.SelfService/AcceptInvitation",
    "/netily.selfservice.v1.SelfService/MarkAlertRead",
    "/netily.selfservice.v1.SelfService/MarkAllAlertsRead",
    "/netily.selfservice.v1.SelfService/CloseAccount",
    "/netily.customer.v1.CustomerService/ExportCustomer",
    "/netily.customer.v1.CustomerService/EraseCustomer",
    "/netily.isp.v1.IspService/RemoveStaff",
];

/// Calls that the people of an ISP may make though Netily is not paid and they do more than read: paying it, everybody's data, and
/// shutting somebody out.
const WHILE_PAST_DUE: [&str; 5] = [
    "/netily.isp.v1.IspService/PaySubscription",
    "/netily.isp.v1.IspService/ScheduleSubscription",
    "/netily.isp.v1.IspService/RemoveStaff",
    "/netily.customer.v1.CustomerService/ExportCustomer",
    "/netily.customer.v1.CustomerService/EraseCustomer",
];

/// Whether a call of the ISP's people is served while Netily is not paid.
pub fn while_past_due(path: &str) -> bool {
    let (_, method) = path.rsplit_once('/').unwrap_or_default();
    READS.iter().any(|read| method.starts_with(read)) || WHILE_PAST_DUE.contains(&path)
}

/// Whether a call is served for an ISP that is suspended: reading, signing in and looking after one's own account. It sells nothing and
/// changes nothing else.
pub fn while_suspended(path: &str) -> bool {
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    service == "/netily.auth.v1.AuthService" || READS.iter().any(|read| method.starts_with(read)) || WHILE_SUSPENDED.contains(&path)
}

/// Health and reflection: gRPC's own services. They know no tenant and no person.
pub fn is_infrastructure(path: &str) -> bool {
    path.starts_with("/grpc.")
}

/// Whether a call answers with a stream. Of gRPC's own services all do, but for the one question of a load balancer.
pub fn streams(path: &str) -> bool {
    if is_infrastructure(path) { path != "/grpc.health.v1.Health/Check" } else { METHODS.iter().any(|method| method.path == path && method.streams) }
}

/// Who may call a path. A path that is no method is `UNIMPLEMENTED`; a method that nobody gave a row to is refused.
pub fn who(path: &str) -> Result<Who> {
    if let Some(method) = METHODS.iter().find(|method| method.path == path) {
        return Ok(method.who);
    }
    if CONTRACT.contains(&(path.to_owned(), false)) || CONTRACT.contains(&(path.to_owned(), true)) {
        tracing::error!(path, "a method without a row in the table of roles was called");
        return Err(Error::new(Reason::PermissionDenied, "Nobody may call this."));
    }
    Err(Error::new(Reason::Unimplemented, "There is no such call."))
}

/// The methods that the contract names, and whether they answer with a stream.
static CONTRACT: LazyLock<HashSet<(String, bool)>> = LazyLock::new(|| {
    let files = FileDescriptorSet::decode(netily_sdk::FILE_DESCRIPTOR_SET).unwrap_or_default().file;
    let mut methods = HashSet::new();
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                methods.insert((format!("/{}.{}/{}", file.package(), service.name(), method.name()), method.server_streaming()));
            }
        }
    }
    methods
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_one_row_and_every_row_a_method() {
        let rows: HashSet<(String, bool)> = METHODS.iter().map(|method| (method.path.to_owned(), method.streams)).collect();
        assert_eq!(rows.len(), METHODS.len(), "a method has two rows");
        assert!(CONTRACT.len() > 20, "the descriptors were not read");
        let mut without_row: Vec<_> = CONTRACT.difference(&rows).collect();
        let mut without_method: Vec<_> = rows.difference(&CONTRACT).collect();
        without_row.sort();
        without_method.sort();
        assert!(without_row.is_empty() && without_method.is_empty(), "without a row: {without_row:?}; without a method: {without_method:?}");
    }

    #[test]
    fn the_platform_is_for_operators_and_nothing_else_is() {
        for method in METHODS {
            assert_eq!(method.who == Who::Operator, method.path.starts_with("/netily.platform."), "{}", method.path);
        }
    }

    #[test]
    fn an_owner_may_what_staff_may_and_an_operator_may_not() {
        assert!(Who::Staff.includes(Role::Staff) && Who::Staff.includes(Role::Owner));
        assert!(!Who::Staff.includes(Role::Operator) && !Who::Staff.includes(Role::Customer));
        assert!(Who::Operator.includes(Role::Operator) && !Who::Operator.includes(Role::Owner));
    }

    #[test]
    fn what_is_an_owners_or_a_customers_is_theirs_alone() {
        for role in [Role::Customer, Role::Staff, Role::Owner, Role::Operator] {
            assert_eq!(Who::Owner.includes(role), role == Role::Owner, "{role:?}");
            assert_eq!(Who::Customer.includes(role), role == Role::Customer, "{role:?}");
            assert!(Who::SignedIn.includes(role), "{role:?}");
        }
        assert!([Who::SignedIn, Who::Customer, Who::Staff, Who::Owner, Who::Operator].into_iter().all(Who::needs_sign_in));
    }

    #[test]
    fn exceptions_for_suspended_isps_are_methods_that_do_more_than_read() {
        for path in WHILE_SUSPENDED {
            assert!(METHODS.iter().any(|method| method.path == path), "{path} is no method");
            assert!(while_suspended(path) && !READS.iter().any(|read| path.rsplit('/').next().is_some_and(|name| name.starts_with(read))), "{path}");
        }
    }

    #[test]
    fn what_is_no_method_is_unimplemented() {
        for path in ["/netily.auth.v1.AuthService/Nothing", "/netily.nothing.v1.NothingService/Nothing", "/", ""] {
            assert_eq!(who(path).err().map(|error| error.reason), Some(Reason::Unimplemented), "{path}");
        }
    }
}
