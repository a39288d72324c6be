//! The ISPs as tenants: finding one by its subdomain, and what it shows of itself.

mod find;
mod profile;

pub use find::{began_at, by_slug, commission_rate, label, slugs, tenant};
pub use profile::{Branding, Profile, Registration, look, name, profile, registration, update_branding};
