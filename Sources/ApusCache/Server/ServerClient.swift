import ApusCore
import ApusRuntime

/// A client of the embedded server.
typealias ClientPointer = UnsafeMutablePointer<ServerClient>

/// One connection: what it has sent and not been served, what it has not taken yet, and what it wants.
//
// Not copyable and in memory of its own, which its worker frees: a command changes it in place and counts no references.
struct ServerClient: ~Copyable {
    /// What stands between a command and its being run at once.
    struct Gate: OptionSet {
        let rawValue: UInt16
        /// It has not said the password.
        static let unknown = Gate(rawValue: 1)
        /// Commands are queued.
        static let inTransaction = Gate(rawValue: 2)
        /// It listens to channels in RESP2, where only commands about channels are heard.
        static let subscribed = Gate(rawValue: 4)
        /// What it reads is remembered.
        static let tracking = Gate(rawValue: 8)
        /// It wants no replies.
        static let replyOff = Gate(rawValue: 16)
        /// It wants no reply to the next command.
        static let replySkip = Gate(rawValue: 32)
        /// It waits for an element; nothing more is served until it has one.
        static let waiting = Gate(rawValue: 64)
    }

    let id: UInt64
    /// Where it is from, such as `127.0.0.1:50412`.
    let address: String
    /// Its socket; none in a test of the core alone.
    var channel: Channel?
    /// Who is told that the socket is ready.
    var worker: Unmanaged<CacheWorker>?
    var parser: RESPCommandParser
    /// What it speaks in place of RESP, if it came to the other port.
    let memcached: MemcachedSession?
    /// Its connection is not secured yet.
    var isSecuring = false
    /// What came and is not served yet.
    var input: RESPBuffer
    /// What it does not take yet.
    var output: RESPBuffer
    var version = RESPVersion.two
    var gate: Gate = []
    /// Closed once its output is gone.
    var isClosing = false
    /// Cut off without further output.
    var isAborted = false
    /// It is in the list of those who are looked at when the turn ends.
    var isDirty = false
    /// Replies to it are not sent yet.
    var hasUnsent = false
    /// When it came, and when it sent something last; milliseconds.
    let arrivedAt: Int64
    var lastActive: Int64
    /// When some of its output went last; milliseconds.
    var lastProgress: Int64
    var lastCommand: Int16 = -1
    var extras: ClientExtras?

    init(
        id: UInt64,
        address: String,
        configuration: CacheServerConfiguration,
        protocol spoken: CacheProtocol = .resp,
        now: Int64
    ) {
        self.id = id
        self.address = address
        memcached =
            spoken == .memcached ? MemcachedSession(valueBytesMax: configuration.memcachedValueBytesMax) : nil
        var limits = RESPLimits()
        limits.bulkBytesMax = configuration.valueBytesMax
        parser = RESPCommandParser(limits)
        input = RESPBuffer(bytesMax: configuration.inputBytesMax)
        output = RESPBuffer(bytesMax: configuration.outputBytesMax)
        arrivedAt = now
        lastActive = now
        lastProgress = now
    }
}

/// What a server's port speaks.
enum CacheProtocol { case resp, memcached }

/// What only some clients have.
//
// Touched by the server's loop alone, as its client is.
final class ClientExtras {
    var name: [UInt8] = []
    var libraryName: [UInt8] = []
    var libraryVersion: [UInt8] = []
    var channels: Set<[UInt8]> = []
    var patterns: Set<[UInt8]> = []
    /// Keys whose change ends the next transaction.
    var watched: Set<[UInt8]> = []
    /// One of them has changed.
    var isWatchBroken = false
    var queue: [QueuedCommand] = []
    var queuedBytes = 0
    /// A command could not be queued.
    var isQueueBroken = false
    var tracking: TrackingOptions?
    var waiting: WaitingClient?
}

/// A command in a transaction, with bytes of its own.
struct QueuedCommand {
    let command: UnsafeMutablePointer<Command>
    var bytes: [UInt8]
    var ranges: [RESPRange]
}

extension UnsafeMutablePointer<ServerClient> {
    /// How many bytes of what it sends next are known to be needed; 0 where that is not known.
    var bytesNeeded: Int { pointee.memcached?.parser.bytesNeeded ?? pointee.parser.bytesNeeded }

    /// Gives memory of its parsers back, once nothing that it sent is left.
    func shrinkParsers() {
        if let memcached = pointee.memcached { memcached.parser.shrink() } else { pointee.parser.shrink() }
    }

    /// What only some clients have, made when it is first needed.
    var needExtras: ClientExtras {
        if let extras = pointee.extras { return extras }
        let extras = ClientExtras()
        pointee.extras = extras
        return extras
    }
}
