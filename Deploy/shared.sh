# shellcheck shell=bash
# What the scripts of this folder share. Sourced, never run.

# shellcheck disable=SC2034
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One configuration serves the tests and everyday work: optimised, assertions on.
# shellcheck disable=SC2034
SWIFT_FLAGS=(-c release -Xswiftc -assert-config -Xswiftc Debug)

# The server that people run is built apart, so that neither build undoes the other: without the
# assertions that are for tests (preconditions stay), and with Swift's runtime inside.
# shellcheck disable=SC2034
SERVER_FLAGS=(-c release --static-swift-stdlib --scratch-path .build-server)

# shellcheck disable=SC2034
BUILD_PACKAGES=(git g++ librocksdb-dev libargon2-dev libssl-dev liblz4-dev)

# The given Debian packages that are not installed.
missing_packages() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            printf '%s\n' "$name"
    done
}

# Installs Debian packages: as root, else by sudo, else prints the line for a person to run.
install_packages() {
    local wanted=("$@") as=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            printf 'Some Debian packages are missing, and sudo is not here. As root, run\n\n'
            printf '    apt-get install -y %s\n\nand start this again.\n' "${wanted[*]}"
            return 1
        fi
        as=(sudo)
        # Without a terminal nobody can type a password.
        [ -t 0 ] || as=(sudo -n)
    fi
    printf 'Installing Debian packages: %s\n' "${wanted[*]}"
    local command=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
        --no-install-recommends "${wanted[@]}")
    if ! "${as[@]}" "${command[@]}" >/dev/null 2>&1 </dev/null; then
        # A list that was never fetched, or is old, is the usual cause.
        "${as[@]}" apt-get update -q >/dev/null 2>&1 </dev/null || true
        if ! "${as[@]}" "${command[@]}" </dev/null; then
            printf '\nThat did not work. As root, run\n\n    apt-get install -y %s\n\n' \
                "${wanted[*]}"
            printf 'and start this again.\n'
            return 1
        fi
    fi
}

# Swift's version as `6 3`; nothing when there is no Swift.
swift_version() {
    command -v swift >/dev/null || return 0
    swift --version 2>/dev/null |
        sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1
}

# 754 → 12m34s
span() {
    if [ "$1" -ge 60 ]; then
        printf '%dm%02ds' "$(($1 / 60))" "$(($1 % 60))"
    else
        printf '%ds' "$1"
    fi
}
