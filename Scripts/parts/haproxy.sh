# HAProxy answering by itself, with its statistics page at /stats.
# shellcheck shell=bash disable=SC2034
part_packages=(haproxy curl)

part_prepare() {
    echo "http://127.0.0.1:$PART_PORT" >"$PART_DIR/url"
    cat >"$PART_DIR/haproxy.cfg" <<CONF
global
    nbthread 1
    maxconn 500
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend main
    bind 127.0.0.1:$PART_PORT
    stats enable
    stats uri /stats
    http-request return status 200 content-type text/plain string "haproxy\n" unless { path_beg /stats }
CONF
}

part_start() { exec /usr/sbin/haproxy -db -f "$PART_DIR/haproxy.cfg"; }
part_healthy() { curl -fsS -m 1 "http://127.0.0.1:$PART_PORT/"; }
