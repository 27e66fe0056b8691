# ./apus load: loads the running Bazaar, or any URL, and says what it carries.
# shellcheck shell=bash disable=SC2034

load_help() {
    cat <<'HELP'
Usage: ./apus load [SCENARIO] [options]

Loads the running Bazaar honestly: arrivals fixed beforehand, latency from when each was due, the generator's own lag
measured. Only loopback unless --allow-remote is given. Code 3 where something that was asked for was not kept.

  --list                what there is to load with: shopping (the default), orders, replay
  --url URL             load something else, such as http://127.0.0.1:8080/path
  --rate N              arrivals a second; of a shape, the highest
  --duration TIME       how long, such as 30s or 5m
  --shape NAME          constant, ramp, step, spike, soak, day, or stages such as 50:30s,50-400:1m
  --require WHAT        p99=50ms, errors=0.1%, rate=100; may be repeated
  --find-limit WHAT     step to the knee: the highest rate that keeps this, such as p99=50ms, and what gives way first
  --report FILE         a page with plots
  --save FILE           the JSON document; --compare FILE compares with an older one
  --json                the JSON document on stdout

All options: .build/release/bazaar load --help. What the figures mean: Documentation/load.md.

Examples:
  ./apus load --rate 100 --duration 1m --require p99=50ms --report load.html
  ./apus load --find-limit p99=50ms
HELP
}

apus_load() {
    local argument has_data=no
    for argument in "$@"; do
        case $argument in
            -h | --help) load_help; return 0 ;;
            --data | --data=*) has_data=yes ;;
        esac
    done
    build_release bazaar
    # The clone is the home of its data, whatever folder the command is called from.
    if [ "$has_data" = no ]; then set -- "$@" --data "$APUS_ROOT/.apus/bazaar"; fi
    exec "$APUS_ROOT/.build/release/bazaar" load "$@"
}
