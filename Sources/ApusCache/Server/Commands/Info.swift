import ApusCore

/// `INFO`: sections of lines.
extension CacheCore {
    func info(_ call: Call) {
        let wanted = (1..<max(1, call.count)).map { String(decoding: call[$0], as: UTF8.self).lowercased() }
        let isWhole =
            wanted.isEmpty || wanted.contains("all") || wanted.contains("default") || wanted.contains("everything")
        var text = ""
        for (name, lines) in sections() {
            let isUsual = name != "Commandstats" || wanted.contains("all") || wanted.contains("everything")
            guard isWhole && isUsual || wanted.contains(name.lowercased()) else { continue }
            if !text.isEmpty { text += "\r\n" }
            text += "# \(name)\r\n"
            for line in lines { text += "\(line)\r\n" }
        }
        out.pointee.verbatim(text, call.version)
    }

    private func sections() -> [(name: String, lines: [String])] {
        let uptime = (now - startedAt) / 1000
        return [
            (
                "Server",
                [
                    "redis_version:\(Self.redisVersion)", "server_name:apus", "redis_mode:standalone",
                    "process_id:\(processID)", "tcp_port:\(port)", "uptime_in_seconds:\(uptime)",
                    "uptime_in_days:\(uptime / 86_400)", "hz:10",
                ]
            ),
            (
                "Clients",
                [
                    "connected_clients:\(clients.count)", "maxclients:\(configuration.clientsMax)",
                    "blocked_clients:\(stats.pointee.waiting)", "tracking_clients:\(tracking.count)",
                ]
            ),
            (
                "Memory",
                [
                    "used_memory:\(memoryUsed)", "used_memory_human:\(Self.human(memoryUsed))",
                    "used_memory_dataset:\(keys.pointee.bytes)", "mem_clients_normal:\(clientBytes)",
                    "maxmemory:\(keys.pointee.bytesMax)", "maxmemory_human:\(Self.human(keys.pointee.bytesMax))",
                    "maxmemory_policy:allkeys-apus", "lazyfree_pending_objects:\(keys.pointee.graveyard.count)",
                ]
            ),
            ("Persistence", ["loading:0", "aof_enabled:0", "rdb_bgsave_in_progress:0"]),
            ("Stats", statisticsLines()),
            ("Replication", ["role:master", "connected_slaves:0"]),
            ("Commandstats", commandLines()),
            ("Cluster", ["cluster_enabled:0"]),
            ("Keyspace", keyspaceLines()),
        ]
    }

    /// What keys, tables and buffers take, in bytes.
    var memoryUsed: Int { keys.pointee.bytes + keys.pointee.overheadBytes + clientBytes + out.pointee.capacity }

    private func statisticsLines() -> [String] {
        let stats = stats.pointee
        return [
            "total_connections_received:\(stats.connections)", "total_commands_processed:\(stats.commands)",
            "total_net_input_bytes:\(stats.bytesIn)", "total_net_output_bytes:\(stats.bytesOut)",
            "rejected_connections:\(stats.rejected)", "expired_keys:\(keys.pointee.expired)",
            "evicted_keys:\(keys.pointee.evicted)", "keyspace_hits:\(keys.pointee.hits)",
            "keyspace_misses:\(keys.pointee.misses)", "pubsub_channels:\(channels.count)",
            "pubsub_patterns:\(patterns.count)", "tracking_total_keys:\(tracking.readers.count)",
            "total_error_replies:\(stats.refused)", "client_output_buffer_limit_disconnections:\(stats.cutOff)",
            "protocol_errors:\(stats.protocolErrors)",
        ]
    }

    private func commandLines() -> [String] {
        (0..<commands.pointee.count).compactMap { index in
            let calls = commands.pointee.commands[index].calls
            return calls == 0 ? nil : "cmdstat_\(commands.pointee.descriptions[index].name):calls=\(calls)"
        }
    }

    private func keyspaceLines() -> [String] {
        let keys = keys.pointee.count
        return keys == 0 ? [] : ["db0:keys=\(keys),expires=\(self.keys.pointee.expiring),avg_ttl=0"]
    }

    static func human(_ bytes: Int) -> String {
        let units = ["B", "K", "M", "G"]
        var (value, unit) = (Double(bytes), 0)
        while value >= 1024, unit < 3 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(bytes)B" : "\((value * 100).rounded() / 100)\(units[unit])"
    }
}
