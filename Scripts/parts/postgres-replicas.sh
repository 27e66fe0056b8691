# PostgreSQL 15 with two streaming replicas: three servers on loopback, their data in /tmp, gone when they stop.
# shellcheck shell=bash disable=SC2034,SC2153
# shellcheck source=Scripts/parts/postgres.sh
source "$APUS_ROOT/Scripts/parts/postgres.sh"

POSTGRES_REPLICAS=2

part_prepare() {
    local index port url servers=''
    prepare_postgres
    POSTGRES_PORTS=("$PART_PORT")
    while [ ${#POSTGRES_PORTS[@]} -le "$POSTGRES_REPLICAS" ]; do
        port=$(free_port)
        case " ${POSTGRES_PORTS[*]} " in *" $port "*) ;; *) POSTGRES_PORTS+=("$port") ;; esac
    done
    for index in $(seq "$POSTGRES_REPLICAS"); do servers+="${servers:+,}127.0.0.1:${POSTGRES_PORTS[$index]}"; done
    url=$(cat "$PART_DIR/url")
    echo "$url?replica=$servers" >"$PART_DIR/url"
}

# The shell stays as the parent of all, as for one server.
part_start() {
    local index copy pids=()
    trap 'kill -INT "${pids[@]}" 2>/dev/null; wait; rm -rf "${POSTGRES_DATA:?}"; exit 0' TERM INT
    become_postgres "$POSTGRES_BIN/postgres" -D "$POSTGRES_DATA/cluster" &
    pids=("$!")
    until "$POSTGRES_BIN/pg_isready" -h 127.0.0.1 -p "$PART_PORT" >/dev/null; do
        kill -0 "${pids[@]}" || return 1
        sleep 0.05
    done
    for index in $(seq "$POSTGRES_REPLICAS"); do
        copy="$POSTGRES_DATA/replica-$index"
        (PGPASSWORD=$POSTGRES_PASSWORD become_postgres "$POSTGRES_BIN/pg_basebackup" -h 127.0.0.1 -p "$PART_PORT" -U apus \
            -D "$copy" -R -X stream -c fast --no-sync) || return 1
        echo "port = ${POSTGRES_PORTS[$index]}" >>"$copy/postgresql.conf"
        become_postgres "$POSTGRES_BIN/postgres" -D "$copy" &
        pids+=("$!")
    done
    wait
    rm -rf "${POSTGRES_DATA:?}"
}

part_healthy() {
    local port
    for port in "${POSTGRES_PORTS[@]}"; do "$POSTGRES_BIN/pg_isready" -h 127.0.0.1 -p "$port" || return 1; done
}
