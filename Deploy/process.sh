# shellcheck shell=bash
# The server as a process: starting it in the background, asking how it is, stopping it.

# The PID of this server, if it runs. A number in a file may belong to somebody else by now, so
# its command line must name our configuration.
running_pid() {
    local pid
    pid=$(cat "$PID_FILE" 2>/dev/null) || return 0
    case $pid in '' | *[!0-9]*) return 0 ;; esac
    local words word
    mapfile -d '' -t words 2>/dev/null <"/proc/$pid/cmdline" || return 0
    for word in "${words[@]}"; do
        [ "$word" != "$CONFIG" ] || printf '%s' "$pid"
    done
}

start_server() {
    (umask 077 && touch "$LOG")
    printf 'Starting.\n'
    LOG_START=$(wc -c <"$LOG")
    # A session of its own: closing the terminal does not reach it. Core files could hold keys.
    (
        umask 077
        ulimit -c 0
        ulimit -n "$(ulimit -Hn)" 2>/dev/null
        cd / || exit 1
        # Descriptor 9 is the lock of this script.
        setsid "$DAEMON" --config "$CONFIG" >>"$LOG" 2>&1 </dev/null 9>&- &
        printf '%s\n' "$!" >"$PID_FILE"
    )
    local pid
    pid=$(cat "$PID_FILE")
    # Until the exec, the command line is still the shell's.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -z "$(running_pid)" ] || return 0
        [ -d "/proc/$pid" ] || break
        sleep 0.1
    done
    [ -n "$(running_pid)" ] || start_failed
}

# Shows what the server said, and what its error code means.
start_failed() {
    local code
    printf '\nThe server did not start. It said:\n\n' >&2
    tail -c "+$((${LOG_START:-0} + 1))" "$LOG" | tail -n 20 | sed 's/^/    /' >&2
    code=$(tail -c "+$((${LOG_START:-0} + 1))" "$LOG" | grep -oE '\bE-[A-Z]+(-[A-Z0-9]+)*\b' |
        tail -n 1)
    if [ -n "$code" ]; then
        printf '\n' >&2
        "$CLI" explain "$code" >&2
    fi
    printf '\nThe whole log: %s\n' "$LOG" >&2
    return 1
}

# The status of GET /readyz, and the body in READY_BODY: by curl, or by bash itself.
readiness() {
    local answer
    if command -v curl >/dev/null; then
        answer=$(curl -sk --noproxy '*' -m 5 -w '\n%{http_code}' "$BASE_URL/readyz" 2>/dev/null)
        printf '%s' "${answer##*$'\n'}"
    elif [ "$SCHEME" = http ]; then
        answer=$(
            exec 2>/dev/null
            exec 3<>"/dev/tcp/$NEAR_HOST/$PORT" || exit
            printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
            timeout 5 head -n 1 <&3
        )
        printf '%s' "$answer" | cut -d' ' -f2
    else
        answer=$("$CLI" status --json --socket "$SOCKET" 2>/dev/null)
        if [[ $answer =~ '"ready": true' ]]; then printf 200; fi
    fi
}

readiness_reasons() {
    command -v curl >/dev/null || return 0
    curl -sk --noproxy '*' -m 5 "$BASE_URL/readyz" 2>/dev/null | tr -d '\n' | cut -c 1-200
}

# A long log takes its time to be replayed: waits as long as the server lives and says why.
wait_until_ready() {
    local began=$SECONDS next=$((SECONDS + 10))
    while [ "$(readiness)" != 200 ]; do
        if [ -z "$(running_pid)" ]; then
            start_failed
            return 1
        fi
        if [ "$SECONDS" -ge "$next" ]; then
            next=$((SECONDS + 10))
            printf '  not ready after %s: %s\n' "$(span $((SECONDS - began)))" "$(readiness_reasons)"
        fi
        if [ $((SECONDS - began)) -ge 1800 ]; then
            printf 'It is still not ready after half an hour; it goes on. Log: %s\n' "$LOG" >&2
            return 1
        fi
        sleep 0.2
    done
}

# Asks it to finish what is under way; after a minute it is ended, which costs no data.
stop_server() {
    local pid began=$SECONDS
    pid=$(running_pid)
    if [ -z "$pid" ]; then
        rm -f "$PID_FILE"
        return 0
    fi
    kill -TERM "$pid" 2>/dev/null || { printf 'PID %s cannot be stopped by you.\n' "$pid" >&2; return 1; }
    while [ -n "$(running_pid)" ]; do
        if [ $((SECONDS - began)) -ge 60 ]; then
            printf 'It did not stop within a minute and is ended; nothing acknowledged is lost.\n'
            kill -KILL "$pid" 2>/dev/null
            sleep 1
            break
        fi
        sleep 0.1
    done
    rm -f "$PID_FILE"
}
