#!/usr/bin/env bash
# Builds with optimisation and runs the benchmarks. Arguments go to them.
set -euo pipefail
. "$(dirname "$0")/stage.sh"
stage "tools" scripts/setup.sh rust postgres
stage "build of the benchmarks" cargo bench --locked -p netily-tests --no-run
stage "benchmarks" cargo bench --locked --quiet -p netily-tests -- "$@"
