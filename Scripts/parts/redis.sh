# Redis, one server that keeps nothing on disk.
# shellcheck shell=bash disable=SC2034
part_packages=(redis-server redis-tools)

part_prepare() { echo "redis://127.0.0.1:$PART_PORT" >"$PART_DIR/url"; }

part_start() {
    exec redis-server --bind 127.0.0.1 --port "$PART_PORT" --dir "$PART_DIR" --save '' --appendonly no --daemonize no
}
part_healthy() { [ "$(redis-cli -h 127.0.0.1 -p "$PART_PORT" ping)" = PONG ]; }
