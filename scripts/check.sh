#!/usr/bin/env bash
# Everything that can be said about the code without running it. Whether the generated Rust is current, a test says.
set -euo pipefail
. "$(dirname "$0")/stage.sh"

formatted() {
  npm exec --loglevel=error -- buf format --diff --exit-code
}

# Against the last release; before the first one, against the commit before this one (or the last commit, while protos are being
# changed). A wanted break is thus seen once, in the commit that makes it.
breaks_nothing() {
  local base old status=0
  if base=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
    :
  elif ! git diff --quiet HEAD -- proto 2>/dev/null; then
    base=HEAD
  else
    base=HEAD~1
  fi
  if ! git cat-file -e "$base:proto" 2>/dev/null; then
    echo "nothing to compare with: $base is not here or has no proto folder"
    return
  fi
  old=$(mktemp -d)
  git archive "$base" proto | tar -x -C "$old"
  cp buf.yaml "$old"
  echo "compared with $base ($(git rev-parse --short "$base"))"
  npm exec --loglevel=error -- buf breaking --against "$old" || status=$?
  rm -rf "$old"
  return "$status"
}

generated_is_current() {
  local fresh status=0
  fresh=$(mktemp -d)
  scripts/generate-ts.sh "$fresh" && diff -rq "$fresh/sdk-ts/src/gen" sdk-ts/src/gen || status=$?
  rm -rf "$fresh"
  [ "$status" -eq 0 ] || echo "run \`make generate\`: sdk-ts/src/gen differs from proto/" >&2
  return "$status"
}

licences() {
  if cargo deny --version >/dev/null 2>&1; then
    cargo deny --all-features check licenses bans sources
  fi
  npm exec --loglevel=error -- node scripts/licences.mjs
}

stage "tools" scripts/setup.sh rust npm
cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || {
  echo "check: rustfmt or clippy was not found: run 'rustup component add rustfmt clippy' and try again" >&2
  exit 1
}
stage "cargo fmt" cargo fmt --all --check
stage "buf lint" npm exec --loglevel=error -- buf lint
stage "buf format" formatted
stage "buf breaking" breaks_nothing
stage "generated TypeScript" generated_is_current
stage "licences, bans and sources" licences
stage "clippy" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
