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

What else it takes, such as more replicas of a part: .build/release/bazaar up --help

Example:
  ./apus up --port 8080 --data /var/lib/bazaar
HELP
}

apus_up() {
    local pass=() argument has_data=no
    for argument in "$@"; do
        case $argument in
            -h | --help) up_help; return 0 ;;
            --yes) ASSUME_YES=yes ;;
            --no-install) NO_INSTALL=yes ;;
            --data | --data=*) has_data=yes; pass+=("$argument") ;;
            *) pass+=("$argument") ;;
        esac
    done
    build_release bazaar
    # The clone is the home of its data, whatever folder the command is called from.
    [ "$has_data" = yes ] || pass+=(--data "$APUS_ROOT/.apus/bazaar")
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
