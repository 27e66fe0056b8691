# ./apus doctor: what is missing on this machine, each with its fix.
# shellcheck shell=bash disable=SC2034

doctor_help() {
    cat <<'HELP'
Usage: ./apus doctor [--json]

Looks at the system, the compiler, what embedded engines need and what the tests need on top.
Changes nothing. Exit code 0: all there, 3: something is missing; each finding names its fix.

Example:
  ./apus doctor --json
HELP
}

DOCTOR_JSON=''
DOCTOR_FOUND=0

# Usage: finding NAME NEEDED-FOR OK|MISSING DETAIL FIX
finding() {
    if [ "$3" != ok ]; then DOCTOR_FOUND=$((DOCTOR_FOUND + 1)); fi
    DOCTOR_JSON+="${DOCTOR_JSON:+,}{\"name\":$(json_string "$1"),\"neededFor\":$(json_string "$2"),\"state\":\"$3\""
    DOCTOR_JSON+=",\"detail\":$(json_string "$4"),\"fix\":$(json_string "$5")}"
    [ "$doctor_json" = no ] || return 0
    printf '%-8s %-18s %s\n' "$3" "$1" "$4"
    [ -z "$5" ] || printf '%-8s %-18s fix: %s\n' '' '' "$5"
}

# One finding for each package. Usage: doctor_packages NEEDED-FOR NAME...
doctor_packages() {
    local needed=$1 name sudo=sudo
    shift
    if [ "$(id -u)" -eq 0 ]; then sudo=''; fi
    for name in "$@"; do
        if package_installed "$name"; then
            finding "$name" "$needed" ok "$(dpkg-query -W -f='${Version}' "$name" 2>/dev/null || echo installed)" ''
        else
            finding "$name" "$needed" missing "needed by $needed" \
                "${sudo:+sudo }apt-get install -y --no-install-recommends $name"
        fi
    done
}

apus_doctor() {
    local doctor_json=no problem space
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) doctor_help; return 0 ;;
            --json) doctor_json=yes ;;
            *) usage_error "doctor does not know '$1'; ./apus doctor --help" ;;
        esac
        shift
    done
    if problem=$(system_problem); then
        finding system everything ok "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), kernel $(uname -r)" ''
    else
        finding system everything missing "not Debian 12 or a relative" "$problem"
    fi
    if problem=$(swift_problem); then
        finding swift everything ok "$(swift_version)" ''
    else
        finding swift everything missing "no Swift $SWIFT_WANTED" "$problem"
    fi
    space=$(df -Pm "$APUS_ROOT" | awk 'NR == 2 { print $4 }')
    if [ "$space" -ge 4096 ]; then
        finding disk build ok "$space MiB free" ''
    else
        finding disk build missing "$space MiB free, a build takes about 4096" "free some space, or remove $APUS_ROOT/.build"
    fi
    doctor_packages up "${EMBEDDED_PACKAGES[@]}"
    doctor_packages test "${TEST_PACKAGES[@]}"
    if [ "$doctor_json" = yes ]; then
        printf '{"missing":%d,"findings":[%s]}\n' "$DOCTOR_FOUND" "$DOCTOR_JSON"
    elif [ "$DOCTOR_FOUND" -eq 0 ]; then
        echo "Nothing is missing. Next: ./apus up"
    else
        echo "$DOCTOR_FOUND missing; './apus up' and './apus test' install packages themselves"
    fi
    [ "$DOCTOR_FOUND" -eq 0 ] || exit 3
}
