//! Asks for the two wallets: the float from which PayHero takes its fees (when it is empty every prompt is refused), and the
//! one that payouts are paid from. Both are watched; nothing is booked from them.

use super::ask::{self, AskError};
use super::call::{self, Answer};
use super::{Generation, Payhero};

impl Payhero {
    /// Cents in the service wallet, `GET /api/v2/wallets?wallet_type=service_wallet`, a fraction
    /// of a cent rounded. Documented for the legacy API only.
    pub async fn service_wallet_balance(&self) -> Result<i64, AskError> {
        if self.generation == Generation::V2 {
            return Err(AskError::NotOffered("service wallet"));
        }
        let request = self.asking.get(self.url("/api/v2/wallets")).query(&[("wallet_type", "service_wallet")]);
        read(&call::exchange(request).await?)
    }

    /// Cents in the wallet that payouts are paid from, `GET /api/v2/payment_channels/{id}`, a fraction of a cent rounded. Documented
    /// for the legacy API only.
    pub async fn payments_wallet_balance(&self) -> Result<i64, AskError> {
        let (Generation::Legacy, Some(channel)) = (self.generation, self.payout_channel_id) else {
            return Err(AskError::NotOffered("payments wallet"));
        };
        let request = self.asking.get(self.url(&format!("/api/v2/payment_channels/{channel}")));
        let answer = call::exchange(request).await?;
        let plain = ask::object(&answer)?.object("balance_plain");
        plain.and_then(|plain| plain.rounded_cents("balance")).ok_or_else(|| ask::undocumented(&answer))
    }
}

fn read(answer: &Answer) -> Result<i64, AskError> {
    let fields = ask::object(answer)?;
    let shillings = fields.text("currency").is_none_or(|currency| currency == "KES");
    fields.rounded_cents("available_balance").filter(|_| shillings).ok_or_else(|| ask::undocumented(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::payhero::stand_in::{Reply, StandIn};

    #[tokio::test]
    async fn the_balance_is_read_in_cents() {
        let stand = StandIn::start(vec![
            Reply::json(200, r#"{"id":1,"wallet_type":"service_wallet","currency":"KES","available_balance":1510.36}"#),
            Reply::json(200, r#"{"currency":"USD","available_balance":5}"#),
            Reply::json(200, r#"{"success":false,"message":"wallet not found"}"#),
        ])
        .await;
        let client = stand.client(Generation::Legacy);
        assert_eq!(client.service_wallet_balance().await, Ok(151_036));
        for _ in 0..2 {
            let answer = client.service_wallet_balance().await;
            assert!(matches!(answer, Err(AskError::Undocumented { .. })), "{answer:?}");
        }
        assert_eq!(stand.requests()[0].line, "GET /payhero/api/v2/wallets?wallet_type=service_wallet HTTP/1.1");
        let v2 = stand.client(Generation::V2).service_wallet_balance().await;
        assert_eq!(v2, Err(AskError::NotOffered("service wallet")));
    }

    #[tokio::test]
    async fn the_wallet_of_payouts_is_read_in_cents() {
        let stand = StandIn::start(vec![
            Reply::json(200, r#"{"id":16990,"channel_type":"wallet","balance_plain":{"balance":4700,"last_balance":4700}}"#),
            Reply::json(200, r#"{"id":16990,"channel_type":"wallet"}"#),
        ])
        .await;
        let client = stand.client(Generation::Legacy);
        assert_eq!(client.payments_wallet_balance().await, Ok(470_000));
        assert!(matches!(client.payments_wallet_balance().await, Err(AskError::Undocumented { .. })));
        assert_eq!(stand.requests()[0].line, "GET /payhero/api/v2/payment_channels/16990 HTTP/1.1");
        assert_eq!(stand.client(Generation::V2).payments_wallet_balance().await, Err(AskError::NotOffered("payments wallet")));
    }
}
