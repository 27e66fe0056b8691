# Redis Cluster: three masters without replicas, each with a third of the slots; nothing is kept on disk but the nodes' maps.
# shellcheck shell=bash disable=SC2034
part_packages=(redis-server redis-tools util-linux)

part_prepare() {
    local url='redis+cluster://' port
    CLUSTER_PORTS=("$PART_PORT")
    # Three ports for clients and three for the nodes' own bus, all different.
    while [ ${#CLUSTER_PORTS[@]} -lt 6 ]; do
        port=$(free_port)
        case " ${CLUSTER_PORTS[*]} " in *" $port "*) ;; *) CLUSTER_PORTS+=("$port") ;; esac
    done
    for port in "${CLUSTER_PORTS[@]:0:3}"; do url+="127.0.0.1:$port,"; done
    echo "${url%,}" >"$PART_DIR/url"
}

# The shell stays as the parent of the three: it ends them when it is told to, and they end with it however it ends.
part_start() {
    local index port nodes=() pids=()
    trap 'kill "${pids[@]}" 2>/dev/null; wait; exit 0' TERM INT
    for index in 0 1 2; do
        port=${CLUSTER_PORTS[$index]}
        mkdir -p "$PART_DIR/$port"
        setpriv --pdeathsig TERM redis-server --bind 127.0.0.1 --port "$port" --dir "$PART_DIR/$port" --save '' \
            --appendonly no --daemonize no --cluster-enabled yes --cluster-port "${CLUSTER_PORTS[$((index + 3))]}" \
            --cluster-node-timeout 2000 &
        pids+=("$!")
        nodes+=("127.0.0.1:$port")
    done
    for port in "${CLUSTER_PORTS[@]:0:3}"; do
        until [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" = PONG ]; do
            kill -0 "${pids[@]}" || return 1
            sleep 0.05
        done
    done
    redis-cli --cluster create "${nodes[@]}" --cluster-yes || return 1
    wait
}

# A node says ok once it knows who has each slot; all three must.
part_healthy() {
    local port
    for port in "${CLUSTER_PORTS[@]:0:3}"; do
        redis-cli -h 127.0.0.1 -p "$port" cluster info | grep -q '^cluster_state:ok' || return 1
    done
}
