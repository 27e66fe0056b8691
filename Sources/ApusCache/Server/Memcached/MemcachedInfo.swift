/// What memcached's clients ask about the server, and tell it.
extension CacheCore {
    /// Answers `stats` with lines of names and figures.
    ///
    /// Slabs and item classes, which there are none of, have no lines.
    func memcachedStatistics(_ call: MemcachedCall) {
        guard call.count > 1 else {
            for (name, figure) in generalFigures() { line(name, figure) }
            return out.pointee.append("END\r\n" as StaticString)
        }
        switch String(decoding: call[1], as: UTF8.self) {
        case "reset":
            stats.pointee.memcached = MemcachedStatistics()
            keys.pointee.resetCounts()
            out.pointee.append("RESET\r\n" as StaticString)
        case "settings":
            for (name, figure) in settingFigures() { line(name, figure) }
            out.pointee.append("END\r\n" as StaticString)
        case "items", "slabs", "sizes", "conns": out.pointee.append("END\r\n" as StaticString)
        default: refuse(MemcachedRefusal.unknownCommand.text)
        }
    }

    private func line(_ name: String, _ figure: String) { out.pointee.append("STAT \(name) \(figure)\r\n") }

    private func generalFigures() -> [(String, String)] {
        let counts = stats.pointee.memcached
        let numbers = [
            ("pid", processID), ("uptime", Int((now - startedAt) / 1000)), ("time", Int((now + wallOffset) / 1000)),
            ("pointer_size", 64), ("curr_connections", clients.count), ("total_connections", stats.pointee.connections),
            ("rejected_connections", stats.pointee.rejected), ("cmd_get", counts.gets), ("cmd_set", counts.sets),
            ("cmd_flush", counts.flushes), ("cmd_touch", counts.touches), ("cmd_meta", counts.metas),
            ("get_hits", counts.getHits), ("get_misses", counts.getMisses), ("delete_misses", counts.deleteMisses),
            ("delete_hits", counts.deleteHits), ("incr_misses", counts.incrMisses), ("incr_hits", counts.incrHits),
            ("decr_misses", counts.decrMisses), ("decr_hits", counts.decrHits), ("cas_misses", counts.casMisses),
            ("cas_hits", counts.casHits), ("cas_badval", counts.casOthers), ("touch_hits", counts.touchHits),
            ("touch_misses", counts.touchMisses), ("bytes_read", stats.pointee.bytesIn),
            ("bytes_written", stats.pointee.bytesOut), ("limit_maxbytes", keys.pointee.bytesMax), ("threads", 1),
            ("bytes", keys.pointee.bytes), ("curr_items", keys.pointee.count), ("total_items", counts.stored),
            ("evictions", keys.pointee.evicted), ("expired", keys.pointee.expired),
        ]
        return [("version", Self.memcachedVersion)] + numbers.map { ($0.0, String($0.1)) }
    }

    private func settingFigures() -> [(String, String)] {
        [
            ("maxbytes", String(keys.pointee.bytesMax)), ("maxconns", String(configuration.clientsMax)),
            ("tcpport", String(memcachedPort)), ("item_size_max", String(configuration.memcachedValueBytesMax)),
            ("evictions", "on"), ("num_threads", "1"), ("cas_enabled", "yes"), ("flush_enabled", "yes"),
        ]
    }

    /// Does `flush_all`: at the time given, all keys go, of either protocol's clients.
    func flushAll(_ call: MemcachedCall) {
        stats.pointee.memcached.flushes += 1
        var time = 0
        if call.count != (call.isSilent ? 2 : 1) {
            guard let given = call[1].signedNumber else {
                return out.pointee.append("CLIENT_ERROR invalid exptime argument\r\n" as StaticString)
            }
            time = given
        }
        if time > 0 { flushesAt = itemExpiry(time) } else { removeAllKeys() }
        out.pointee.append("OK\r\n" as StaticString)
    }

    /// Takes all keys out, and tells those who watch them.
    func removeAllKeys() {
        flushesAt = KeyEntry.never
        keys.pointee.removeAll()
        changedAll()
    }
}
