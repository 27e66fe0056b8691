# PostgreSQL 15 with SCRAM and fsync on: one server, its data in /tmp, gone when it stops.
# shellcheck shell=bash disable=SC2034
part_packages=(postgresql-15 util-linux)

POSTGRES_BIN=/usr/lib/postgresql/15/bin

# The server refuses to run as root: then the user that its package made runs it. In place of the shell that calls this.
become_postgres() {
    local user=()
    if [ "$(id -u)" -eq 0 ]; then user=(--reuid postgres --regid postgres --init-groups); fi
    cd / || return
    exec setpriv "${user[@]}" --pdeathsig INT "$@"
}

prepare_postgres() {
    POSTGRES_DATA=$(mktemp -d /tmp/apus-postgres-XXXXXX)
    POSTGRES_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s' "$POSTGRES_PASSWORD" >"$POSTGRES_DATA/password"
    if [ "$(id -u)" -eq 0 ]; then chown -R postgres: "$POSTGRES_DATA"; fi
    # Sorted by bytes and in UTF-8, as the embedded engine sorts.
    (become_postgres "$POSTGRES_BIN/initdb" -D "$POSTGRES_DATA/cluster" -A scram-sha-256 -U apus --no-sync \
        --pwfile="$POSTGRES_DATA/password" -E UTF8 --locale=C.UTF-8) >"$PART_DIR/initdb.log" 2>&1 ||
        die "initdb failed, see $PART_DIR/initdb.log"
    cat >>"$POSTGRES_DATA/cluster/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $PART_PORT
unix_socket_directories = '$POSTGRES_DATA'
# Every process of a system has connections to every shard.
max_connections = 300
shared_buffers = 256MB
max_wal_size = 2GB
CONF
    echo "postgres://apus:$POSTGRES_PASSWORD@127.0.0.1:$PART_PORT/postgres" >"$PART_DIR/url"
}

part_prepare() { prepare_postgres; }

# The shell stays as the parent: told to end, it has the server drop its clients, and removes the data.
part_start() {
    local pid
    trap 'kill -INT "$pid" 2>/dev/null; wait "$pid"; rm -rf "${POSTGRES_DATA:?}"; exit 0' TERM INT
    become_postgres "$POSTGRES_BIN/postgres" -D "$POSTGRES_DATA/cluster" &
    pid=$!
    wait "$pid"
    rm -rf "${POSTGRES_DATA:?}"
}
part_healthy() { "$POSTGRES_BIN/pg_isready" -h 127.0.0.1 -p "$PART_PORT"; }
