import ApusCore

/// What the server tells about itself.
extension CacheCore {
    func time() {
        let wall = clock.wallNanoseconds()
        out.pointee.array(2)
        out.pointee.bulk(Int(wall / 1_000_000_000))
        out.pointee.bulk(Int(wall % 1_000_000_000 / 1000))
    }

    func wait(_ call: Call) {
        guard let replicas = call.integer(1), let timeout = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard timeout >= 0 else { return refuse("-ERR timeout is negative\r\n") }
        _ = replicas
        out.pointee.integer(0)
    }

    func role() {
        out.pointee.array(3)
        out.pointee.bulk("master")
        out.pointee.integer(0)
        out.pointee.array(0)
    }

    func flush(_ call: Call) {
        guard call.count == 1 || call.count == 2 && (call.isWord(1, "sync") || call.isWord(1, "async")) else {
            return refuse(Refusal.syntax)
        }
        removeAllKeys()
        ok()
    }

    func slowlog(_ call: Call) {
        if call.isWord(1, "get") {
            out.pointee.array(0)
        } else if call.isWord(1, "len") {
            out.pointee.integer(0)
        } else if call.isWord(1, "reset") {
            ok()
        } else if call.isWord(1, "help") {
            help(["SLOWLOG GET | LEN | RESET: no command is slow enough for a list of its own."])
        } else {
            refuseSubcommand(call)
        }
    }

    // MARK: Memory

    func memory(_ call: Call) {
        if call.isWord(1, "usage"), call.count >= 3 {
            if call.count > 3 {
                guard call.count == 5, call.isWord(3, "samples") else { return refuse(Refusal.syntax) }
                guard let samples = call.integer(4), samples >= 0 else { return refuse(Refusal.notInteger) }
            }
            guard let entry = keys.pointee.peek(call[2]) else { return out.pointee.null(call.version) }
            out.pointee.integer(entry.weight)
        } else if call.isWord(1, "stats"), call.count == 2 {
            let figures = [
                ("keys.count", keys.pointee.count), ("keys.bytes", keys.pointee.bytes),
                ("keys.bytes-max", keys.pointee.bytesMax), ("tables.bytes", keys.pointee.overheadBytes),
                ("clients.bytes", clientBytes), ("graveyard.values", keys.pointee.graveyard.count),
            ]
            out.pointee.map(figures.count, call.version)
            for (name, value) in figures {
                out.pointee.bulk(name)
                out.pointee.integer(value)
            }
        } else if call.isWord(1, "doctor"), call.count == 2 {
            out.pointee.verbatim("Keys take \(keys.pointee.bytes) of \(keys.pointee.bytesMax) bytes.", call.version)
        } else if call.isWord(1, "purge"), call.count == 2 {
            while !keys.pointee.release(1 << 16) {}
            ok()
        } else if call.isWord(1, "help") {
            help(["MEMORY USAGE <key> [SAMPLES <count>]", "MEMORY STATS | DOCTOR | PURGE"])
        } else {
            refuseSubcommand(call)
        }
    }

    /// What clients' buffers take, in bytes.
    var clientBytes: Int {
        clients.values.reduce(0) { $0 + $1.pointee.input.capacity + $1.pointee.output.capacity + 512 }
    }

    // MARK: Settings

    /// Settings as Redis calls them.
    private var settings: [(name: String, value: String)] {
        [
            ("appendonly", "no"), ("databases", "1"), ("maxclients", "\(configuration.clientsMax)"),
            ("maxmemory", "\(keys.pointee.bytesMax)"), ("maxmemory-policy", "allkeys-apus"),
            ("proto-max-bulk-len", "\(configuration.valueBytesMax)"),
            ("client-query-buffer-limit", "\(configuration.inputBytesMax)"),
            ("client-output-buffer-limit", "normal \(configuration.outputBytesMax) 0 0"),
            ("timeout", "\(configuration.idleLimit.map { Int($0.seconds) } ?? 0)"), ("save", ""),
            ("tracking-table-max-keys", "\(configuration.trackedKeysMax)"), ("notify-keyspace-events", ""),
        ]
    }

    func config(_ call: Call) {
        if call.isWord(1, "get"), call.count > 2 {
            let patterns = (2..<call.count).map { Glob(call[$0].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }) }
            let chosen = settings.filter { setting in patterns.contains { $0.matches(Array(setting.name.utf8)) } }
            out.pointee.map(chosen.count, call.version)
            for (name, value) in chosen {
                out.pointee.bulk(name)
                out.pointee.bulk(value)
            }
        } else if call.isWord(1, "set"), call.count == 4 {
            guard call.isWord(2, "maxmemory") else {
                let name = Call.shown(call[2])
                return out.pointee.error(
                    "ERR CONFIG SET failed - '\(name)' is set where the server is started; only maxmemory can be changed"
                )
            }
            guard let bytes = memorySize(call[3]), bytes >= 1 << 20 else {
                return refuse("-ERR CONFIG SET failed - argument must be a memory value of at least 1mb\r\n")
            }
            keys.pointee.setBytesMax(bytes)
            ok()
        } else if call.isWord(1, "resetstat"), call.count == 2 {
            for index in 0..<commands.pointee.count { commands.pointee.commands[index].calls = 0 }
            keys.pointee.resetCounts()
            let waiting = stats.pointee.waiting
            stats.pointee = ServerStatistics()
            stats.pointee.waiting = waiting
            ok()
        } else if call.isWord(1, "help") {
            help(["CONFIG GET <pattern> [<pattern> ...]", "CONFIG SET maxmemory <bytes>", "CONFIG RESETSTAT"])
        } else {
            refuseSubcommand(call)
        }
    }

    /// `100mb` and the like, as Redis takes sizes.
    private func memorySize(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        let digits = text.prefix { $0.isNumber }
        guard let number = Int(digits) else { return nil }
        let units = [
            "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1_000_000, "mb": 1 << 20, "g": 1_000_000_000, "gb": 1 << 30,
        ]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (size, overflow) = number.multipliedReportingOverflow(by: unit)
        return overflow ? nil : size
    }

    // MARK: Commands

    func command(_ call: Call) {
        if call.count == 1 {
            out.pointee.array(commands.pointee.count)
            for index in 0..<commands.pointee.count { describe(commands.pointee.commands + index) }
        } else if call.isWord(1, "count"), call.count == 2 {
            out.pointee.integer(commands.pointee.count)
        } else if call.isWord(1, "list"), call.count == 2 {
            out.pointee.array(commands.pointee.count)
            for description in commands.pointee.descriptions { out.pointee.bulk(description.name) }
        } else if call.isWord(1, "info") {
            out.pointee.array(call.count - 2)
            for index in 2..<max(2, call.count) {
                if let command = commands.pointee.find(call[index]) {
                    describe(command)
                } else {
                    out.pointee.nullArray(call.version)
                }
            }
        } else if call.isWord(1, "docs") {
            let wanted =
                call.count > 2
                ? Set((2..<call.count).map { String(decoding: call[$0], as: UTF8.self).lowercased() }) : nil
            document(commands.pointee.descriptions.filter { wanted?.contains($0.name) ?? true }, call.version)
        } else if call.isWord(1, "getkeys"), call.count > 2 {
            getKeys(call)
        } else if call.isWord(1, "help") {
            help(["COMMAND [COUNT | LIST | INFO <name> ... | DOCS <name> ... | GETKEYS <command>]"])
        } else {
            refuseSubcommand(call)
        }
    }

    private func describe(_ command: UnsafeMutablePointer<Command>) {
        let known = command.pointee
        let words: [(Command.Flags, String)] = [
            (.writes, "write"), (.reads, "readonly"), (.needsMemory, "denyoom"), (.isFast, "fast"),
            (.forUnknown, "no_auth"), (.mayWait, "blocking"), (.isAdministration, "admin"),
            (.isAboutChannels, "pubsub"),
            (.countsKeys, "movablekeys"),
        ]
        let flags = words.filter { known.flags.contains($0.0) }.map(\.1)
        out.pointee.array(6)
        out.pointee.bulk(commands.pointee.descriptions[Int(known.index)].name)
        out.pointee.integer(Int(known.arity))
        out.pointee.array(flags.count)
        for flag in flags { out.pointee.append("+\(flag)\r\n") }
        out.pointee.integer(Int(known.firstKey))
        out.pointee.integer(Int(known.lastKey))
        out.pointee.integer(Int(known.step))
    }

    private func document(_ descriptions: [CommandTable.Description], _ version: RESPVersion) {
        out.pointee.map(descriptions.count, version)
        for description in descriptions {
            out.pointee.bulk(description.name)
            out.pointee.map(3, version)
            for (key, value) in [
                ("summary", description.summary), ("since", description.since), ("group", description.group),
            ] {
                out.pointee.bulk(key)
                out.pointee.bulk(value)
            }
        }
    }

    private func getKeys(_ call: Call) {
        guard let command = commands.pointee.find(call[2]) else {
            return refuse("-ERR Invalid command specified\r\n")
        }
        let inner = Call(
            client: call.client,
            base: call.base,
            arguments: call.arguments + 2,
            count: call.count - 2
        )
        guard command.pointee.accepts(inner.count) else {
            return refuse("-ERR Invalid number of arguments specified for command\r\n")
        }
        let indexes = keyIndexes(inner, command)
        if indexes.isEmpty { return refuse("-ERR The command has no key arguments\r\n") }
        out.pointee.array(indexes.count)
        for index in indexes { out.pointee.bulk(inner[index]) }
    }
}
