#!/usr/bin/env bash
# Puts the two Python RouterOS clients that the sandbox is tested with into .venv, once and quietly, and prints the
# interpreter that has them. They are test-time subprocesses only: librouteros is GPL and is never linked or shipped.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="$root/.venv"
packages=(librouteros==4.2.2 RouterOS-api==0.21.0)
done_mark="$venv/.clients-$(printf '%s_' "${packages[@]}")"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

fail() {
    echo "python-clients: $1 Last words: $(tail -n 1 "$log")" >&2
    exit 1
}

# Two test runs at a time must not build the same folder.
exec 9<"${BASH_SOURCE[0]}"
flock 9

if [[ ! -e "$done_mark" ]]; then
    command -v python3 >"$log" || fail "python3 is not installed."
    if ! python3 -c 'import ensurepip, venv' >"$log" 2>&1; then
        if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
            fail "this Python cannot make virtual environments; install the package python3-venv."
        fi
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >"$log" 2>&1 ||
            fail "apt-get could not install python3-venv."
    fi
    python3 -m venv --clear "$venv" >"$log" 2>&1 || fail "the virtual environment $venv could not be made."
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >"$log" 2>&1 ||
        fail "pip could not install ${packages[*]}."
    touch "$done_mark"
fi
echo "$venv/bin/python"
