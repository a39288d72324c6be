//! Answers as JSON: the mapping of Protocol Buffers with the fields' own names, every field present, and numbers as
//! numbers.

use netily_sdk::FILE_DESCRIPTOR_SET;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// The message as JSON. `null` for a message that is not of Netily's contract, which no command shows.
pub fn of<M: Message + Name>(message: &M) -> Value {
    let value = || {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok()?;
        let descriptor = pool.get_message_by_name(&M::full_name())?;
        let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).ok()?;
        let options = SerializeOptions::new().skip_default_fields(false).stringify_64_bit_integers(false).use_proto_field_name(true);
        dynamic.serialize_with_options(serde_json::value::Serializer, &options).ok()
    };
    value().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use netily_sdk::hotspot::{Purchase, PurchaseStatus};
    use netily_sdk::types::Money;

    use super::*;

    #[test]
    fn names_enums_and_numbers_are_as_in_the_contract() {
        let amount = Some(Money { amount_minor: 1000, currency_code: "KES".to_owned() });
        let purchase = Purchase { status: PurchaseStatus::Paid.into(), amount, ..Default::default() };
        let json = of(&purchase);
        assert_eq!(json["status"], "PURCHASE_STATUS_PAID");
        assert_eq!(json["amount"]["amount_minor"], 1000);
        assert_eq!(json["session_id"], "");
    }
}
