# ./apus parts: real engines on loopback with throw-away data. One file each in Scripts/parts/, which defines
#   part_packages   the Debian packages it needs, as an array
#   part_start      starts it in the folder $PART_DIR in the foreground of a child (exec), or returns non-zero
#   part_prepare    writes its configuration and the file "url" ($PART_PORT is free for it)
#   part_healthy    true once it answers
# and gets its URL to tests as APUS_TEST_NAME.
# shellcheck shell=bash disable=SC2034

readonly PARTS_HOME="$APUS_ROOT/.build/parts"

parts_help() {
    cat <<HELP
Usage: ./apus parts up NAME... | down [NAME...] | ps [--json] | env

Starts real engines on loopback with throw-away data under .build/parts, for tests and for trying Apus on them.
'down' without a name stops all; 'env' prints the variables that tests look for.

  NAME            one of: $(parts_known | tr '\n' ' ')
  --yes           install what is missing without asking
  --no-install    never install; say what is missing and stop

Example:
  ./apus parts up nginx prometheus && ./apus parts ps
HELP
}

parts_known() { (cd "$APUS_ROOT/Scripts/parts" && printf '%s\n' *.sh | sed 's/\.sh$//'); }

# Loads one part's file into this shell.
part_load() {
    [ -r "$APUS_ROOT/Scripts/parts/$1.sh" ] || usage_error "there is no part '$1'; known: $(parts_known | tr '\n' ' ')"
    PART_DIR="$PARTS_HOME/$1"
    part_packages=()
    part_prepare() { :; }
    # shellcheck disable=SC1090
    source "$APUS_ROOT/Scripts/parts/$1.sh"
}

# A port that nobody listens on at this moment, below the range the kernel hands out by itself.
free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM % 10000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
}

# True if the part named runs: its process lives and is the one we started (same start time, so no recycled pid).
part_runs() {
    local record="$PARTS_HOME/$1/process" pid began
    read -r pid began 2>/dev/null <"$record" || return 1
    [ "$(process_began "$pid")" = "$began" ]
}

# When a process began, in clock ticks since boot; empty if it is gone or only waits to be reaped.
process_began() { sed -n 's/.*) \([^ZX] .*\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

part_up() {
    local name=$1 pid tries=0
    if part_runs "$name"; then say "$name runs already: $(cat "$PARTS_HOME/$name/url")"; return 0; fi
    (
        part_load "$name"
        need_packages "${part_packages[@]}"
        rm -rf "$PART_DIR"
        mkdir -p "$PART_DIR"
        chmod 700 "$PART_DIR"
        PART_PORT=$(free_port)
        part_prepare
        (part_start) >"$PART_DIR/log" 2>&1 </dev/null &
        pid=$!
        echo "$pid $(process_began "$pid")" >"$PART_DIR/process"
        until part_healthy >/dev/null 2>&1; do
            tries=$((tries + 1))
            if [ "$tries" -gt 200 ] || ! kill -0 "$pid" 2>/dev/null; then
                tail -n 5 "$PART_DIR/log" >&2
                kill "$pid" 2>/dev/null || true
                rm -f "$PART_DIR/process"
                die "$name did not start, its log is $PART_DIR/log"
            fi
            sleep 0.05
        done
        say "$name: $(cat "$PART_DIR/url")"
    )
}

part_down() {
    local name=$1 pid began tries=0
    part_runs "$name" || return 0
    read -r pid began <"$PARTS_HOME/$name/process"
    kill "$pid" 2>/dev/null || true
    while [ "$(process_began "$pid")" = "$began" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ]; then kill -9 "$pid" 2>/dev/null || true; fi
        sleep 0.05
    done
    rm -rf "${PARTS_HOME:?}/$name"
    say "$name: stopped"
}

# NAME=URL of every part that runs, as tests look for them: nginx is APUS_TEST_NGINX.
parts_env() {
    local name variable
    for name in $(parts_known); do
        part_runs "$name" || continue
        variable="APUS_TEST_$(printf '%s' "$name" | tr 'a-z-' 'A-Z_')"
        printf '%s=%s\n' "$variable" "$(cat "$PARTS_HOME/$name/url")"
    done
}

parts_ps() {
    local json=$1 name pid state comma=''
    [ "$json" = no ] || printf '{"parts":['
    for name in $(parts_known); do
        pid=''
        state=stopped
        if part_runs "$name"; then
            state=running
            read -r pid _ <"$PARTS_HOME/$name/process"
        fi
        if [ "$json" = no ]; then
            printf '%-14s %-8s %-8s %s\n' "$name" "$state" "$pid" "$(cat "$PARTS_HOME/$name/url" 2>/dev/null)"
        else
            printf '%s{"name":%s,"state":%s' "$comma" "$(json_string "$name")" "$(json_string "$state")"
            [ -z "$pid" ] || printf ',"pid":%s,"url":%s' "$pid" "$(json_string "$(cat "$PARTS_HOME/$name/url")")"
            printf '}'
            comma=,
        fi
    done
    [ "$json" = no ] || printf ']}\n'
}

apus_parts() {
    local action=${1:-} names=() name json=no
    [ $# -gt 0 ] && shift
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) parts_help; return 0 ;;
            --yes) ASSUME_YES=yes ;;
            --no-install) NO_INSTALL=yes ;;
            --json) json=yes ;;
            -*) usage_error "parts does not know '$1'; ./apus parts --help" ;;
            *) names+=("$1") ;;
        esac
        shift
    done
    case $action in
        up)
            [ ${#names[@]} -gt 0 ] || usage_error "name a part: $(parts_known | tr '\n' ' ')"
            for name in "${names[@]}"; do part_up "$name" || exit 1; done
            [ "$json" = no ] || parts_ps yes
            ;;
        down)
            [ ${#names[@]} -gt 0 ] || mapfile -t names < <(parts_known)
            for name in "${names[@]}"; do part_down "$name"; done
            ;;
        ps) parts_ps "$json" ;;
        env) parts_env ;;
        -h | --help | help) parts_help ;;
        '') parts_help >&2; exit 2 ;;
        *) usage_error "parts knows up, down, ps and env, not '$action'" ;;
    esac
}
