# shellcheck shell=bash
# Runs the stages of Deploy/check and Deploy/test. A failing stage does not hide the next one.
# Each stage prints to the terminal, and what it counted is added up; `finish` prints the closing
# line `N passed, M failed, K skipped` as the very last one.

# shellcheck source=Deploy/shared.sh
. "$(dirname "${BASH_SOURCE[0]}")/shared.sh"
cd "$ROOT" || exit 1

export WARBLER_SHARED=${WARBLER_SHARED:-$ROOT/../shared}
PASSED=0 FAILED=0 SKIPPED=0
SKIP_REASONS=() STAGE_TIMES=() FAILURES=()
STARTED=$SECONDS
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# stage NAME SECONDS COUNTER COMMAND…: COUNTER reads the command's output and status and sets
# counted_passed, counted_failed and counted_skipped.
stage() {
    local name=$1 limit=$2 counter=$3 began=$SECONDS status=0
    shift 3
    printf '\n=== %s\n' "$name"
    # A function cannot be handed to `timeout`; commands here are programs.
    # Of a Swift test run only what did not pass is shown, and the closing line.
    local shown=p
    [ "$counter" != count_swift_testing ] || shown='/^(✘|➜|━|↳|✔ Test run|error:|warning:)/p'
    timeout --kill-after=30 "$limit" "$@" </dev/null 2>&1 | tee "$WORK/output" |
        sed -unE "$shown"
    status=${PIPESTATUS[0]}
    if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
        printf '%s: stopped after %s\n' "$name" "$(span "$limit")"
    fi
    counted_passed=0 counted_failed=0 counted_skipped=0
    "$counter" "$status"
    PASSED=$((PASSED + counted_passed))
    FAILED=$((FAILED + counted_failed))
    SKIPPED=$((SKIPPED + counted_skipped))
    [ "$counted_failed" -eq 0 ] || FAILURES+=("$name")
    local took=$((SECONDS - began))
    STAGE_TIMES+=("$(printf '%-24s %8s   %d passed, %d failed, %d skipped' "$name" \
        "$(span "$took")" "$counted_passed" "$counted_failed" "$counted_skipped")")
    printf -- '--- %s: %s\n' "$name" "$(span "$took")"
    [ "$counted_failed" -eq 0 ]
}

# One thing that works or does not.
count_one() {
    if [ "$1" -eq 0 ]; then counted_passed=1; else counted_failed=1; fi
}

# What Swift Testing prints:
#   ✘ Test "a claim" failed after 0.1 seconds with 1 issue.
#   ➜ Test "a claim" skipped: "why"
#   ➜ Test "a claim" was cancelled after 0.1 seconds: "why"
#   ✔ Test run with 60 tests in 11 suites passed after 1.7 seconds.
count_swift_testing() {
    local status=$1 total failed line
    total=$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\} .*/\1/p' "$WORK/output" |
        awk '{ sum += $1 } END { print sum + 0 }')
    failed=$(grep -E '^[^ ]+ +Test .* failed after [0-9.]+ seconds' "$WORK/output" |
        grep -vc 'Test run with' || true)
    while IFS= read -r line; do
        counted_skipped=$((counted_skipped + 1))
        SKIP_REASONS+=("$(sed -E 's/^[^ ]+ +Test //
            s/ (skipped|was cancelled after [0-9.]+ seconds)[:.] */: /' <<<"$line")")
    done < <(grep -E '^[^ ]+ +Test .* (skipped[:.]|was cancelled after )' "$WORK/output" || true)
    if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || ! grep -q 'Test run with' "$WORK/output"; }
    then
        # A crash prints no closing line; a failing suite without a failing test does not exist.
        printf 'The test process ended with status %d. Its last words:\n' "$status"
        tail -n 20 "$WORK/output" | sed 's/^/    /'
        failed=1
    fi
    counted_failed=$failed
    # The run's own number includes the skipped.
    counted_passed=$((total - failed - counted_skipped))
    [ "$counted_passed" -ge 0 ] || counted_passed=0
}

# Scripts of ours end with `N passed, M failed, K skipped` and print `SKIP name: reason` before.
count_closing_line() {
    local status=$1 line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$WORK/output" | tail -n 1)
    if [ -z "$line" ]; then
        printf 'No closing line; the script ended with status %d.\n' "$status"
        counted_failed=1
        return
    fi
    read -r counted_passed _ counted_failed _ counted_skipped _ <<<"$line"
    counted_skipped=${counted_skipped:-0}
    if [ "$status" -ne 0 ] && [ "$counted_failed" -eq 0 ]; then
        printf 'It counted no failure but ended with status %d.\n' "$status"
        counted_failed=1
    fi
    while IFS= read -r line; do SKIP_REASONS+=("${line#SKIP }"); done \
        < <(grep -E '^SKIP ' "$WORK/output" || true)
}

# Marks a stage that cannot run.
skip_stage() {
    printf '\n=== %s\nskipped: %s\n' "$1" "$2"
    SKIPPED=$((SKIPPED + 1))
    SKIP_REASONS+=("$1: $2")
}

fail_stage() {
    printf '\n=== %s\nfailed: %s\n' "$1" "$2"
    FAILED=$((FAILED + 1))
    FAILURES+=("$1")
}

# --- The stages that check and test have in common --------------------------------------------

# Debian packages the stages need, by name.
prepare_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}" ||
        fail_stage packages "missing: ${missing[*]}"
}

stage_format() {
    stage format 300 count_one swift format lint --strict --parallel --recursive \
        --configuration .swift-format Package.swift Sources Tests
}

stage_scripts() {
    local scripts=()
    mapfile -t scripts < <(grep -rlE '^#!.*\b(ba)?sh\b' Deploy Tests .ci 2>/dev/null | sort)
    if command -v shellcheck >/dev/null; then
        stage scripts 120 count_one shellcheck -x "${scripts[@]}"
    else
        # shellcheck disable=SC2016
        stage scripts 60 count_one bash -c 'for f; do bash -n "$f" || exit 1; done' _ \
            "${scripts[@]}"
    fi
}

# Warnings are errors in every target of ours. Says how far it is every half minute.
stage_build() {
    stage build 3600 count_one Deploy/build-with-progress --build-tests
}

CONFORMANCE='Conformance|RaftInteraction'

stage_unit() {
    stage unit 1500 count_swift_testing swift test "${SWIFT_FLAGS[@]}" --skip-build \
        --skip "$CONFORMANCE"
}

stage_conformance() {
    stage conformance 1500 count_swift_testing swift test "${SWIFT_FLAGS[@]}" --skip-build \
        --filter "$CONFORMANCE"
}

# Prints the summary and the closing line; the status of the whole run.
finish() {
    local line
    printf '\n=== Time by stage\n'
    for line in "${STAGE_TIMES[@]}"; do printf '%s\n' "$line"; done
    printf '%-24s %8s\n' all "$(span $((SECONDS - STARTED)))"
    if [ "${#FAILURES[@]}" -gt 0 ]; then
        printf '\nFailed: %s\n' "${FAILURES[*]}"
    fi
    if [ "$SKIPPED" -gt 0 ]; then
        printf '\nSkipped:\n'
        for line in "${SKIP_REASONS[@]}"; do printf '    %s\n' "$line"; done
    fi
    if [ $((PASSED + FAILED)) -eq 0 ]; then
        printf '\nNothing ran.\n'
        FAILED=1
    fi
    printf '\n%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
    [ "$FAILED" -eq 0 ]
}
