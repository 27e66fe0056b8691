# What the commands share. Answers go to stdout, progress and complaints to stderr.
# Exit codes: 0 ok, 1 failure, 2 usage, 3 a check found something.
# shellcheck shell=bash disable=SC2034

# What a build with the default traits needs (Documentation/dependencies.md).
readonly EMBEDDED_PACKAGES=(libsqlite3-dev libssl-dev libpq-dev libmariadb-dev libzstd-dev pkg-config)
# What the tests and benchmarks need on top.
readonly TEST_PACKAGES=(
    nginx haproxy redis-server redis-tools memcached postgresql-15 mariadb-server mariadb-client wrk hey prometheus chromium valgrind shellcheck
    sqlite3 curl ca-certificates openssl python3-venv util-linux libhiredis-dev
    libmemcached-dev
)
readonly SWIFT_WANTED=6.3

ASSUME_YES=no
NO_INSTALL=no

say() { printf '%s\n' "$*" >&2; }
die() { say "apus: $*"; exit 1; }
usage_error() { say "apus: $*"; exit 2; }

# True where a question can be asked and seen.
is_terminal() { [ -t 0 ] && [ -t 2 ]; }

# A JSON string literal of the first argument.
json_string() {
    local text=$1
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    text=${text//$'\t'/\\t}
    printf '"%s"' "$text"
}

# One line on stdout and failure where this is not Debian 12 or a relative.
system_problem() {
    local ID='' ID_LIKE='' VERSION_ID='' PRETTY_NAME=''
    if [ "$(uname -s)" != Linux ] || [ ! -r /etc/os-release ]; then
        echo "Apus runs on Debian 12 and its relatives; start it in a Debian 12 machine, virtual machine or container"
        return 1
    fi
    # shellcheck source=/dev/null
    source /etc/os-release
    case " $ID $ID_LIKE " in
        *" debian "*) ;;
        *)
            echo "Apus runs on Debian 12 and its relatives, this is ${PRETTY_NAME:-unknown}; use a Debian 12 machine or container"
            return 1
            ;;
    esac
    if [ "$ID" = debian ] && [ -n "$VERSION_ID" ] && [ "${VERSION_ID%%.*}" -lt 12 ]; then
        echo "Apus needs Debian 12 or newer, this is ${PRETTY_NAME:-Debian $VERSION_ID}; upgrade, or use a Debian 12 container"
        return 1
    fi
}

# The version of the Swift compiler on the path, such as 6.3.1; empty where there is none.
swift_version() { swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1; }

# One line on stdout and failure where the compiler is absent or too old.
swift_problem() {
    local found
    found=$(swift_version)
    if [ -z "$found" ]; then
        echo "Apus needs Swift $SWIFT_WANTED and 'swift' is not on the PATH; get it from https://www.swift.org/install/linux/"
        return 1
    fi
    if [ "$(printf '%s\n' "$SWIFT_WANTED" "$found" | sort -V | head -n 1)" != "$SWIFT_WANTED" ]; then
        echo "Apus needs Swift $SWIFT_WANTED, found $found; get it from https://www.swift.org/install/linux/"
        return 1
    fi
}

package_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The names among the arguments that are not installed, one a line.
packages_missing() {
    local name
    for name in "$@"; do
        package_installed "$name" || echo "$name"
    done
}

# Installs what is missing among the arguments; asks once before sudo, refuses where nobody can answer.
need_packages() {
    local missing line answer sudo=()
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    line="${sudo[*]} apt-get install -y --no-install-recommends ${missing[*]}"
    line=${line# }
    if [ "$NO_INSTALL" = yes ]; then die "missing and not installed because of --no-install: $line"; fi
    if [ "$ASSUME_YES" = no ]; then
        if ! is_terminal; then die "missing packages; run this, or repeat with --yes: $line"; fi
        if [ ${#sudo[@]} -gt 0 ]; then
            printf 'Apus needs: %s\nRun it now? [Y/n] ' "$line" >&2
            read -r answer || answer=n
            case $answer in '' | [yY]*) ;; *) die "not installed; run it yourself: $line" ;; esac
        fi
    fi
    if [ ${#sudo[@]} -gt 0 ] && ! command -v sudo >/dev/null; then die "there is no sudo; run this as root: ${line#sudo }"; fi
    # The password is asked for here, where nothing writes over the question.
    if [ ${#sudo[@]} -gt 0 ]; then sudo -v || die "not installed; run it yourself: $line"; fi
    mkdir -p "$APUS_ROOT/.build"
    local log="$APUS_ROOT/.build/apus-install.log"
    run_with_progress "installing ${missing[*]}" "$log" install_now "${missing[@]}" ||
        die "installing failed, see $log; by hand: $line"
}

install_now() {
    local sudo=() name
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    # A fresh machine has no package lists yet; one with old lists needs new ones to find the files.
    "${sudo[@]}" apt-get update || return
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" || return
    # Debian starts a server it installs, on all addresses. Ours run on loopback, on ports of their own.
    [ -d /run/systemd/system ] || return 0
    for name in "$@"; do
        case $name in
            nginx | haproxy | prometheus | redis-server | memcached) "${sudo[@]}" systemctl disable --now "$name" ;;
            postgresql-15) "${sudo[@]}" systemctl disable --now postgresql ;;
            mariadb-server) "${sudo[@]}" systemctl disable --now mariadb ;;
        esac
    done
}

# Runs a command with its output in a log and the last step of it on stderr: a line that renews itself on a
# terminal, one line every 15 s elsewhere. Returns the command's exit code.
# Usage: run_with_progress TITLE LOG COMMAND...
run_with_progress() {
    local title=$1 log=$2 began=$SECONDS code=0 pid step said=0 passed stopped=''
    shift 2
    # A process group of its own, so that the whole of it can be told to stop.
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    set +m
    # The traps only take note: what there is to end is ended below, outside of them.
    trap 'stopped=130' INT
    trap 'stopped=143' TERM
    while kill -0 "$pid" 2>/dev/null; do
        if [ -n "$stopped" ]; then
            # SIGINT is what SwiftPM listens to; an apt run is waited for, half an installation helps nobody.
            kill -INT -- "-$pid" 2>/dev/null || true
            wait "$pid" 2>/dev/null || true
            say
            exit "$stopped"
        fi
        passed=$((SECONDS - began))
        if [ -t 2 ]; then
            step=$(tail -c 400 "$log" | tr '\r' '\n' | grep -av '^[[:space:]]*$' | tail -n 1 | cut -c 1-70 || true)
            printf '\r\033[K%4d s  %s  %s' "$passed" "$title" "$step" >&2
        elif [ "$passed" -ge $((said + 15)) ]; then
            said=$passed
            step=$(tail -c 400 "$log" | tr '\r' '\n' | grep -av '^[[:space:]]*$' | tail -n 1 | cut -c 1-100 || true)
            printf '%4d s  %s  %s\n' "$passed" "$title" "$step" >&2
        fi
        sleep 0.2 || true
    done
    wait "$pid" || code=$?
    if [ -n "$stopped" ]; then exit "$stopped"; fi
    trap - INT TERM
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    if [ "$code" -eq 0 ]; then
        printf '%4d s  %s\n' $((SECONDS - began)) "$title: done" >&2
    else
        printf '%4d s  %s\n' $((SECONDS - began)) "$title: failed" >&2
    fi
    return "$code"
}

# The lines of a build log that say what went wrong.
show_errors() { grep -aE '(error|warning): ' "$1" | sort -u | head -n 20 >&2 || true; }

# A hash of everything the product is built from; well under 0.3 s.
sources_hash() {
    (
        cd "$APUS_ROOT" || exit
        find Sources Package.swift -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
    )
}

# Has the next build of a package beside this one look at the sources anew: SwiftPM keeps a list of them, and stops where a
# file of ours is gone or has come. Usage: forget_sources PACKAGE
forget_sources() { rm -f "$1"/.build/release.yaml "$1"/.build/debug.yaml "$1"/.build/*/{debug,release}/description.json; }

# Builds one release product unless the sources are those it was built from.
# Usage: build_release PRODUCT
build_release() {
    local product=$1 stamp="$APUS_ROOT/.build/apus-$1.stamp" log="$APUS_ROOT/.build/apus-build.log" hash problem
    hash=$(sources_hash)
    if [ -x "$APUS_ROOT/.build/release/$product" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ]; then return 0; fi
    problem=$(system_problem) || die "$problem"
    problem=$(swift_problem) || die "$problem"
    need_packages "${EMBEDDED_PACKAGES[@]}"
    mkdir -p "$APUS_ROOT/.build"
    if ! run_with_progress "building $product" "$log" \
        swift build --package-path "$APUS_ROOT" -c release --product "$product"; then
        # An incremental build may keep objects of an older interface; only a build from nothing tells.
        say "  the incremental build failed; building from nothing"
        rm -rf "$APUS_ROOT"/.build/*/release "$APUS_ROOT/.build/release"
        if ! run_with_progress "building $product" "$log" \
            swift build --package-path "$APUS_ROOT" -c release --product "$product"; then
            show_errors "$log"
            die "the build failed; the whole log is $log"
        fi
    fi
    echo "$hash" >"$stamp"
}

# A Python of its own with the packages of a requirements file, in .build/venv/NAME; made anew when the file changes.
# Usage: python_tools NAME REQUIREMENTS
python_tools() {
    local venv="$APUS_ROOT/.build/venv/$1" wanted="$APUS_ROOT/$2"
    if cmp -s "$wanted" "$venv/ready"; then return 0; fi
    [ "$NO_INSTALL" = no ] || die "the packages in $2 are missing and --no-install was given"
    mkdir -p "${venv%/*}"
    rm -rf "$venv"
    /usr/bin/python3 -m venv "$venv" || die "python3 -m venv failed, is python3-venv there?"
    run_with_progress "installing Python packages: $1" "$APUS_ROOT/.build/venv/$1.log" \
        "$venv/bin/pip" install --disable-pip-version-check -r "$wanted" || die "pip failed, see .build/venv/$1.log"
    cp "$wanted" "$venv/ready"
}

# The parts of a profile: what has the cache and what has the store.
profile_parts() {
    case $1 in
        web) echo redis postgres ;;
        web-mysql) echo redis-cluster mariadb ;;
        web-memcached) echo memcached postgres-replicas ;;
        *) usage_error "there is no profile '$1'; known: web, web-mysql, web-memcached" ;;
    esac
}
