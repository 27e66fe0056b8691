# ./apus up: builds Bazaar and starts it. ./apus ps and the like: ask the system that runs.
# shellcheck shell=bash disable=SC2034

up_help() {
    cat <<'HELP'
Usage: ./apus up [options]

Installs what embedded engines need (asks once before sudo), builds, loads the catalogue and starts Bazaar.
Prints the shop, every block with its URL and the stock client that works on it. Ctrl-C drains, twice ends now.

  --yes                 install what is missing without asking
  --no-install          never install; say what is missing and stop
  --data DIR            where the data lives (default .apus/bazaar in this clone)
  --port N              the shop's port, 0 for any free one
  --dashboard-port N    the dashboard's port, 0 for any free one
  --json                one JSON document on stdout when ready: URLs and process ids
  --one-process         the whole system in one process, services called directly
  --fresh               start from an empty data folder; deletes only a folder that Apus made
  --profile NAME        on real engines, which it installs and starts as './apus parts up' does:
                          web            Redis and PostgreSQL
                          web-mysql      Redis Cluster and MariaDB
                          web-memcached  memcached and PostgreSQL with replicas

What else it takes, such as more replicas of a part: .build/release/bazaar up --help

Example:
  ./apus up --port 8080 --data /var/lib/bazaar
  ./apus up --profile web
HELP
}

# Starts a profile's parts and has the system use them.
use_profile() {
    local parts cache store
    parts=$(profile_parts "$1") || exit 2
    read -r cache store <<<"$parts"
    # shellcheck source=Scripts/parts.sh
    source "$APUS_ROOT/Scripts/parts.sh"
    part_up "$cache" || exit 1
    part_up "$store" || exit 1
    CACHE_URL=$(cat "$PARTS_HOME/$cache/url")
    STORE_URL=$(cat "$PARTS_HOME/$store/url")
    export CACHE_URL STORE_URL
    say "they and their rows go on when Bazaar ends, until: ./apus parts down $cache $store"
}

apus_up() {
    local pass=() has_data=no profile=''
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) up_help; return 0 ;;
            --yes) ASSUME_YES=yes ;;
            --no-install) NO_INSTALL=yes ;;
            --profile) shift; profile=${1:-none} ;;
            --profile=*) profile=${1#--profile=} ;;
            --data | --data=*) has_data=yes; pass+=("$1") ;;
            *) pass+=("$1") ;;
        esac
        shift
    done
    [ -z "$profile" ] || profile_parts "$profile" >/dev/null || exit 2
    build_release bazaar
    [ -z "$profile" ] || use_profile "$profile"
    # The clone is the home of its data, whatever folder the command is called from.
    [ "$has_data" = yes ] || pass+=(--data "$APUS_ROOT/.apus/bazaar${profile:+-$profile}")
    exec "$APUS_ROOT/.build/release/bazaar" up "${pass[@]}"
}

# A command of the system's own command line, for the data folder that ./apus up uses.
apus_system() {
    local has_data=no argument
    for argument in "$@"; do
        case $argument in --data | --data=* | -h | --help) has_data=yes ;; esac
    done
    if [ ! -x "$APUS_ROOT/.build/release/bazaar" ]; then die "Bazaar is not built yet; run ./apus up"; fi
    if [ "$has_data" = no ]; then set -- "$@" --data "$APUS_ROOT/.apus/bazaar"; fi
    exec "$APUS_ROOT/.build/release/bazaar" "$@"
}
