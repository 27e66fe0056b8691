# MariaDB 10.11 with a password and a sync of the disk a commit: one server, its data in /tmp, gone when it stops.
# shellcheck shell=bash disable=SC2034
part_packages=(mariadb-server mariadb-client util-linux)

# The server refuses to run as root: then the user that its package made runs it. In place of the shell that calls this.
become_mariadb() {
    local user=()
    if [ "$(id -u)" -eq 0 ]; then user=(--reuid mysql --regid mysql --init-groups); fi
    cd / || return
    # A server that starts removes what it takes for temporary tables of its own, in a folder shared with others too.
    export TMPDIR=$MARIADB_DATA
    exec setpriv "${user[@]}" --pdeathsig TERM "$@"
}

part_prepare() {
    MARIADB_DATA=$(mktemp -d /tmp/apus-mariadb-XXXXXX)
    MARIADB_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    if [ "$(id -u)" -eq 0 ]; then chown mysql: "$MARIADB_DATA"; fi
    (become_mariadb mariadb-install-db --no-defaults --datadir="$MARIADB_DATA/data" \
        --auth-root-authentication-method=normal --skip-test-db) >"$PART_DIR/install.log" 2>&1 ||
        die "mariadb-install-db failed, see $PART_DIR/install.log"
    cat >"$MARIADB_DATA/init.sql" <<SQL
CREATE USER apus@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON *.* TO apus@'%';
DROP USER root@localhost;
SQL
    if [ "$(id -u)" -eq 0 ]; then chown mysql: "$MARIADB_DATA/init.sql"; fi
    echo "mysql://apus:$MARIADB_PASSWORD@127.0.0.1:$PART_PORT" >"$PART_DIR/url"
}

# The shell stays as the parent: told to end, it has the server end, and removes the data.
part_start() {
    local pid
    trap 'kill -TERM "$pid" 2>/dev/null; wait "$pid"; rm -rf "${MARIADB_DATA:?}"; exit 0' TERM INT
    # Every process of a system has connections to every shard.
    become_mariadb mariadbd --no-defaults --datadir="$MARIADB_DATA/data" --port="$PART_PORT" \
        --bind-address=127.0.0.1 --socket="$MARIADB_DATA/socket" --pid-file="$MARIADB_DATA/pid" \
        --init-file="$MARIADB_DATA/init.sql" --max-connections=500 --innodb-buffer-pool-size=256M \
        --innodb-flush-log-at-trx-commit=1 &
    pid=$!
    wait "$pid"
    rm -rf "${MARIADB_DATA:?}"
}

part_healthy() {
    MYSQL_PWD=$MARIADB_PASSWORD mariadb-admin --no-defaults --protocol=tcp -h 127.0.0.1 -P "$PART_PORT" -u apus status
}
