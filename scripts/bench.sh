#!/usr/bin/env bash
# Builds with optimisation and runs the benchmarks. Arguments go to them.
set -euo pipefail
. "$(dirname "$0")/stage.sh"
stage "tools" scripts/setup.sh rust postgres

# As docs/OPERATIONS.md says a machine with PostgreSQL on it should be set; as it was afterwards.
groups=/proc/sys/kernel/sched_autogroup_enabled
set_groups() { echo "$1" 2>/dev/null >"$groups"; }
if [ "$(cat "$groups" 2>/dev/null)" = 1 ]; then
  if set_groups 0; then
    echo "kernel.sched_autogroup_enabled is 0 until this ends"
    trap 'set_groups 1' EXIT
  else
    echo "kernel.sched_autogroup_enabled is 1 and may not be set: whoever needs the database waits behind passwords" >&2
  fi
fi

stage "build of the benchmarks" cargo bench --locked -p netily-tests --no-run
stage "benchmarks" cargo bench --locked --quiet -p netily-tests -- "$@"
