# ./apus test: starts the real parts and runs every test; nothing is skipped silently.
# shellcheck shell=bash disable=SC2034

TEST_PARTS=(nginx haproxy prometheus otlp redis redis-cluster memcached postgres mariadb)
# Each line: a group's name, and a regular expression of its tests; a test is in the first group that names it. Those that try
# seed after seed without a pause run by themselves: they would keep the threads that others share. So do those that move whole
# stores between shards and servers, which keep the servers busy, those of followers, which compare files as they wait, and the
# tests of the last group, which take long, one after the
# other, and use little of a core: none of them is to start late.
readonly TEST_GROUPS=(
    'seeds ^ApusCacheTests\.(DifferentialTests|MemcachedDifferentialTests|MemcachedParserTests|RESPFuzzTests|MetaResponseTests)/'
    'moves ^ApusStoreTests\.(ReshardTests|ReshardKillTests|HistoryKillTests|PostgresReshardTests|BackupContractTests)/'
    'followers ^ApusStoreTests\.Follower[A-Za-z]*Tests/'
    'data ^(ApusCacheTests|ApusStoreTests)\.'
    'processes ^(BazaarTests\.Faults|ApusDashboardTests\.BrowserTests)/'
)
# So many tests at a time: with all of them at once each would wait for all others, and run into time limits of its own.
TEST_PARALLEL=(--parallel --experimental-maximum-parallelization-width "$((2 + 2 * $(nproc)))")
# Each line: name, passed, failed, seconds.
TEST_STEPS=()
TEST_PASSED=0
TEST_FAILED=0
TEST_PARTS_STARTED=()
# Groups that say nothing about the build at hand.
TEST_LEFT_OUT=

test_help() {
    cat <<'HELP'
Usage: ./apus test [options]

Installs what tests need, starts the real parts on loopback, checks format, builds with warnings as errors and
runs every test. A skipped test is a failure. The last line is 'N passed, N failed'.

  --filter X            only tests whose name matches X; skips format, benchmarks and examples
  --profile NAME        only Bazaar's tests, on real engines: web (Redis, PostgreSQL), web-mysql (Redis Cluster, MariaDB),
                        web-memcached (memcached, PostgreSQL with replicas)
  --long                adds release tests with 200 rounds of faults and 20,000 seeds a block, then thread and
                        address sanitizers with 100 seeds, and writes Benchmarks/results/test-long.json
  --seed N              repeat a run's random choices
  --yes                 install what is missing without asking
  --no-install          never install; say what is missing and stop
  --json                one JSON document on stdout at the end

Example:
  ./apus test --filter ApusHTTPTests --seed 42
HELP
}

# Notes a step's outcome. Usage: note NAME PASSED FAILED SECONDS
note() {
    TEST_STEPS+=("$1 $2 $3 $4")
    TEST_PASSED=$((TEST_PASSED + $2))
    TEST_FAILED=$((TEST_FAILED + $3))
}

# A step that either holds or does not. Usage: check NAME COMMAND...
check() {
    local name=$1 log="$APUS_ROOT/.build/apus-test-$1.log" began=$SECONDS
    shift
    if run_with_progress "$name" "$log" "$@"; then
        note "$name" 1 0 $((SECONDS - began))
    else
        note "$name" 0 1 $((SECONDS - began))
        show_errors "$log"
        say "      the whole log is $log"
        return 1
    fi
}

check_format() {
    local paths=() path
    for path in Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Examples; do
        [ ! -e "$path" ] || paths+=("$path")
    done
    # Build folders of the nested packages hold generated Swift that is not ours to format.
    find "${paths[@]}" -name .build -prune -o -name '*.swift' -print0 | xargs -0 swift format lint --strict --parallel
}

# Builds the tests; a warning of the package manager, such as a file that no target claims, is an error too.
check_build() {
    swift build --build-tests --explicit-target-dependency-import-check error 2>&1 | tee "$APUS_ROOT/.build/apus-warnings.log" ||
        return
    ! grep '^warning: ' "$APUS_ROOT/.build/apus-warnings.log"
}

check_scripts() { shellcheck -x apus .ci/run Scripts/*.sh Scripts/parts/*.sh; }

# Has DocC read every block's contract with the symbols of the debug build: a link that leads nowhere is an error.
check_docs() {
    local bin catalogue name graphs
    # Where the toolchain is, also where "swift" is a wrapper that chooses one.
    bin=$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)\/lib\/swift".*/\1\/bin/p')
    for catalogue in Sources/*/*.docc; do
        name=$(basename "$catalogue" .docc)
        graphs=".build/apus-docs/$name"
        rm -rf "$graphs" "$graphs.doccarchive"
        mkdir -p "$graphs"
        echo "$name"
        "$bin/swift-symbolgraph-extract" -module-name "$name" -target "$(uname -m)-unknown-linux-gnu" \
            -I .build/debug/Modules -Xcc -fmodule-map-file=.build/debug/CLinux.build/module.modulemap \
            -I Sources/CLinux/include -I Sources/COpenSSL -I Sources/CSQLite \
            -I Sources/CPostgres -Xcc -I/usr/include/postgresql -I Sources/CMariaDB -Xcc -I/usr/include/mariadb -minimum-access-level public -skip-synthesized-members \
            -output-dir "$graphs" || return
        "$bin/docc" convert "$catalogue" --additional-symbol-graph-dir "$graphs" --warnings-as-errors \
            --fallback-display-name "$name" --fallback-bundle-identifier "$name" --output-path "$graphs.doccarchive" || return
    done
}

# Runs the test bundle of one build and counts from its report, not from what it prints.
# Usage: run_tests NAME SWIFT-TEST-ARGUMENTS...
run_tests() {
    local name=$1 log="$APUS_ROOT/.build/apus-test-$1.log" report="$APUS_ROOT/.build/apus-test-$1.xml"
    local found="${report%.xml}-swift-testing.xml" began=$SECONDS code=0 ran skipped failed
    shift
    rm -f "$report" "$found"
    run_with_progress "$name tests" "$log" \
        swift test "${TEST_PARALLEL[@]}" --xunit-output "$report" "$@" "${TEST_FILTER[@]}" || code=$?
    if [ ! -s "$found" ]; then
        note "$name" 0 1 $((SECONDS - began))
        show_errors "$log"
        tail -n 5 "$log" >&2
        say "      the tests did not finish; the whole log is $log"
        return 0
    fi
    ran=$(sed -n 's/.*<testsuite .* tests="\([0-9]*\)".*/\1/p' "$found")
    skipped=$(sed -n 's/.*<testsuite .* skipped="\([0-9]*\)".*/\1/p' "$found")
    # A test may record several issues: count tests, not issues.
    failed=$(awk '/<testcase /{hit=0} /<failure/{if (!hit) n++; hit=1} END{print n + 0}' "$found")
    if [ "$skipped" -gt 0 ]; then
        awk '/<testcase /{line=$0} /<skipped/{print line}' "$found" |
            sed 's/.*classname="\([^"]*\)" name="\([^"]*\)".*/skipped: \1 \2/' >&2
        say "      $skipped tests were skipped; here that is a failure"
    fi
    [ "$ran" -gt 0 ] || say "      no test ran"
    if [ "$failed" -gt 0 ]; then grep -aE '^✘' "$log" | head -n 60 >&2 || true; say "      the whole log is $log"; fi
    # The runner may fail where no test did: a crash after the report, an issue outside a test.
    if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
        ran=$((ran + 1))
        tail -n 5 "$log" >&2
    fi
    if [ "$ran" -eq 0 ] && [ "$skipped" -eq 0 ]; then failed=1 ran=1; fi
    note "$name" $((ran - failed)) $((failed + skipped)) $((SECONDS - began))
}

# All tests of a build that is there: those that no group names, then group by group, but for groups in TEST_LEFT_OUT. Tests
# of one process share its threads, and wait for each other the less the fewer they are.
# Usage: run_all NAME SWIFT-TEST-ARGUMENTS...
run_all() {
    local name=$1 group others=() before=() usual=("${TEST_PARALLEL[@]}")
    shift
    for group in "${TEST_GROUPS[@]}"; do others+=(--skip "${group#* }"); done
    run_tests "$name" --skip-build "$@" "${others[@]}"
    for group in "${TEST_GROUPS[@]}"; do
        if [[ " $TEST_LEFT_OUT " == *" ${group%% *} "* ]]; then
            before+=(--skip "${group#* }")
            continue
        fi
        # Suites on threads of their own leave the shared ones idle; with few tests at a time these were seen to end for good.
        # Those that try seeds have nothing to wait for: as many as there are cores.
        case $name-${group%% *} in
            debug-data | release-data | *-moves) TEST_PARALLEL=(--parallel) ;;
            *-seeds | *-followers) TEST_PARALLEL=(--parallel --experimental-maximum-parallelization-width "$(nproc)") ;;
        esac
        run_tests "$name-${group%% *}" --skip-build "$@" --filter "${group#* }" "${before[@]}"
        before+=(--skip "${group#* }")
        TEST_PARALLEL=("${usual[@]}")
    done
}

# Tests of Bazaar that need the files of the embedded engines: they copy, damage, fill or hold them.
readonly FILES_ONLY='BazaarTests\.Faults/(DamageTests|DiskTests)/'

# Bazaar's tests on a profile's engines: one server has all shops, so they come one after the other.
# Usage: run_profile PROFILE NAME SWIFT-TEST-ARGUMENTS...
run_profile() {
    local profile=$1 name=$2 cache store usual=("${TEST_PARALLEL[@]}") filter=("${TEST_FILTER[@]}")
    shift 2
    read -r cache store < <(profile_parts "$profile")
    TEST_PARALLEL=(--no-parallel)
    [ ${#filter[@]} -gt 0 ] || filter=(--filter '^BazaarTests\.')
    APUS_TEST_SHOP_CACHE=$(cat "$PARTS_HOME/$cache/url") APUS_TEST_SHOP_STORE=$(cat "$PARTS_HOME/$store/url") \
        run_tests "$name-$profile" --skip-build "$@" "${filter[@]}" --skip "$FILES_ONLY"
    TEST_PARALLEL=("${usual[@]}")
}

# A copy of the tests built in its own folder. Usage: long_tests NAME SWIFT-FLAGS...
long_tests() {
    local name=$1
    shift
    check "build-$name" swift build --build-tests --scratch-path ".build/$name" "$@" || return 0
    run_all "$name" --scratch-path ".build/$name" "$@"
}

start_parts() {
    local name
    # shellcheck source=Scripts/parts.sh
    source "$APUS_ROOT/Scripts/parts.sh"
    for name in "${TEST_PARTS[@]}"; do
        if ! part_runs "$name"; then TEST_PARTS_STARTED+=("$name"); fi
        part_up "$name" || exit 1
    done
    local line
    while read -r line; do export "${line?}"; done < <(parts_env)
    # The receiver's Python has OpenTelemetry's own classes: tests of the encoding ask them directly.
    export APUS_TEST_OTLP_PYTHON="$APUS_ROOT/.build/venv/otlp/bin/python"
    # Playwright drives Debian's Chromium; Schemathesis and a generator of clients judge the API.
    python_tools browser Tests/Browser/requirements.txt
    export APUS_TEST_BROWSER="$APUS_ROOT/.build/venv/browser/bin/python"
    python_tools api Tests/API/requirements.txt
    export APUS_TEST_SCHEMATHESIS="$APUS_ROOT/.build/venv/api/bin/python"
    # The usual client of Redis for Python uses the embedded cache server.
    python_tools cache Tests/Cache/requirements.txt
    export APUS_TEST_CACHE_PYTHON="$APUS_ROOT/.build/venv/cache/bin/python"
}

stop_parts() {
    local name
    for name in "${TEST_PARTS_STARTED[@]}"; do part_down "$name" 2>/dev/null || true; done
}

# The outcome as one JSON document.
test_json() {
    local step comma='' fields
    printf '{"passed":%d,"failed":%d,"seed":%s,"seconds":%d' "$TEST_PASSED" "$TEST_FAILED" "$APUS_TEST_SEED" "$SECONDS"
    printf ',"command":%s,"commit":%s,"swift":%s,"kernel":%s,"cores":%d,"steps":[' "$(json_string "$TEST_COMMAND")" \
        "$(json_string "$(git rev-parse --short HEAD 2>/dev/null || true)")" "$(json_string "$(swift_version)")" \
        "$(json_string "$(uname -r)")" "$(nproc)"
    for step in "${TEST_STEPS[@]}"; do
        read -ra fields <<<"$step"
        printf '%s{"name":"%s","passed":%d,"failed":%d,"seconds":%d}' "$comma" "${fields[@]}"
        comma=,
    done
    printf ']}\n'
}

apus_test() {
    local long=no json=no filtered='' profile='' problem
    TEST_FILTER=()
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) test_help; return 0 ;;
            --long) long=yes ;;
            --filter) filtered=${2:?--filter needs a name}; TEST_FILTER+=(--filter "$2"); shift ;;
            --profile) profile=${2:?--profile needs a name}; profile_parts "$2" >/dev/null || exit 2; shift ;;
            --seed) APUS_TEST_SEED=${2:?--seed needs a number}; shift ;;
            --yes) ASSUME_YES=yes ;;
            --no-install) NO_INSTALL=yes ;;
            --json) json=yes ;;
            *) usage_error "test does not know '$1'; ./apus test --help" ;;
        esac
        shift
    done
    cd "$APUS_ROOT" || exit
    problem=$(system_problem) || die "$problem"
    problem=$(swift_problem) || die "$problem"
    need_packages "${EMBEDDED_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    mkdir -p .build

    export APUS_TEST_ALL=1
    export APUS_TEST_SEED=${APUS_TEST_SEED:-$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')}
    export APUS_TEST_ROUNDS=${APUS_TEST_ROUNDS:-20} APUS_TEST_SEEDS=${APUS_TEST_SEEDS:-500}
    TEST_COMMAND="./apus test --seed $APUS_TEST_SEED"
    [ -z "$filtered" ] || TEST_COMMAND+=" --filter '$filtered'"
    [ "$long" = no ] || TEST_COMMAND+=" --long"
    if [ -n "$profile" ]; then
        [ "$long" = no ] || usage_error "--profile runs Bazaar's tests alone; leave out --long"
        TEST_COMMAND+=" --profile $profile"
        filtered=${filtered:-profile}
        read -ra TEST_PARTS < <(profile_parts "$profile")
        TEST_PARTS+=(otlp)
    fi
    say "seed $APUS_TEST_SEED; to repeat: $TEST_COMMAND"

    trap stop_parts EXIT
    start_parts

    if [ -z "$filtered" ]; then
        check format check_format || true
        check scripts check_scripts || true
    fi
    if check build check_build; then
        # Tests of whole processes run release builds, as users do.
        check release build_release bazaar || true
        export APUS_TEST_BAZAAR="$APUS_ROOT/.build/release/bazaar"
        if [ -z "$filtered" ]; then
            check docs check_docs || true
            forget_sources Benchmarks
            if check benchmarks swift build --package-path Benchmarks -c release; then
                # Exact counts, not timings: nothing is allocated or retained per request.
                check counts Benchmarks/.build/release/bench-serve --case counts --check || true
            fi
        fi
        forget_sources Examples/Hello
        check hello swift build --package-path Examples/Hello || true
        # Without the engines that need a C library of their own.
        check lean swift build --disable-default-traits --scratch-path .build/lean --target ApusStore || true
        export APUS_TEST_HELLO="$APUS_ROOT/Examples/Hello/.build/debug/hello"
        export APUS_TEST_BENCHMARKS="$APUS_ROOT/Benchmarks/.build/release"
        if [ -n "$profile" ]; then
            run_profile "$profile" debug
        elif [ -z "$filtered" ]; then
            run_all debug
        else
            run_tests debug --skip-build
        fi
        if [ "$long" = yes ]; then
            # The full rounds and seeds run once, in the build that users run; the sanitizers take the usual ones.
            APUS_TEST_ROUNDS=200 APUS_TEST_SEEDS=20000 \
                long_tests release -c release -Xswiftc -enable-testing
            # Fewer tests at a time: a sanitizer makes each slow, and each has a time limit of its own.
            TEST_PARALLEL=(--parallel --experimental-maximum-parallelization-width "$(nproc)")
            export APUS_TEST_SEEDS=100
            # The processes that are killed are the release's, and most seeds are tried on one thread: the former have nothing
            # to do with a sanitizer, the latter nothing with threads.
            TEST_LEFT_OUT='processes seeds'
            TSAN_OPTIONS="suppressions=$APUS_ROOT/Scripts/thread-sanitizer.supp" \
                long_tests thread-sanitizer --sanitize=thread
            TEST_LEFT_OUT=processes
            # A process that is told to end does so with its tasks' memory at hand: that is no leak.
            ASAN_OPTIONS="detect_leaks=0" long_tests address-sanitizer --sanitize=address
            TEST_LEFT_OUT=
        fi
    fi
    stop_parts
    trap - EXIT

    if [ "$long" = yes ]; then
        mkdir -p Benchmarks/results
        test_json >Benchmarks/results/test-long.json
    fi
    if [ "$json" = yes ]; then test_json; fi
    if [ "$TEST_FAILED" -gt 0 ]; then say "to repeat: $TEST_COMMAND"; fi
    if [ "$json" = yes ]; then say "$TEST_PASSED passed, $TEST_FAILED failed"; else echo "$TEST_PASSED passed, $TEST_FAILED failed"; fi
    [ "$TEST_FAILED" -eq 0 ]
}
