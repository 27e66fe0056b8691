import ApusRuntime

/// `CLIENT` and what stands behind it.
extension CacheCore {
    func client(_ call: Call) {
        if call.isWord(1, "id"), call.count == 2 {
            out.pointee.integer(Int(call.client.pointee.id))
        } else if call.isWord(1, "setname"), call.count == 3 {
            guard isName(call[2]) else {
                return refuse("-ERR Client names cannot contain spaces, newlines or special characters.\r\n")
            }
            call.client.needExtras.name = call.copy(2)
            ok()
        } else if call.isWord(1, "getname"), call.count == 2 {
            if let name = call.client.pointee.extras?.name, !name.isEmpty {
                out.pointee.bulk(name)
            } else {
                out.pointee.null(call.version)
            }
        } else if call.isWord(1, "setinfo"), call.count == 4 {
            setInfo(call)
        } else if call.isWord(1, "info"), call.count == 2 {
            out.pointee.verbatim(line(call.client) + "\n", call.version)
        } else if call.isWord(1, "list") {
            list(call)
        } else if call.isWord(1, "kill") {
            kill(call)
        } else if call.isWord(1, "reply"), call.count == 3 {
            reply(call)
        } else if call.isWord(1, "tracking"), call.count > 2 {
            track(call)
        } else if call.isWord(1, "trackinginfo"), call.count == 2 {
            trackingInfo(call)
        } else if call.isWord(1, "caching"), call.count == 3 {
            caching(call)
        } else if call.isWord(1, "getredir"), call.count == 2 {
            let tracking = call.client.pointee.extras?.tracking
            out.pointee.integer(tracking == nil ? -1 : Int(tracking?.redirect ?? 0))
        } else if call.isWord(1, "unblock"), call.count == 3 || call.count == 4 {
            unblock(call)
        } else if call.isWord(1, "no-evict") || call.isWord(1, "no-touch"), call.count == 3 {
            guard call.isWord(2, "on") || call.isWord(2, "off") else { return refuse(Refusal.syntax) }
            ok()
        } else if call.isWord(1, "help") {
            help([
                "CLIENT ID | INFO | LIST | GETNAME | GETREDIR | TRACKINGINFO", "CLIENT SETNAME <name>",
                "CLIENT SETINFO LIB-NAME|LIB-VER <value>", "CLIENT KILL <ip:port> | ID <id> | ADDR <ip:port>",
                "CLIENT REPLY ON|OFF|SKIP", "CLIENT CACHING YES|NO", "CLIENT UNBLOCK <id> [TIMEOUT|ERROR]",
                "CLIENT TRACKING ON|OFF [REDIRECT <id>] [BCAST] [PREFIX <prefix>] [OPTIN] [OPTOUT] [NOLOOP]",
            ])
        } else {
            refuseSubcommand(call)
        }
    }

    private func setInfo(_ call: Call) {
        guard isName(call[3]) else {
            return refuse("-ERR lib-name cannot contain spaces, newlines or special characters.\r\n")
        }
        if call.isWord(2, "lib-name") {
            call.client.needExtras.libraryName = call.copy(3)
        } else if call.isWord(2, "lib-ver") {
            call.client.needExtras.libraryVersion = call.copy(3)
        } else {
            return out.pointee.error("ERR Unrecognized option '\(Call.shown(call[2]))'")
        }
        ok()
    }

    /// What is known of a client, in a line.
    private func line(_ client: ClientPointer) -> String {
        let extras = client.pointee.extras
        func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
        var flags = ""
        if client.pointee.gate.contains(.waiting) { flags += "b" }
        if client.pointee.gate.contains(.inTransaction) { flags += "x" }
        if extras?.channels.isEmpty == false || extras?.patterns.isEmpty == false { flags += "P" }
        if extras?.tracking != nil { flags += "t" }
        if extras?.tracking?.prefixes != nil { flags += "B" }
        let index = Int(client.pointee.lastCommand)
        let command = index < 0 ? "NULL" : commands.pointee.descriptions[index].name
        return """
            id=\(client.pointee.id) addr=\(client.pointee.address) laddr= fd=\(client.pointee.channel?.descriptor ?? -1) \
            name=\(text(extras?.name)) age=\((now - client.pointee.arrivedAt) / 1000) \
            idle=\((now - client.pointee.lastActive) / 1000) flags=\(flags.isEmpty ? "N" : flags) db=0 \
            sub=\(extras?.channels.count ?? 0) psub=\(extras?.patterns.count ?? 0) ssub=0 \
            multi=\(client.pointee.gate.contains(.inTransaction) ? extras?.queue.count ?? 0 : -1) \
            qbuf=\(client.pointee.input.count) obl=\(client.pointee.output.count) cmd=\(command) user=default \
            redir=\(extras?.tracking.map { Int($0.redirect ?? 0) } ?? -1) resp=\(client.pointee.version.rawValue) \
            lib-name=\(text(extras?.libraryName)) lib-ver=\(text(extras?.libraryVersion))
            """
    }

    private func list(_ call: Call) {
        var chosen = clients.values.sorted { $0.pointee.id < $1.pointee.id }
        if call.count > 3, call.isWord(2, "id") {
            let ids = Set((3..<call.count).compactMap { call.integer($0).flatMap { UInt64(exactly: $0) } })
            chosen = chosen.filter { ids.contains($0.pointee.id) }
        } else if call.count == 4, call.isWord(2, "type") {
            let wantsListeners = call.isWord(3, "pubsub")
            chosen = chosen.filter { client in
                let extras = client.pointee.extras
                let listens = extras?.channels.isEmpty == false || extras?.patterns.isEmpty == false
                return call.isWord(3, "normal") ? !listens : wantsListeners && listens
            }
        } else if call.count != 2 {
            return refuse(Refusal.syntax)
        }
        out.pointee.verbatim(chosen.map { line($0) + "\n" }.joined(), call.version)
    }

    private func kill(_ call: Call) {
        func end(_ client: ClientPointer) {
            client.pointee.isClosing = true
            if client != call.client { mark(client) }
        }
        if call.count == 3 {
            let address = String(decoding: call[2], as: UTF8.self)
            guard let victim = clients.values.first(where: { $0.pointee.address == address }) else {
                return refuse("-ERR No such client\r\n")
            }
            end(victim)
            return ok()
        }
        guard call.count >= 4, call.count % 2 == 0 else { return refuse(Refusal.syntax) }
        var victims = Array(clients.values)
        var skipsMe = true
        for index in stride(from: 2, to: call.count, by: 2) {
            if call.isWord(index, "id") {
                guard let id = call.integer(index + 1), id > 0 else {
                    return refuse("-ERR client-id should be greater than 0\r\n")
                }
                victims = victims.filter { $0.pointee.id == UInt64(id) }
            } else if call.isWord(index, "addr") {
                let address = String(decoding: call[index + 1], as: UTF8.self)
                victims = victims.filter { $0.pointee.address == address }
            } else if call.isWord(index, "skipme") {
                skipsMe = call.isWord(index + 1, "yes")
            } else {
                return refuse(Refusal.syntax)
            }
        }
        if skipsMe { victims.removeAll { $0 == call.client } }
        for victim in victims { end(victim) }
        out.pointee.integer(victims.count)
    }

    private func reply(_ call: Call) {
        let client = call.client
        if call.isWord(2, "on") {
            client.pointee.gate.subtract([.replyOff, .replySkip])
            ok()
        } else if call.isWord(2, "off") {
            client.pointee.gate.insert(.replyOff)
        } else if call.isWord(2, "skip") {
            if !client.pointee.gate.contains(.replyOff) { client.pointee.gate.insert(.replySkip) }
        } else {
            refuse(Refusal.syntax)
        }
    }

    private func unblock(_ call: Call) {
        let isError = call.count == 4 && call.isWord(3, "error")
        guard let id = call.integer(2) else { return refuse(Refusal.notInteger) }
        guard call.count == 3 || isError || call.isWord(3, "timeout") else {
            return refuse("-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n")
        }
        guard let client = UInt64(exactly: id).flatMap({ clients[$0] }), let wait = client.pointee.extras?.waiting
        else {
            return out.pointee.integer(0)
        }
        stopWaiting(client)
        let version = client.pointee.version
        write(to: client) { buffer in
            if isError {
                buffer.append("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" as StaticString)
            } else if wait.action.isSingle {
                buffer.null(version)
            } else {
                buffer.nullArray(version)
            }
        }
        mark(client)
        out.pointee.integer(1)
    }

    // MARK: Tracking

    private func track(_ call: Call) {
        let isOn = call.isWord(2, "on")
        guard isOn || call.isWord(2, "off") else { return refuse(Refusal.syntax) }
        var options = TrackingOptions()
        var (broadcasts, prefixes) = (false, [[UInt8]]())
        var index = 3
        while index < call.count {
            if call.isWord(index, "bcast") {
                broadcasts = true
            } else if call.isWord(index, "noloop") {
                options.isOwnLeftOut = true
            } else if call.isWord(index, "optin") {
                options.isOptIn = true
            } else if call.isWord(index, "optout") {
                options.isOptOut = true
            } else if call.isWord(index, "prefix"), index + 1 < call.count {
                index += 1
                prefixes.append(call.copy(index))
            } else if call.isWord(index, "redirect"), index + 1 < call.count {
                index += 1
                guard let id = call.integer(index).flatMap({ UInt64(exactly: $0) }) else {
                    return refuse(Refusal.notInteger)
                }
                guard id == 0 || clients[id] != nil else {
                    return refuse("-ERR The client ID you want redirect to does not exist\r\n")
                }
                options.redirect = id == 0 ? nil : id
            } else {
                return refuse(Refusal.syntax)
            }
            index += 1
        }
        guard isOn else {
            stopTracking(call.client)
            return ok()
        }
        if !broadcasts, !prefixes.isEmpty {
            return refuse("-ERR PREFIX option requires BCAST mode to be enabled\r\n")
        }
        if options.isOptIn, options.isOptOut {
            return refuse("-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n")
        }
        if broadcasts, options.isOptIn || options.isOptOut {
            return refuse("-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n")
        }
        options.prefixes = broadcasts ? prefixes : nil
        startTracking(call.client, options)
        ok()
    }

    private func caching(_ call: Call) {
        guard let tracking = call.client.pointee.extras?.tracking, tracking.isOptIn || tracking.isOptOut else {
            return refuse(
                "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n"
            )
        }
        let isYes = call.isWord(2, "yes")
        guard isYes || call.isWord(2, "no") else { return refuse(Refusal.syntax) }
        guard isYes == tracking.isOptIn else {
            return isYes
                ? refuse("-ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.\r\n")
                : refuse("-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.\r\n")
        }
        call.client.pointee.extras?.tracking?.nextCommand = isYes
        ok()
    }

    private func trackingInfo(_ call: Call) {
        let tracking = call.client.pointee.extras?.tracking
        var flags = [tracking == nil ? "off" : "on"]
        if tracking?.prefixes != nil { flags.append("bcast") }
        if tracking?.isOptIn == true { flags.append("optin") }
        if tracking?.isOptOut == true { flags.append("optout") }
        if tracking?.isOwnLeftOut == true { flags.append("noloop") }
        if let next = tracking?.nextCommand { flags.append(next ? "caching-yes" : "caching-no") }
        if let redirect = tracking?.redirect, clients[redirect] == nil { flags.append("broken_redirect") }
        out.pointee.map(3, call.version)
        out.pointee.bulk("flags")
        out.pointee.set(flags.count, call.version)
        for flag in flags { out.pointee.bulk(flag) }
        out.pointee.bulk("redirect")
        out.pointee.integer(tracking == nil ? -1 : Int(tracking?.redirect ?? 0))
        out.pointee.bulk("prefixes")
        let prefixes = tracking?.prefixes ?? []
        out.pointee.array(prefixes.count)
        for prefix in prefixes { out.pointee.bulk(prefix) }
    }
}
