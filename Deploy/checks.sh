# shellcheck shell=bash
# What Deploy/run looks at before it does anything: all at once, in plain words.

PROBLEMS=() WARNINGS=()
problem() { PROBLEMS+=("$1"); }
warning() { WARNINGS+=("$1"); }

check_everything() {
    check_system
    check_processor
    check_swift
    check_memory
    check_disk
    check_address
    check_folders
    local line
    for line in "${WARNINGS[@]}"; do printf 'Note: %s\n' "$line"; done
    [ "${#PROBLEMS[@]}" -gt 0 ] || return 0
    printf '\nBefore this can work:\n\n' >&2
    for line in "${PROBLEMS[@]}"; do printf '  * %s\n' "$line" >&2; done
    printf '\nNothing was changed.\n' >&2
    return 1
}

check_system() {
    local id='' version='' name=''
    if [ -r /etc/os-release ]; then
        id=$(. /etc/os-release && printf '%s' "${ID-}")
        version=$(. /etc/os-release && printf '%s' "${VERSION_ID-}")
        name=$(. /etc/os-release && printf '%s' "${PRETTY_NAME-}")
    fi
    if [ "$id" = debian ] && [ "${version%%.*}" -ge 12 ] 2>/dev/null; then return; fi
    # testing and unstable have no number.
    if [ "$id" = debian ] && [ -z "$version" ]; then return; fi
    if command -v apt-get >/dev/null && [ "$id" != debian ]; then
        warning "This is ${name:-not Debian}; it was tried on Debian 12 and later only."
    else
        problem "This is ${name:-an unknown system}. Debian 12 or later is needed."
    fi
}

check_processor() {
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *)
        problem "The processor is $(uname -m); x86_64 or aarch64 is needed."
        return
        ;;
    esac
    # Without it everything works, many times slower: every byte on disk is encrypted.
    grep -qiwE 'aes' /proc/cpuinfo ||
        problem "The processor has no AES instructions, or the virtual machine hides them."
}

check_swift() {
    local major minor
    read -r major minor < <(swift_version) || true
    if [ -z "${major-}" ]; then
        problem "There is no Swift in PATH. Get 6.2 or later from https://www.swift.org/install/linux/ and put its usr/bin into PATH."
    elif [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
        problem "Swift $major.$minor is in PATH; 6.2 or later is needed: https://www.swift.org/install/linux/"
    fi
}

check_memory() {
    local kib mib
    kib=$(awk '/^(MemAvailable|SwapFree):/ { sum += $2 } END { print sum + 0 }' /proc/meminfo)
    mib=$((kib / 1024))
    if sources_changed && [ "$mib" -lt 3072 ]; then
        problem "$mib MiB of memory are free; building needs 3072. Stop something, or add swap."
    elif [ "$mib" -lt 512 ]; then
        problem "$mib MiB of memory are free; the server needs 512."
    fi
}

# The nearest folder above a path that exists.
existing_parent() {
    local path=$1
    while [ ! -d "$path" ]; do path=$(dirname "$path"); done
    printf '%s' "$path"
}

free_mib() { df -Pk "$(existing_parent "$1")" | awk 'NR == 2 { print int($4 / 1024) }'; }

check_disk() {
    local free
    if [ ! -x "$DAEMON" ]; then
        free=$(free_mib "$ROOT")
        [ "$free" -ge 4096 ] ||
            problem "$free MiB are free where this checkout lies; the first build needs 4096."
    fi
    free=$(free_mib "$DATA")
    [ "$free" -ge 2048 ] ||
        problem "$free MiB are free for the data ($DATA); below 1024 the server refuses writes, so at least 2048 are needed."
}

is_loopback() {
    case $1 in 127.* | ::1 | localhost) return 0 ;; *) return 1 ;; esac
}

check_address() {
    case $PORT in
    '' | *[!0-9]*)
        problem "--listen must be ADDRESS:PORT, such as 127.0.0.1:8008."
        return
        ;;
    esac
    if [ "$PORT" -lt 1 ] || [ "$PORT" -gt 65535 ]; then
        problem "Port $PORT does not exist: 1 to 65535."
        return
    fi
    if [ -n "$TLS_CERT" ] || [ -n "$TLS_KEY" ]; then
        if [ -z "$TLS_CERT" ] || [ -z "$TLS_KEY" ]; then
            problem "--tls-cert and --tls-key go together."
        fi
        [ -z "$TLS_CERT" ] || [ -r "$TLS_CERT" ] || problem "$TLS_CERT cannot be read."
        [ -z "$TLS_KEY" ] || [ -r "$TLS_KEY" ] || problem "$TLS_KEY cannot be read."
    elif ! is_loopback "$HOST" && [ -z "$BEHIND_PROXY" ]; then
        problem "Plain HTTP is served on this machine only (127.0.0.1). For $HOST give --tls-cert and --tls-key, or say --behind-proxy if a reverse proxy ends TLS."
    fi
    if [ "$PORT" -lt 1024 ] && [ "$(id -u)" -ne 0 ]; then
        problem "Port $PORT is for root only; take one from 1024 on."
    fi
    local own holder
    own=$(running_pid)
    holder=$(port_holder "$PORT")
    # A server that runs lets nobody but root look into it.
    if [ "$holder" = hidden ] && [ -n "$own" ]; then holder=$own; fi
    if [ -n "$holder" ] && [ "$holder" != "$own" ]; then
        problem "Port $PORT is taken by $(describe_process "$holder"). Stop that, or choose another with --listen $HOST:PORT."
    fi
}

# The process that listens on a TCP port; `?` when it is another user's, `hidden` when it is this
# user's and its files cannot be listed.
port_holder() {
    local hex inode uid link
    printf -v hex '%04X' "$1"
    read -r uid inode < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port="$hex" \
            '$4 == "0A" { split($2, a, ":"); if (a[2] == port) { print $8, $10; exit } }')
    [ -n "$inode" ] || return 0
    for link in /proc/[0-9]*/fd/*; do
        if [ "$(readlink "$link" 2>/dev/null)" = "socket:[$inode]" ]; then
            link=${link#/proc/}
            printf '%s' "${link%%/*}"
            return
        fi
    done
    if [ "$uid" = "$(id -u)" ]; then printf 'hidden'; else printf '?'; fi
}

describe_process() {
    if [ "$1" = '?' ]; then
        printf 'a process of another user (as root, ss -ltnp tells which)'
    elif [ "$1" = hidden ]; then
        printf 'another warblerd of yours, or a process that hides as one does'
    else
        printf '%s (PID %s)' "$(cat "/proc/$1/comm" 2>/dev/null)" "$1"
    fi
}

check_folders() {
    local folder parent
    for folder in "$CONFIG_DIR" "$DATA" "$LOG_DIR" "$RUN_DIR"; do
        parent=$(existing_parent "$folder")
        [ -w "$parent" ] || problem "$folder cannot be made or written: $parent is not yours."
    done
    # sockaddr_un holds 107 bytes.
    [ "${#SOCKET}" -le 107 ] || problem "$SOCKET is too long for a socket: choose a shorter --run-dir."
}
