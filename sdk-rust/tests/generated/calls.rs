//! Writes what the SDK has beyond tonic's code: one `…Calls` type a service, whose methods go through the
//! client, and a `Debug` that hides secrets. It decides which calls may be repeated, never when.

use std::collections::BTreeSet;
use std::fmt::Write;

use prost_build::{Method, Service, ServiceGenerator};
use prost_types::FileDescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::method_options::IdempotencyLevel;

/// Fields that no log may hold, whatever message they are in.
const SECRETS: [&str; 7] = ["access", "current_password", "new_password", "otp_code", "password", "refresh", "token"];

/// Beginnings of calls that only read, and two calls whose contract says that they may come twice.
const REPEATABLE: [&str; 6] = ["Check", "Get", "List", "Watch", "RefreshToken", "SignOut"];

/// tonic's own code, and ours behind it.
pub struct SdkGenerator {
    tonic: Box<dyn ServiceGenerator>,
    files: Vec<FileDescriptorProto>,
    /// Full names, with the leading dot, of messages that have a `request_id`.
    with_request_id: BTreeSet<String>,
}

impl SdkGenerator {
    pub fn new(tonic: Box<dyn ServiceGenerator>, files: &[FileDescriptorProto]) -> Self {
        let files = files.to_vec();
        let with_request_id = messages_with(&files, |field| field == "request_id");
        Self { tonic, files, with_request_id }
    }
}

/// Full names, with the leading dot, of messages whose `Debug` is ours.
pub fn secret_messages(files: &[FileDescriptorProto]) -> BTreeSet<String> {
    messages_with(files, |field| SECRETS.contains(&field))
}

fn messages_with(files: &[FileDescriptorProto], wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| file.package().starts_with("netily.")) {
        for message in &file.message_type {
            if message.field.iter().any(|field| wanted(field.name())) {
                names.insert(format!(".{}.{}", file.package(), message.name()));
            }
        }
    }
    names
}

impl ServiceGenerator for SdkGenerator {
    fn generate(&mut self, service: Service, code: &mut String) {
        write_calls(&service, &self.with_request_id, code).expect("writing to a string");
        self.tonic.generate(service, code);
    }

    fn finalize(&mut self, code: &mut String) {
        self.tonic.finalize(code);
    }

    fn finalize_package(&mut self, package: &str, code: &mut String) {
        self.tonic.finalize_package(package, code);
        write_debug(package, &self.files, code).expect("writing to a string");
    }
}

fn write_calls(service: &Service, with_request_id: &BTreeSet<String>, code: &mut String) -> std::fmt::Result {
    let area = service.package.split('.').nth(1).expect("netily.<area>.v1");
    let calls = match service.name.as_str() {
        whole @ "SelfService" => format!("{whole}Calls"), // here the word is no suffix
        name => format!("{}Calls", name.strip_suffix("Service").unwrap_or(name)),
    };
    let path = format!("{}.{}", service.package, service.proto_name);

    service.comments.append_with_indent(0, code);
    writeln!(code, "///\n/// Made by [`Client::{area}`](crate::Client::{area}).")?;
    writeln!(code, "#[derive(Clone, Debug)]\npub struct {calls} {{ client: crate::Client }}")?;
    writeln!(code, "impl crate::Client {{")?;
    writeln!(code, "/// The calls of `{path}`.")?;
    writeln!(code, "pub fn {area}(&self) -> {calls} {{ {calls} {{ client: self.clone() }} }}\n}}")?;
    writeln!(code, "impl {calls} {{")?;
    for method in &service.methods {
        write_call(method, &path, with_request_id.contains(&method.input_proto_type), code)?;
    }
    writeln!(code, "}}")
}

fn write_call(method: &Method, service: &str, has_request_id: bool, code: &mut String) -> std::fmt::Result {
    assert!(!method.client_streaming, "{service}/{}: the client cannot send streams yet", method.proto_name);
    let (name, ask, answer) = (&method.name, &method.input_type, &method.output_type);
    let path = format!("/{service}/{}", method.proto_name);
    let repeat = if has_request_id || is_repeatable(method) { "Safe" } else { "Never" };
    let (answer, act) = match method.server_streaming {
        true => (format!("crate::Streaming<{answer}>"), "open"),
        false => (answer.clone(), "unary"),
    };

    method.comments.append_with_indent(1, code);
    if has_request_id {
        writeln!(code, "    ///\n    /// An empty `request_id` is filled with a new one.")?;
    }
    let mutable = if has_request_id { "mut " } else { "" };
    writeln!(code, "pub async fn {name}(&self, {mutable}ask: {ask}) -> Result<{answer}, crate::Error> {{")?;
    if has_request_id {
        writeln!(code, "crate::request_id::fill(&mut ask.request_id);")?;
    }
    writeln!(code, "self.client.{act}(\"{path}\", crate::retry::Repeat::{repeat}, ask).await\n}}")
}

/// Whether doing it twice is the same as doing it once, even without a `request_id`.
fn is_repeatable(method: &Method) -> bool {
    let declared = method.options.idempotency_level() != IdempotencyLevel::IdempotencyUnknown;
    declared || REPEATABLE.iter().any(|name| method.proto_name.starts_with(name))
}

fn write_debug(package: &str, files: &[FileDescriptorProto], code: &mut String) -> std::fmt::Result {
    let secret = secret_messages(files);
    let own = files.iter().filter(|file| file.package() == package);
    for message in own.flat_map(|file| &file.message_type) {
        if !secret.contains(&format!(".{package}.{}", message.name())) {
            continue;
        }
        let name = message.name();
        writeln!(code, "impl ::core::fmt::Debug for {name} {{")?;
        writeln!(code, "fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")?;
        writeln!(code, "f.debug_struct(\"{name}\")")?;
        for field in &message.field {
            let name = field.name();
            let single = field.label() != Label::Repeated && !field.proto3_optional();
            let shown = match field.r#type() {
                _ if SECRETS.contains(&name) => "\"[secret]\"".to_owned(),
                Type::Enum if single => format!("self.{name}()"),
                _ => format!("self.{name}"),
            };
            writeln!(code, ".field(\"{name}\", &{shown})")?;
        }
        writeln!(code, ".finish()\n}}\n}}")?;
    }
    Ok(())
}
