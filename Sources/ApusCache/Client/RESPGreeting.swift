import ApusCore

/// What is said when a connection is new, without its socket: which version is spoken, who we are, which database.
///
/// `HELLO 3` says all but the database in one command. A server that does not know it is told the same by older commands.
///
/// - SeeAlso: Redis, "HELLO", and its ACL.
struct RESPGreeting {
    enum Step {
        /// Send this, and say what is answered.
        case say(RESPCommand)
        /// The connection is ready.
        case done(RESPVersion)
        case refused(RESPClientError)
    }

    private enum State { case hello, authentication, name, selection }

    private let server: String
    private let user: String?
    private let password: Secret<String>?
    private let database: Int
    private let clientName: String
    private let asksForThree: Bool
    private var state = State.hello
    private var version = RESPVersion.two

    init(_ address: RESPAddress, server: String, database: Int, clientName: String) {
        self.server = server
        user = address.user
        password = address.password
        self.database = database
        self.clientName = clientName
        asksForThree = address.prefersRESP3
    }

    /// What comes first.
    mutating func begin() -> Step {
        guard asksForThree else { return beginTwo() }
        state = .hello
        var words: [RESPArgument] = [3]
        if let password { words += ["AUTH", .text(user ?? "default"), .text(password.reveal())] }
        return .say(RESPCommand("HELLO", words + ["SETNAME", .text(clientName)]))
    }

    private mutating func beginTwo() -> Step {
        guard let password else { return sayName() }
        state = .authentication
        let words = (user.map { [RESPArgument.text($0)] } ?? []) + [.text(password.reveal())]
        return .say(RESPCommand("AUTH", words))
    }

    private mutating func sayName() -> Step {
        state = .name
        return .say(RESPCommand("CLIENT", "SETNAME", .text(clientName)))
    }

    private mutating func select() -> Step {
        guard database != 0 else { return .done(version) }
        state = .selection
        return .say(RESPCommand("SELECT", .number(database)))
    }

    /// What comes after an answer.
    mutating func answered(_ value: RESPValue) -> Step {
        guard case .error(let text) = value else {
            switch state {
            case .hello:
                if case .map = value { version = .three }
                return select()
            case .authentication: return sayName()
            case .name: return select()
            case .selection: return .done(version)
            }
        }
        switch state {
        case .hello where text.hasPrefix("NOPROTO") || text.hasPrefix("ERR unknown command"): return beginTwo()
        // A server without names goes without ours, but one that wants a password says so here too.
        case .name where text.hasPrefix("ERR"): return select()
        default: return .refused(refusal(text))
        }
    }

    private func refusal(_ text: String) -> RESPClientError {
        let who = "the user \"\(user ?? "default")\""
        let code = RESPFailure(text).code
        switch code {
        case "WRONGPASS":
            return RESPClientError(
                .accessRefused,
                "\(server) refuses \(who) or its password; look at the URL, and at the server's requirepass or ACL"
            )
        case "NOAUTH":
            return RESPClientError(
                .accessRefused,
                "\(server) wants a password; write redis://user:password@host:port, or redis://:password@host:port"
            )
        case "NOPERM":
            return RESPClientError(.accessRefused, "\(server) does not allow \(who) to connect; look at its ACL")
        case "DENIED":
            return RESPClientError(
                .accessRefused,
                "\(server) is in protected mode, and takes no connections from other machines without a password"
            )
        default: break
        }
        if text.contains("max number of clients") {
            return RESPClientError(.unreachable, "\(server) has no connection left; raise its maxclients")
        }
        switch state {
        case .selection:
            return RESPClientError(.accessRefused, "\(server) has no database \(database); it says \(code)")
        case .authentication, .hello:
            // What else a server says to a password: that it is wrong, or that it has none. It is not repeated.
            guard password != nil else { break }
            return RESPClientError(
                .accessRefused,
                "\(server) does not take the password (\(code)); it may have none, or be older than its users"
            )
        case .name: break
        }
        return RESPClientError(.unreachable, "\(server) refuses the connection (\(code))")
    }
}
