# A receiver of OTLP over HTTP with the official protobuf classes: POST /v1/traces, GET /spans, DELETE /spans.
# shellcheck shell=bash disable=SC2034
part_packages=(python3-venv curl)

readonly OTLP_VENV="$APUS_ROOT/.build/venv/otlp"

part_prepare() {
    echo "http://127.0.0.1:$PART_PORT" >"$PART_DIR/url"
    python_tools otlp Scripts/parts/otlp.requirements.txt
}

part_start() { exec "$OTLP_VENV/bin/python" "$APUS_ROOT/Scripts/parts/otlp.py" "$PART_PORT"; }
part_healthy() { curl -fsS -m 1 "http://127.0.0.1:$PART_PORT/spans"; }
