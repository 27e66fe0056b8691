# memcached with 64 MB, text and meta commands.
# shellcheck shell=bash disable=SC2034
part_packages=(memcached)

part_prepare() { echo "memcached://127.0.0.1:$PART_PORT" >"$PART_DIR/url"; }

part_start() {
    local user=()
    # It does not run as root, and says so; as anybody else it may not change to another user.
    [ "$(id -u)" -ne 0 ] || user=(-u nobody)
    exec memcached -l 127.0.0.1 -p "$PART_PORT" -U 0 -m 64 "${user[@]}"
}
part_healthy() {
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$PART_PORT" || return 1
    printf 'version\r\n' >&3
    read -r -t 1 answer <&3
    exec 3>&-
    [ "${answer%% *}" = VERSION ]
}
