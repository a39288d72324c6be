//! People who sign in.

use netily::actor::Role;
use netily::auth::{NewUser, create_user};
use netily::id::PLATFORM;
use netily::lang::Lang;
use netily_sdk::Client;

use crate::world::World;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Staff of an ISP.
    Staff,
    /// Its owner.
    Owner,
}

impl World {
    /// A client of an ISP with one of its people signed in.
    pub async fn signed_in(&self, slug: &str, access: Access) -> Client {
        let isp = self.seeded.isps.iter().find(|isp| isp.slug == slug).expect("a seeded ISP");
        let person = match access {
            Access::Staff => &isp.staff,
            Access::Owner => &isp.owner,
        };
        let client = self.client(slug);
        client.sign_in(&person.identifier, &person.password).await.expect("a seeded person signs in");
        client
    }

    /// A client of an ISP with its seeded ACTIVE customer signed in.
    pub async fn customer(&self, slug: &str) -> Client {
        let isp = self.seeded.isps.iter().find(|isp| isp.slug == slug).expect("a seeded ISP");
        let client = self.client(slug);
        client.log_in(&isp.customers[0].phone, &isp.customers[0].password).await.expect("a seeded customer signs in");
        client
    }

    /// A client of the platform with another operator signed in than the seeded one.
    pub async fn another_operator(&self) -> Client {
        let (identifier, password) = ("second-operator@netily.example", "the-second-operator");
        let new = NewUser {
            email: Some(identifier.into()),
            phone: None,
            first_name: "Akinyi".into(),
            last_name: "Demo".into(),
            role: Role::Operator,
            password_hash: Some(self.app.passwords.hash(&password.to_owned().into()).await.expect("a hash")),
            lang: Lang::English,
        };
        let now = self.app.clock.now();
        self.app.db.tx(PLATFORM, async |tx| create_user(tx, PLATFORM, &new, now).await).await.expect("an operator");
        let client = self.platform_client();
        client.sign_in(identifier, password).await.expect("the second operator signs in");
        client
    }

    /// A client of the platform with its operator signed in.
    pub async fn operator(&self) -> Client {
        let client = self.platform_client();
        client.sign_in(&self.seeded.operator.identifier, &self.seeded.operator.password).await.expect("the operator signs in");
        client
    }
}
