//! Enums whose words stand in the database as text: the enum, its words and their way in and out of a row, written once.

/// Makes an enum with `ALL`, `as_str` and `parse` that rows and queries hold as it is.
///
/// ```ignore
/// text_enum! {
///     /// Where a line stands.
///     pub enum Status { /// Open. Active = "ACTIVE", /// Over. Ended = "ENDED" }
/// }
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $visibility enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every one, in the order in which they are declared.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// As the database writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// From what the database wrote.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
                std::io::Write::write_all(out, self.as_str().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for $name {
            fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                let word = std::str::from_utf8(value.as_bytes())?;
                $name::parse(word).ok_or_else(|| format!(concat!("{:?} is no ", stringify!($name)), word).into())
            }
        }
    };
}

#[cfg(test)]
mod tests {
    text_enum! {
        /// A light.
        pub enum Light {
            /// Stop.
            Red = "RED",
            /// Go.
            Green = "GREEN",
        }
    }

    #[test]
    fn words_read_back_and_strange_ones_do_not() {
        assert!(Light::ALL.iter().all(|light| Light::parse(light.as_str()) == Some(*light)));
        assert_eq!(Light::parse("AMBER"), None);
    }
}
