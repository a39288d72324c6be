#!/usr/bin/env bash
# Generates the TypeScript of the protos into the folder given, below which it lies as below the project's root.
# `npm exec` puts the project's own Node first in the PATH: the generator wants a newer one than Debian's.
set -euo pipefail
cd "$(dirname "$0")/.."
npm exec --loglevel=error -- buf generate --output "${1:-.}"
