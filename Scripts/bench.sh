# ./apus bench: measures against the best alternative, on this machine, in one run.
# shellcheck shell=bash disable=SC2034

bench_help() {
    cat <<HELP
Usage: ./apus bench NAME [--json] [--rounds N] [--case CASE]
       ./apus bench cache --trace FILE [--size N] [--report FILE] [--json]

Builds Benchmarks in release and runs one of: $(bench_known | tr '\n' ' ')
Apus and its peers alternate; figures are medians over the rounds. The result, with the machine, the versions and
the command that made it, is saved as Benchmarks/results/NAME.json. How it is set up: Benchmarks/README.md.

  --json            the saved document on stdout instead of a table
  --rounds N        interleaved rounds (default 5; of shop 3)
  --case CASE       only one case
  --soak SECONDS    of shop: how long the soak takes (default 300)
  --knee VISITORS   of shop: soak at 70% of so many a second, in place of looking for the knee
  --trace FILE      what cache policies would hit on a key sequence, a decimal key a line, plain or .gz
  --size N          entries of the cache; a quarter of the keys unless given. Sizes around it are run too
  --report FILE     where the plot goes (default cache-policies.html)
  --yes             install what is missing without asking
  --no-install      never install; say what is missing and stop

Example:
  ./apus bench edge --case 100B-c64
  ./apus bench cache --trace Data/cache/gli.txt.gz --size 1000
HELP
}

# BenchServe is 'serve': a folder a benchmark, BenchKit is what they share.
bench_known() {
    (cd "$APUS_ROOT/Benchmarks/Sources" && printf '%s\n' Bench* | sed 's/^Bench//' | grep -vx Kit | tr '[:upper:]' '[:lower:]')
}

apus_bench() {
    local name='' pass=() problem log="$APUS_ROOT/.build/apus-bench.log" filtered=no
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) bench_help; return 0 ;;
            --yes) ASSUME_YES=yes ;;
            --no-install) NO_INSTALL=yes ;;
            --json) pass+=(--json) ;;
            --rounds | --case | --soak | --knee | --trace | --size | --report) pass+=("$1" "${2:?$1 needs a value}"); shift ;;
            -*) usage_error "bench does not know '$1'; ./apus bench --help" ;;
            *) [ -z "$name" ] || usage_error "one benchmark at a time"; name=$1 ;;
        esac
        shift
    done
    if [ -z "$name" ]; then bench_help >&2; exit 2; fi
    bench_known | grep -qx -- "$name" || usage_error "there is no benchmark '$name'; known: $(bench_known | tr '\n' ' ')"
    problem=$(system_problem) || die "$problem"
    problem=$(swift_problem) || die "$problem"
    need_packages "${EMBEDDED_PACKAGES[@]}" nginx haproxy wrk hey util-linux \
        redis-server redis-tools memcached libmemcached-dev
    case $name in
        store) need_packages postgresql-15 mariadb-server ;;
        replicas | reshard) need_packages postgresql-15 ;;
    esac
    mkdir -p "$APUS_ROOT/.build" "$APUS_ROOT/Benchmarks/results"
    forget_sources "$APUS_ROOT/Benchmarks"
    if ! run_with_progress "building bench-$name" "$log" \
        swift build --package-path "$APUS_ROOT/Benchmarks" -c release --product "bench-$name"; then
        show_errors "$log"
        die "the build failed; the whole log is $log"
    fi
    if [ "$name" = shop ] || [ "$name" = observe ]; then
        build_release bazaar
        export BENCH_BAZAAR="$APUS_ROOT/.build/release/bazaar"
    fi
    BENCH_COMMIT=$(git -C "$APUS_ROOT" describe --always --dirty 2>/dev/null || true)
    export BENCH_COMMIT
    case $name in
        store) bench_with_servers "$name" postgres mariadb -- "${pass[@]}"; return ;;
        replicas) bench_with_servers "$name" postgres-replicas -- "${pass[@]}"; return ;;
        reshard) bench_with_servers "$name" postgres -- "${pass[@]}"; return ;;
    esac
    exec "$APUS_ROOT/Benchmarks/.build/release/bench-$name" --save "$APUS_ROOT/Benchmarks/results" "${pass[@]}"
}

# The servers that a store is measured on: parts, which are stopped afterwards unless they ran before. Their URLs reach the
# benchmark as BENCH_NAME: postgres is BENCH_POSTGRES.
bench_with_servers() {
    local name=$1 part variable started=()
    shift
    # shellcheck source=Scripts/parts.sh
    source "$APUS_ROOT/Scripts/parts.sh"
    BENCH_STARTED=''
    trap 'for part in $BENCH_STARTED; do part_down "$part"; done' EXIT
    while [ "$1" != -- ]; do
        part=$1
        if ! part_runs "$part"; then started+=("$part"); fi
        BENCH_STARTED="${started[*]}"
        part_up "$part"
        variable="BENCH_$(printf '%s' "$part" | tr 'a-z-' 'A-Z_')"
        export "$variable=$(cat "$PARTS_HOME/$part/url")"
        shift
    done
    shift
    "$APUS_ROOT/Benchmarks/.build/release/bench-$name" --save "$APUS_ROOT/Benchmarks/results" "$@"
}
