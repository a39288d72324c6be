# Sourced by the other scripts: names each stage and tells the time it took, and the first failure ends the script.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stage() {
  local name=$1 began=$SECONDS status=0
  shift
  echo "── $name"
  "$@" || status=$?
  if [ "$status" -ne 0 ]; then
    echo "── $name: FAILED after $((SECONDS - began)) s" >&2
    exit "$status"
  fi
  echo "── $name: done in $((SECONDS - began)) s"
}
