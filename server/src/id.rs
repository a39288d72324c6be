//! Identifiers: a UUID inside, a readable prefix outside. A bare `Uuid` never enters a use case.

use uuid::Uuid;

/// The ISP that stands for the platform itself: its users are the operators.
pub const PLATFORM: IspId = IspId(Uuid::nil());

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// What stands before the UUID in text.
            pub const PREFIX: &'static str = $prefix;

            /// A new one that sorts after older ones (UUIDv7).
            pub fn sortable(now: chrono::DateTime<chrono::Utc>) -> Self {
                let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
                $name(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, now.timestamp_subsec_nanos())))
            }

            /// Not after any sortable one that is made at this moment or later: for ranges of time over keys.
            pub fn earliest(at: chrono::DateTime<chrono::Utc>) -> Self {
                let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
                $name(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
            }

            /// A new one that cannot be guessed (UUIDv4): for ids that are a permission by themselves.
            pub fn unguessable() -> Self {
                $name(Uuid::new_v4())
            }

            /// When a sortable one was made, in milliseconds since 1970.
            pub fn made_at_ms(self) -> Option<u64> {
                let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
                Some(seconds * 1_000 + u64::from(nanos) / 1_000_000)
            }

            /// The UUID inside, for the database.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                $name(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix($prefix)
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map($name)
                    .ok_or(concat!("must be an id that begins with ", $prefix))
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                <Uuid as diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg>>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                <Uuid as diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg>>::from_sql(value).map($name)
            }
        }
    };
}

id!(
    /// An ISP: the tenant.
    IspId, "isp_");
id!(
    /// A person who signs in.
    UserId, "usr_");
id!(
    /// One sign-in: the family of its refresh tokens.
    SignInId, "sgn_");
id!(
    /// A key that signs access tokens.
    TokenKeyId, "key_");
id!(
    /// A router.
    RouterId, "rtr_");
id!(
    /// A hotspot plan.
    HotspotPlanId, "hpl_");
id!(
    /// A hotspot purchase; unguessable.
    SessionId, "hss_");
id!(
    /// A customer of an ISP.
    CustomerId, "cus_");
id!(
    /// A service plan: home internet.
    ServicePlanId, "spl_");
id!(
    /// A customer's plan on a router.
    ConnectionId, "con_");
id!(
    /// An invoice to a customer.
    InvoiceId, "inv_");
id!(
    /// Money that an ISP took itself.
    OfflinePaymentId, "ofp_");
id!(
    /// A request of a customer for help or a change.
    ServiceRequestId, "srq_");
id!(
    /// An alert in a customer's app.
    AlertId, "alr_");
id!(
    /// A text message or e-mail.
    MessageId, "msg_");
id!(
    /// A payment.
    PaymentId, "pay_");
id!(
    /// A payment to an ISP.
    SettlementId, "stl_");
id!(
    /// Money that went back to whoever paid; of what the gateway pays, also the id of its settlement.
    RefundId, "rfd_");
id!(
    /// A callback of the gateway.
    DeliveryId, "whd_");
id!(
    /// A transaction of the ledger.
    LedgerId, "led_");
id!(
    /// A job.
    JobId, "job_");
id!(
    /// Any other row: observations, breaks, audit events.
    RowId, "row_");

/// The client's own id of a request: the same id again is the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub Uuid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = PaymentId::unguessable();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "pay_", "isp_0190b5c0a1b27c3d8e4f5a6b7c8d9e0f", "pay_0190b5c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f", "pay_zz90b5c0a1b27c3d8e4f5a6b7c8d9e0f"] {
            assert!(wrong.parse::<PaymentId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = chrono::DateTime::from_timestamp_millis(1_000).expect("a time");
        let late = chrono::DateTime::from_timestamp_millis(2_000).expect("a time");
        assert!(PaymentId::sortable(early).uuid() < PaymentId::sortable(late).uuid());
        assert!(PaymentId::sortable(early).uuid() < PaymentId::earliest(late).uuid());
        assert!(PaymentId::earliest(late).uuid() <= PaymentId::sortable(late).uuid());
    }
}
