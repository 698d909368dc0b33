#!/bin/bash
# Warbler as a peer of the benchmarks: one node, everything durable before it is answered.
#   warbler-one.sh setup|start|stop|pids|url WORKDIR
# Settings (environment at setup; kept in WORKDIR/settings):
#   PORT          HTTP port on loopback                            (8208)
#   SERVER_NAME   part of every user ID                            (bench.localhost)
#   REGISTRATION  open | token | closed                            (open)
#   RATE_LIMITS   off lifts limits by --bench; on is as delivered  (off)
#   ENCRYPTION    on; off also switches layer 1 off (--bench only) (on)
# WARBLER_BIN is the folder with warblerd (.build/release of this checkout). A data folder made
# with --bench opens in no normal start, so a change of settings needs another WORKDIR.
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
COMMON=${WARBLER_SHARED:-$ROOT/../shared}/bench/peers/common.sh
if [ -f "$COMMON" ]; then
    # shellcheck source=/dev/null
    . "$COMMON"
else
    set -eu
    usage() {
        echo "usage: $0 {setup|start|stop|pids|url} WORKDIR   (settings: see its head)" >&2
        exit 64
    }
    [ $# -ge 2 ] || usage
    ACTION=$1
    mkdir -p "$2"
    DIR=$(cd "$2" && pwd)
    alive() { [ -f "$DIR/$1.pid" ] && kill -0 "$(head -n1 "$DIR/$1.pid")" 2>/dev/null; }
    run_daemon() {
        local name=$1
        shift
        if alive "$name"; then
            echo "$name already runs" >&2
            return 0
        fi
        setsid nohup "$@" >>"$DIR/$name.log" 2>&1 </dev/null &
        echo $! >"$DIR/$name.pid"
    }
    stop_daemon() {
        alive "$1" || {
            rm -f "$DIR/$1.pid"
            return 0
        }
        local pid
        pid=$(head -n1 "$DIR/$1.pid")
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq 300); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        if kill -0 "$pid" 2>/dev/null; then kill -KILL "$pid" || true; fi
        rm -f "$DIR/$1.pid"
    }
    pid_list() {
        local name
        for name in "$@"; do
            if [ -f "$DIR/$name.pid" ]; then head -n1 "$DIR/$name.pid"; fi
        done | paste -sd,
    }
fi

if [ -f "$DIR/settings" ] && [ "$ACTION" != setup ]; then
    # shellcheck source=/dev/null
    . "$DIR/settings"
fi
PORT=${PORT:-8208}
SERVER_NAME=${SERVER_NAME:-bench.localhost}
REGISTRATION=${REGISTRATION:-open}
RATE_LIMITS=${RATE_LIMITS:-off}
ENCRYPTION=${ENCRYPTION:-on}
WARBLERD=${WARBLER_BIN:-$ROOT/.build/release}/warblerd

FLAGS=()
if [ "$RATE_LIMITS" = off ] || [ "$ENCRYPTION" = off ]; then FLAGS+=(--bench); fi
if [ "$ENCRYPTION" = off ]; then FLAGS+=(--bench-plain); fi

# Until /readyz answers 200, the daemon's end, or a minute.
wait_ready() {
    local answer
    for _ in $(seq 600); do
        if ! alive warblerd; then
            echo "warblerd ended: $(tail -n 3 "$DIR/warblerd.log")" >&2
            return 1
        fi
        answer=$( (exec 3<>"/dev/tcp/127.0.0.1/$PORT" &&
            printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
            head -n1 <&3) 2>/dev/null) || true
        case $answer in *' 200'*) return 0 ;; esac
        sleep 0.1
    done
    echo "not ready on port $PORT: $answer" >&2
    return 1
}

case $ACTION in
setup)
    [ -x "$WARBLERD" ] || {
        echo "$WARBLERD is not built" >&2
        exit 1
    }
    cat >"$DIR/settings" <<S
PORT=$PORT
SERVER_NAME=$SERVER_NAME
REGISTRATION=$REGISTRATION
RATE_LIMITS=$RATE_LIMITS
ENCRYPTION=$ENCRYPTION
S
    if [ ! -f "$DIR/root.key" ]; then
        (umask 077 && od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n' >"$DIR/root.key")
        echo >>"$DIR/root.key"
    fi
    cat >"$DIR/warbler.yaml" <<Y
server:
  name: "$SERVER_NAME"
  registration: $REGISTRATION
  # A token, where one is asked for, stands in a file of its own.
  registration_token_file: $([ "$REGISTRATION" = token ] && echo "\"$DIR/token\"" || echo null)
listen:
  - address: "127.0.0.1"
    port: $PORT
data:
  directory: "$DIR/data"
keys:
  path: "$DIR/root.key"
admin:
  socket_path: "$DIR/admin.sock"
logging:
  level: notice
Y
    if [ "$REGISTRATION" = token ] && [ ! -f "$DIR/token" ]; then
        (umask 077 && echo "${TOKEN:-bench}" >"$DIR/token")
    fi
    ;;
start)
    cd "$DIR"
    run_daemon warblerd "$WARBLERD" --config "$DIR/warbler.yaml" ${FLAGS[@]+"${FLAGS[@]}"}
    wait_ready
    ;;
stop) stop_daemon warblerd ;;
pids) pid_list warblerd ;;
url) echo "http://127.0.0.1:$PORT" ;;
*) usage ;;
esac
