import ApusCore
import Testing

@testable import ApusCache

struct RESPGreetingTests {
    /// What is said to a server that answers so, and what comes of it.
    private func talk(_ url: String, _ answers: RESPValue...) throws -> (said: [String], outcome: String) {
        let address = try RESPAddress(url: url)
        var greeting = RESPGreeting(address, server: "cache:1", database: address.database, clientName: "apus")
        var said: [String] = []
        var step = greeting.begin()
        var left = answers[...]
        while true {
            switch step {
            case .say(let command):
                let words = String(decoding: command.wire, as: UTF8.self).split(separator: "\r\n")
                said.append(
                    words.enumerated().filter { $0.offset > 0 && $0.offset % 2 == 0 }.map { String($0.element) }.joined(
                        separator: " "
                    )
                )
                guard let answer = left.popFirst() else { return (said, "waits") }
                step = greeting.answered(answer)
            case .done(let version): return (said, "RESP\(version.rawValue)")
            case .refused(let error): return (said, "\(error.code): \(error.detail)")
            }
        }
    }

    private static let map = RESPValue.map([RESPValue.Pair(.text("proto"), .integer(3))])

    @Test func `one command says it all`() throws {
        let plain = try talk("redis://a", Self.map)
        #expect(plain.said == ["HELLO 3 SETNAME apus"])
        #expect(plain.outcome == "RESP3")
        let full = try talk("redis://anna:x@a/2", Self.map, .ok)
        #expect(full.said == ["HELLO 3 AUTH anna x SETNAME apus", "SELECT 2"])
        #expect(full.outcome == "RESP3")
        #expect(try talk("redis://:x@a", Self.map).said == ["HELLO 3 AUTH default x SETNAME apus"])
    }

    @Test(arguments: ["NOPROTO unsupported protocol version", "ERR unknown command 'HELLO'"])
    func `a server without RESP3 is told by older commands`(refusal: String) throws {
        let talk = try talk("redis://anna:x@a/2", .error(refusal), .ok, .ok, .ok)
        #expect(talk.said == ["HELLO 3 AUTH anna x SETNAME apus", "AUTH anna x", "CLIENT SETNAME apus", "SELECT 2"])
        #expect(talk.outcome == "RESP2")
    }

    @Test func `RESP2 where the URL says so`() throws {
        let talk = try talk("redis://:x@a?protocol=2", .ok, .error("ERR unknown subcommand"))
        #expect(talk.said == ["AUTH x", "CLIENT SETNAME apus"])
        #expect(talk.outcome == "RESP2")
    }

    @Test(arguments: [
        (
            "redis://:hush@a", "WRONGPASS invalid username-password pair or user is disabled.", "accessRefused",
            "password"
        ),
        (
            "redis://a", "NOAUTH HELLO must be called with the client already authenticated", "accessRefused",
            "redis://user:password@"
        ),
        ("redis://a", "DENIED Redis is running in protected mode", "accessRefused", "protected mode"),
        ("redis://a", "ERR max number of clients reached", "unreachable", "maxclients"),
        ("redis://anna:hush@a", "NOPERM this user has no permissions", "accessRefused", "ACL"),
        ("redis://a", "MISCONF whatever", "unreachable", "MISCONF"),
    ])
    func `a refusal is one line with the fix, and no secret`(url: String, answer: String, code: String, word: String)
        throws
    {
        let outcome = try talk(url, .error(answer)).outcome
        #expect(outcome.hasPrefix("\(code): cache:1"), "\(outcome)")
        #expect(outcome.contains(word), "\(outcome)")
        #expect(!outcome.contains("hush") && !outcome.contains("\n"))
    }

    @Test func `a password that is missing shows in RESP2 too, and so does a database`() throws {
        let name = try talk("redis://a?protocol=2", .error("NOAUTH Authentication required.")).outcome
        #expect(name.hasPrefix("accessRefused"), "\(name)")
        let database = try talk("redis://a/99", Self.map, .error("ERR DB index is out of range")).outcome
        #expect(database.contains("no database 99"), "\(database)")
        let none = try talk("redis://:hush@a?protocol=2", .error("ERR AUTH <password> called without any password"))
            .outcome
        #expect(none.hasPrefix("accessRefused") && !none.contains("hush"), "\(none)")
    }
}
