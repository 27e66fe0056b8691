import ApusCore

/// What a connection says about itself.
extension CacheCore {
    func ping(_ call: Call) {
        guard call.count <= 2 else { return refuseCount(call) }
        if call.version == .two, call.client.pointee.gate.contains(.subscribed) {
            out.pointee.array(2)
            out.pointee.bulk("pong")
            if call.count == 2 { out.pointee.bulk(call[1]) } else { out.pointee.bulk([]) }
        } else if call.count == 2 {
            out.pointee.bulk(call[1])
        } else {
            out.pointee.append("+PONG\r\n" as StaticString)
        }
    }

    /// True where the name and password are right; else it is refused.
    private func admit(_ call: Call, name: UnsafeRawBufferPointer?, password: UnsafeRawBufferPointer) -> Bool {
        if let expected = configuration.password {
            let isDefault = name.map { String(decoding: $0, as: UTF8.self) == "default" } ?? true
            if expected.matches(String(decoding: password, as: UTF8.self)), isDefault {
                call.client.pointee.gate.remove(.unknown)
                call.client.pointee.parser.isUnauthenticated = false
                return true
            }
        } else if name.map({ String(decoding: $0, as: UTF8.self) == "default" }) ?? false {
            // The one user there is has no password.
            return true
        }
        refuse("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
        return false
    }

    func auth(_ call: Call) {
        guard call.count <= 3 else { return refuse(Refusal.syntax) }
        if configuration.password == nil, call.count == 2 {
            return refuse(
                "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"
            )
        }
        if admit(call, name: call.count == 3 ? call[1] : nil, password: call[call.count - 1]) { ok() }
    }

    func hello(_ call: Call) {
        var version = call.version
        var index = 1
        if call.count > 1 {
            guard let number = call.integer(1) else {
                return refuse("-ERR Protocol version is not an integer or out of range\r\n")
            }
            guard let known = UInt8(exactly: number).flatMap({ RESPVersion(rawValue: $0) }) else {
                return refuse("-NOPROTO unsupported protocol version\r\n")
            }
            version = known
            index = 2
        }
        var name: [UInt8]?
        while index < call.count {
            if call.isWord(index, "auth"), index + 2 < call.count {
                guard admit(call, name: call[index + 1], password: call[index + 2]) else { return }
                index += 3
            } else if call.isWord(index, "setname"), index + 1 < call.count {
                guard isName(call[index + 1]) else {
                    return refuse(
                        "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
                    )
                }
                name = call.copy(index + 1)
                index += 2
            } else {
                return out.pointee.error("ERR Syntax error in HELLO option '\(Call.shown(call[index]))'")
            }
        }
        if call.client.pointee.gate.contains(.unknown) {
            return refuse(
                "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n"
            )
        }
        if let name { call.client.needExtras.name = name }
        call.client.pointee.version = version
        if version == .three { call.client.pointee.gate.remove(.subscribed) }
        out.pointee.map(7, version)
        for (key, value) in [("server", "redis"), ("version", Self.redisVersion)] {
            out.pointee.bulk(key)
            out.pointee.bulk(value)
        }
        out.pointee.bulk("proto")
        out.pointee.integer(Int(version.rawValue))
        out.pointee.bulk("id")
        out.pointee.integer(Int(call.client.pointee.id))
        for (key, value) in [("mode", "standalone"), ("role", "master")] {
            out.pointee.bulk(key)
            out.pointee.bulk(value)
        }
        out.pointee.bulk("modules")
        out.pointee.array(0)
    }

    /// The version of Redis that clients choose by what they say: from 7.4 on they cache what they read.
    static let redisVersion = "7.4.0"

    func select(_ call: Call) {
        guard let database = call.integer(1) else { return refuse(Refusal.notInteger) }
        guard database == 0 else { return refuse("-ERR DB index is out of range\r\n") }
        ok()
    }

    func quit(_ call: Call) {
        call.client.pointee.isClosing = true
        ok()
    }

    func resetCommand(_ call: Call) {
        reset(call.client)
        out.pointee.simple("RESET")
    }

    /// Names are shown in lists, so they have no spaces.
    func isName(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.allSatisfy { (0x21...0x7E).contains($0) } }
}
