# nginx as a plain HTTP origin: /, /echo and /stub_status.
# shellcheck shell=bash disable=SC2034
part_packages=(nginx curl)

part_prepare() {
    echo "http://127.0.0.1:$PART_PORT" >"$PART_DIR/url"
    cat >"$PART_DIR/nginx.conf" <<CONF
daemon off;
pid nginx.pid;
worker_processes 1;
error_log error.log;
events { worker_connections 1024; }
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    keepalive_requests 1000000;
    server {
        listen 127.0.0.1:$PART_PORT;
        location = /stub_status { stub_status; }
        location = /echo { return 200 "\$request_method \$http_host \$request_uri\n"; }
        location / { return 200 "nginx\n"; }
    }
}
CONF
}

part_start() { exec /usr/sbin/nginx -p "$PART_DIR/" -c nginx.conf -e error.log; }
part_healthy() { curl -fsS -m 1 "http://127.0.0.1:$PART_PORT/"; }
