//! The kinds of breaks, and what each means: how soon people hear of it, what it stops, and what ends it. Pure.

use chrono::TimeDelta;

crate::text_enum! {
    /// What does not agree between the gateway, the routers and the books.
    pub enum BreakKind {
        /// A rule of the ledger does not hold. The reference is the rule, and the ISP where the rows of one break it.
        LedgerViolation = "ledger_violation",
        /// After a restore or a gap, the gateway shows payouts that the books do not know.
        PayoutsAfterRestore = "payouts_after_restore",
        /// The wallet of payouts holds less than the books say.
        WalletShort = "wallet_short",
        /// Money left the wallet that no settlement, refund or movement of ours explains. The reference is the gateway's.
        UnmatchedPayout = "unmatched_payout",
        /// The gateway's answer about a settlement names another reference, amount or phone than ours.
        SettlementAnswerContradicts = "settlement_answer_contradicts",
        /// The gateway paid a settlement with another amount than ours.
        SettlementAmountMismatch = "settlement_amount_mismatch",
        /// The gateway says that a settlement is paid that was never sent.
        SettlementPaidBeforeSent = "settlement_paid_before_sent",
        /// The receipt of a settlement is another payment's.
        SettlementReceiptReused = "settlement_receipt_reused",
        /// A settlement that had failed was paid after all: the ISP's payouts are frozen.
        SettlementLateSuccess = "settlement_late_success",
        /// Nobody could tell for a day what became of a settlement.
        SettlementNeedsReview = "settlement_needs_review",
        /// It is not known whether the gateway took a settlement.
        SettlementUnknown = "settlement_unknown",
        /// The gateway took back money that was credited.
        ReversalSeen = "reversal_seen",
        /// The gateway's answer about a payment names another reference, amount or phone than ours.
        AnswerContradicts = "answer_contradicts",
        /// The gateway says that a payment was paid with another amount.
        AmountMismatch = "amount_mismatch",
        /// The receipt of a payment is another payment's.
        ReceiptReused = "receipt_reused",
        /// The gateway says that a payment is paid whose prompt was never sent.
        PaidBeforeSent = "paid_before_sent",
        /// Money came in that is no payment of ours. The reference is the gateway's.
        UnmatchedCollection = "unmatched_collection",
        /// After three days nobody knows whether a payment went through.
        NoAnswer = "no_answer",
        /// The gateway gave a reference that another payment has.
        ReferenceReused = "reference_reused",
        /// The gateway gives final answers about one payment that cannot be read.
        UnreadableAnswer = "unreadable_answer",
        /// The gateway refuses prompts for a reason that people must mend.
        GatewayRefuses = "gateway_refuses",
        /// The gateway refuses payouts for a reason that people must mend.
        GatewayRefusesPayout = "gateway_refuses_payout",
        /// Prompts of several payers failed in a row by the gateway's fault.
        PromptsFailing = "prompts_failing",
        /// The wallet of payouts does not go round, or will not for long.
        LowFloat = "low_float",
        /// The wallet that the charges of prompts are paid from is nearly empty.
        LowServiceFloat = "low_service_float",
        /// The most that is paid in a day was paid, and somebody waits.
        PayoutCapReached = "payout_cap_reached",
        /// Something waits for longer than it ever should. The reference is the rule that says so.
        WaitsTooLong = "waits_too_long",
        /// The rules were not looked at for hours.
        NoRecentCheck = "no_recent_check",
        /// Not every rule was proven within a day.
        NoFullCheck = "no_full_check",
        /// The gateway's list could not be read to its end for hours.
        ListIncomplete = "list_incomplete",
        /// The journal outside the database cannot be written.
        JournalFailing = "journal_failing",
        /// What the gateway said cannot be kept on disk while the database is away.
        SpoolFailing = "spool_failing",
        /// A guest paid and the router could not be told for a day.
        PaidNotOnline = "paid_not_online",
        /// An ISP paid for the platform and the payment changed nothing.
        SubscriptionNotUsable = "subscription_not_usable",
        /// One thing was paid twice; the second payment is time or balance.
        PaidTwice = "paid_twice",
        /// A payer did not get a refund; Netily and the ISP have it again.
        RefundFailed = "refund_failed",
        /// A customer left with money on the account.
        BalanceOfFormerCustomer = "balance_of_former_customer",
        /// A callback names another amount than ours.
        CallbackContradicts = "callback_contradicts",
        /// A callback named nothing that could be proven.
        CallbackUnproven = "callback_unproven",
    }
}

/// What is stopped while such a break is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Nothing.
    Nothing,
    /// Payouts of the ISP that it is about; of everybody where no single ISP is.
    PayoutsOfIsp,
    /// Every payout.
    AllPayouts,
}

/// What ends a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// It closes itself once it is no longer so. People may close it with a reason; if it is still so, it opens again.
    Itself,
    /// An act of an operator, and nothing else: the money needs a place.
    Act(&'static str),
    /// A reason that a person gives.
    Reason,
}

/// What a kind of break means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often operators are told again while it is open.
    pub again_after: TimeDelta,
    /// What is stopped meanwhile.
    pub stops: Stops,
    /// What ends it.
    pub ended_by: EndedBy,
    /// Whether its amount is money that nobody has explained yet.
    pub is_money: bool,
}

const HOURLY: TimeDelta = TimeDelta::hours(1);
const SIX_HOURLY: TimeDelta = TimeDelta::hours(6);
const DAILY: TimeDelta = TimeDelta::hours(24);

impl BreakKind {
    /// What it means. Operators are told of every kind, by mail and text message, within a minute, those declared first before the others.
    pub const fn policy(self) -> Policy {
        use BreakKind::*;
        const ADOPT: EndedBy = EndedBy::Act("netilyctl collection adopt, or collection write-off");
        const RESOLVE: EndedBy = EndedBy::Act("netilyctl settlement resolve");
        let (again_after, stops, ended_by, is_money) = match self {
            LedgerViolation => (HOURLY, Stops::PayoutsOfIsp, EndedBy::Itself, false),
            PayoutsAfterRestore => (HOURLY, Stops::AllPayouts, EndedBy::Itself, false),
            WalletShort => (HOURLY, Stops::AllPayouts, EndedBy::Itself, false),
            UnmatchedPayout => (HOURLY, Stops::AllPayouts, EndedBy::Act("netilyctl settlement adopt, collection write-off, or repair owner-movement"), true),
            SettlementAnswerContradicts | SettlementAmountMismatch | SettlementPaidBeforeSent | SettlementReceiptReused => {
                (HOURLY, Stops::PayoutsOfIsp, RESOLVE, true)
            }
            SettlementLateSuccess => (HOURLY, Stops::PayoutsOfIsp, EndedBy::Act("netilyctl settlement unfreeze"), true),
            SettlementNeedsReview => (SIX_HOURLY, Stops::PayoutsOfIsp, RESOLVE, true),
            SettlementUnknown => (SIX_HOURLY, Stops::PayoutsOfIsp, EndedBy::Itself, true),
            ReversalSeen => (SIX_HOURLY, Stops::Nothing, EndedBy::Act("netilyctl payment reverse"), true),
            AnswerContradicts | AmountMismatch | ReceiptReused | PaidBeforeSent | UnmatchedCollection => (SIX_HOURLY, Stops::Nothing, ADOPT, true),
            NoAnswer => (DAILY, Stops::Nothing, EndedBy::Reason, true),
            LowFloat | LowServiceFloat => (SIX_HOURLY, Stops::Nothing, EndedBy::Itself, false),
            GatewayRefuses | GatewayRefusesPayout | PromptsFailing => (SIX_HOURLY, Stops::Nothing, EndedBy::Reason, false),
            WaitsTooLong | NoRecentCheck | NoFullCheck | ListIncomplete | JournalFailing | SpoolFailing => (SIX_HOURLY, Stops::Nothing, EndedBy::Itself, false),
            PayoutCapReached => (DAILY, Stops::Nothing, EndedBy::Itself, false),
            ReferenceReused | SubscriptionNotUsable => (DAILY, Stops::Nothing, EndedBy::Reason, true),
            UnreadableAnswer | PaidNotOnline | PaidTwice | RefundFailed | BalanceOfFormerCustomer | CallbackContradicts | CallbackUnproven => {
                (DAILY, Stops::Nothing, EndedBy::Reason, false)
            }
        };
        Policy { again_after, stops, ended_by, is_money }
    }

    /// The words of the kinds whose amounts are unexplained money.
    pub fn money_words() -> Vec<&'static str> {
        BreakKind::ALL.iter().filter(|kind| kind.policy().is_money).map(|kind| kind.as_str()).collect()
    }

    /// The kinds while one of which is open nobody is paid.
    pub fn stopping_all() -> Vec<BreakKind> {
        BreakKind::ALL.iter().copied().filter(|kind| kind.policy().stops == Stops::AllPayouts).collect()
    }

    /// As people read it.
    pub fn in_words(self) -> String {
        self.as_str().replace('_', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_payouts_comes_before_what_stops_nothing() {
        let urgent = |kind: &BreakKind| kind.policy().stops != Stops::Nothing;
        let last = BreakKind::ALL.iter().rposition(urgent).expect("some stop payouts");
        assert!(BreakKind::ALL[..=last].iter().all(urgent), "operators are told in the order of the declaration");
    }
}
