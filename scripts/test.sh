#!/usr/bin/env bash
# Builds and runs every test. Arguments go to `cargo test`: `scripts/test.sh -p netily postgres` runs a part.
set -euo pipefail
. "$(dirname "$0")/stage.sh"
[ $# -gt 0 ] || set -- --workspace

log=$(mktemp)
trap 'rm -f "$log"' EXIT

run_tests() {
  cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log"
}

# Cargo closes with the empty results of documentation tests: the sum is what a reader looks for.
print_sum() {
  awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d passed, %d failed\n", passed, failed }' "$log"
}

stage "tools" scripts/setup.sh rust postgres npm browser python
stage "build of the tests" cargo test --locked --no-run --quiet "$@"
trap 'print_sum; rm -f "$log"' EXIT
stage "tests" run_tests "$@"
