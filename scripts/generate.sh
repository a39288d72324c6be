#!/usr/bin/env bash
# Makes the generated code anew from proto/: Rust by the test that otherwise compares it, TypeScript by buf.
set -euo pipefail
. "$(dirname "$0")/stage.sh"
scripts/setup.sh rust npm
stage "Rust from proto/" env NETILY_REGENERATE=1 cargo test --quiet -p netily-sdk --no-default-features --test generated
stage "TypeScript from proto/" scripts/generate-ts.sh .
