#!/usr/bin/env bash
# Sees to the tools that a target needs and installs what is missing: setup.sh {rust|postgres|npm|browser|python}…
# Says nothing about what is there already. Starts no service and changes nothing outside the package manager's own files.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

# Packages of Debian and its kin, as root or through sudo; their chatter is shown only when something goes wrong.
install_packages() {
  local why=$1 log
  shift
  command -v apt-get >/dev/null ||
    fail "$why is missing and this system has no apt-get: install it (Debian calls it $*) and try again"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "$why is missing: run 'apt-get install $*' as root and try again"
    as_root=(sudo)
  fi
  echo "setup: installing $why (Debian: $*)"
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -o DPkg::Lock::Timeout=300 install -qq -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    fail "$why could not be installed: see the lines above, or install the Debian packages $* by hand"
  fi
  rm -f "$log"
}

setup_rust() {
  command -v cargo >/dev/null || fail "cargo was not found: install the Rust toolchain (1.95 or newer) and try again"
  command -v cc >/dev/null || install_packages "a C compiler for Rust to link with" gcc libc6-dev
}

# The same places, in the same order, as server/src/postgres/binaries.rs.
has_postgres() {
  local folder version folders=()
  if [ -n "${NETILY_PG_BIN:-}" ]; then
    folders=("$NETILY_PG_BIN")
  else
    IFS=: read -ra folders <<<"$PATH"
    folders+=(/usr/lib/postgresql/*/bin)
  fi
  for folder in "${folders[@]}"; do
    if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
      version=$("$folder/postgres" --version | grep -oE '[0-9]+' | head -n 1)
      [ "${version:-0}" -ge 15 ] && return 0
    fi
  done
  return 1
}

setup_postgres() {
  command -v setpriv >/dev/null || install_packages "setpriv" util-linux
  has_postgres && return
  [ -z "${NETILY_PG_BIN:-}" ] ||
    fail "NETILY_PG_BIN is $NETILY_PG_BIN, but that folder does not hold initdb and postgres of version 15 or newer"
  # Debian would create and start a cluster of the system's own, which nobody here asked for: the common part comes first and is
  # told not to, for the moment of this installation only.
  install_packages "PostgreSQL's common files" postgresql-common
  local quiet=/etc/postgresql-common/createcluster.d/netily-setup.conf as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" mkdir -p "$(dirname "$quiet")"
  echo "create_main_cluster = false" | "${as_root[@]}" tee "$quiet" >/dev/null
  trap '"${as_root[@]}" rm -f "$quiet"' EXIT
  install_packages "the PostgreSQL server" postgresql
  "${as_root[@]}" rm -f "$quiet"
  trap - EXIT
  has_postgres || fail "the installed PostgreSQL is older than 15: install a newer one, or name its folder in NETILY_PG_BIN"
}

setup_npm() {
  command -v npm >/dev/null || fail "npm was not found: install Node (20 or newer) with npm and try again"
  # The copy of the lock file that the installation was made from tells whether it is still current.
  local installed_from=node_modules/.installed-from.json
  cmp -s package-lock.json "$installed_from" && return
  echo "setup: installing npm packages"
  npm ci --loglevel=error --no-progress >/dev/null ||
    fail "the npm packages could not be installed: see the lines above"
  cp package-lock.json "$installed_from"
}

setup_browser() {
  [ -n "${NETILY_CHROMIUM:-}" ] && return
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
    install_packages "Chromium for the tests" chromium
}

setup_python() {
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    install_packages "Python with virtual environments for the tests" python3 python3-venv
}

for tool in "$@"; do
  case "$tool" in
    rust | postgres | npm | browser | python) "setup_$tool" ;;
    *) fail "unknown tool $tool: choose among rust, postgres, npm, browser, python" ;;
  esac
done
