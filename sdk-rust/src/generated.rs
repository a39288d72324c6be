//! The code made from `proto/` (see `make generate`), included in the module tree that it expects.
//! Nothing is written by hand here but the descriptors' doors.
#![allow(missing_docs, clippy::all, clippy::pedantic, rustdoc::all)]

include!("gen/packages.rs");

/// Every `.proto` file of Netily and what it imports, as an encoded `google.protobuf.FileDescriptorSet`
/// without comments: for gRPC reflection and for code that walks over all services.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptor.bin");
