# A receiver of OTLP over HTTP with the official protobuf classes: POST /v1/traces, GET /spans, DELETE /spans.
# shellcheck shell=bash disable=SC2034
part_packages=(python3-venv curl)

readonly OTLP_VENV="$APUS_ROOT/.build/venv/otlp"

part_prepare() {
    echo "http://127.0.0.1:$PART_PORT" >"$PART_DIR/url"
    if [ ! -f "$OTLP_VENV/ready" ]; then
        [ "$NO_INSTALL" = no ] || die "the OTLP receiver's packages are missing and --no-install was given"
        mkdir -p "${OTLP_VENV%/*}"
        /usr/bin/python3 -m venv "$OTLP_VENV"
        run_with_progress "installing the OTLP receiver" "$PART_DIR/pip.log" \
            "$OTLP_VENV/bin/pip" install --disable-pip-version-check -r "$APUS_ROOT/Scripts/parts/otlp.requirements.txt" ||
            die "pip failed, see $PART_DIR/pip.log"
        touch "$OTLP_VENV/ready"
    fi
}

part_start() { exec "$OTLP_VENV/bin/python" "$APUS_ROOT/Scripts/parts/otlp.py" "$PART_PORT"; }
part_healthy() { curl -fsS -m 1 "http://127.0.0.1:$PART_PORT/spans"; }
