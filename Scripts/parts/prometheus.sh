# Prometheus; targets are read from $PART_DIR/targets.json, which tests may rewrite.
# shellcheck shell=bash disable=SC2034
part_packages=(prometheus curl)

part_prepare() {
    echo "http://127.0.0.1:$PART_PORT" >"$PART_DIR/url"
    echo '[]' >"$PART_DIR/targets.json"
    cat >"$PART_DIR/prometheus.yml" <<CONF
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: apus
    file_sd_configs:
      - files: ['$PART_DIR/targets.json']
        refresh_interval: 1s
CONF
}

part_start() {
    exec prometheus --config.file="$PART_DIR/prometheus.yml" --storage.tsdb.path="$PART_DIR/data" \
        --web.listen-address="127.0.0.1:$PART_PORT"
}
part_healthy() { curl -fsS -m 1 "http://127.0.0.1:$PART_PORT/-/ready"; }
