import ApusCore
import ApusRuntime

/// A script that a server runs in one step, known to it by its SHA-1.
///
/// - SeeAlso: Redis, "Scripting with Lua", `EVALSHA`.
public struct RESPScript: Sendable, Hashable {
    /// What the server runs.
    public let text: String
    /// The name that servers give it.
    public let name: String

    /// A script.
    public init(_ text: String) {
        self.text = text
        name = Hex.encode(SHA1.digest(Array(text.utf8)))
    }
}

extension RESPClient {
    /// Runs a script by its name, and by its text where the server does not know it yet.
    ///
    /// - Parameters:
    ///   - script: What to run.
    ///   - keys: Its `KEYS`, all of one slot in a cluster.
    ///   - arguments: Its `ARGV`.
    ///   - limit: How long it may take, each of the two; the configuration's unless given.
    /// - Returns: What the script returns.
    /// - Throws: ``RESPFailure`` for an error reply, ``RESPClientError`` without one, `CancellationError`.
    public func run(
        _ script: RESPScript,
        keys: [RESPArgument],
        _ arguments: [RESPArgument] = [],
        within limit: Duration? = nil
    ) async throws -> RESPValue {
        let words = [.number(keys.count)] + keys + arguments
        do {
            return try await send(RESPCommand("EVALSHA", [.text(script.name)] + words), within: limit)
        } catch let failure as RESPFailure where failure.code == "NOSCRIPT" {
            return try await send(RESPCommand("EVAL", [.text(script.text)] + words), within: limit)
        }
    }
}
