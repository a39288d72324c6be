#!/usr/bin/env bash
# Builds and starts the demo: run.sh PORT DATA. Ctrl-C reaches the demo itself, which stops what it started.
set -euo pipefail
. "$(dirname "$0")/stage.sh"
stage "tools" scripts/setup.sh rust postgres
stage "build" cargo build --locked -p netily --bin netily
exec cargo run --locked --quiet -p netily --bin netily -- demo --port "$1" --data "$2"
