//! Customers: people who register with an ISP.

use netily_sdk::Client;
use netily_sdk::new_request_id;
use netily_sdk::selfservice::{Customer, Profile, RegisterRequest, VerifyPhoneRequest};

use crate::world::World;

/// The password of everybody who registers in a test.
pub const PASSWORD: &str = "ugali na sukuma";

/// What one of many people fills in. Their phones are far apart, as those of real people are.
pub fn registration(n: u32) -> RegisterRequest {
    RegisterRequest {
        email: format!("person{n}@example.com"),
        phone_number: format!("2547{:08}", 30_000_000 + n * 1_001),
        first_name: "Njeri".into(),
        last_name: format!("Number {n}"),
        password: PASSWORD.into(),
        id_number: String::new(),
        request_id: new_request_id(),
        language: String::new(),
    }
}

/// The six digits in a text message.
pub fn digits(text: &str) -> String {
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
    code.unwrap_or_else(|| panic!("no code in: {text}")).to_owned()
}

impl World {
    /// Sets rules of self-registration of an ISP: `set_rules("yellow", "require_id_number = true")`.
    pub async fn set_rules(&self, slug: &str, rules: &str) {
        let of = format!("tenant_id = (SELECT id FROM public.isp WHERE slug = '{slug}')");
        self.sql().await.run(&format!("UPDATE tenant.registration_settings SET {rules} WHERE {of}")).await;
    }

    /// Runs what is due, and reads the code in the newest text message on a phone.
    pub async fn code_on(&self, phone: &str) -> String {
        self.run_due().await;
        digits(self.sms_on(phone).await.last().expect("a text message"))
    }

    /// Runs what is due, and reads the token in the newest mail to a mailbox.
    pub async fn link_token(&self, mailbox: &str) -> String {
        self.run_due().await;
        let mails = self.mails_to(mailbox).await;
        let text = mails.last().expect("a mail")["text"].as_str().expect("a text").replace("=\r\n", "").replace("=3D", "=");
        let token = text.split_once("#token=").unwrap_or_else(|| panic!("no link in: {text}")).1;
        token.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
    }

    /// Registers one of many people: the client is signed in as them.
    pub async fn registered(&self, slug: &str, n: u32) -> (Client, Customer) {
        let client = self.client(slug);
        let answer = client.register(registration(n)).await.expect("registered");
        (client, answer.customer.expect("a customer"))
    }

    /// Registers one of many people, who proves the phone.
    pub async fn proven(&self, slug: &str, n: u32) -> (Client, Customer) {
        let (client, _) = self.registered(slug, n).await;
        let phone_number = registration(n).phone_number;
        let otp_code = self.code_on(&phone_number).await;
        let answer = client.selfservice().verify_phone(VerifyPhoneRequest { phone_number, otp_code }).await.expect("proven");
        (client, answer.customer.expect("a customer"))
    }

    /// What whoever is signed in sees of the own account.
    pub async fn own_profile(&self, client: &Client) -> Profile {
        client.selfservice().get_profile(Default::default()).await.expect("the own account").profile.expect("a profile")
    }
}
