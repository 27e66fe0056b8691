import ApusCore
import ApusTesting
import Testing

@testable import ApusCache

/// The server without sockets, with a clock to turn: clients' bytes go in, replies come out.
final class CoreBench {
    let clock: any Clock
    let core: CacheCore

    init(_ core: CacheCore, _ clock: any Clock) {
        self.core = core
        self.clock = clock
    }

    init(_ change: (inout CacheServerConfiguration) -> Void = { _ in }) {
        var configuration = CacheServerConfiguration()
        change(&configuration)
        clock = ManualClock()
        core = CacheCore(configuration, clock: clock, seed: TestRun.seed)
    }

    var keysBytes: Int { core.keys.pointee.bytes }
    var evicted: Int { core.keys.pointee.evicted }
    var expired: Int { core.keys.pointee.expired }
    var isWatched: Bool { core.keys.pointee.isWatched }
    /// Values that were deleted and not given back yet.
    var graves: Int { core.keys.pointee.graveyard.count }

    func connect() -> CoreClient { CoreClient(self, core.connect(from: "test")) }

    /// Lets time pass, and the server look after itself.
    func advance(by duration: Duration) {
        (clock as? ManualClock)?.advance(by: duration)
        core.setTime(clock.now())
        core.lookAfter()
    }
}

/// A client of the server without sockets.
final class CoreClient {
    let bench: CoreBench
    let pointer: ClientPointer
    private var scanner = RESPReplyScanner()
    private var received: [UInt8] = []

    init(_ bench: CoreBench, _ pointer: ClientPointer) {
        self.bench = bench
        self.pointer = pointer
    }

    var isClosing: Bool { pointer.pointee.isClosing }

    /// Sends a command of words and gives its reply.
    @discardableResult
    func call(_ words: String...) -> RESPValue { call(words.map { Array($0.utf8) }) }

    /// Sends a line of words, split at spaces, and gives its reply.
    @discardableResult
    func line(_ text: String) -> RESPValue { call(text.split(separator: " ").map { Array($0.utf8) }) }

    @discardableResult
    func call(_ words: [[UInt8]]) -> RESPValue {
        send(Self.wire(words))
        return next() ?? .error("no reply")
    }

    static func wire(_ words: [[UInt8]]) -> [UInt8] {
        Array("*\(words.count)\r\n".utf8) + words.flatMap { Array("$\($0.count)\r\n".utf8) + $0 + [13, 10] }
    }

    /// Sends bytes as they are, behind what was not served of those before.
    func send(_ bytes: [UInt8]) {
        bench.core.setTime(bench.clock.now())
        pointer.pointee.input.append(bytes)
        serve()
    }

    private func serve() {
        while pointer.pointee.input.count > 0, !pointer.pointee.gate.contains(.waiting), !isClosing {
            let used = bench.core.serve(pointer, pointer.pointee.input.base, pointer.pointee.input.count)
            pointer.pointee.input.removeFirst(used)
            received += pointer.pointee.output.bytes
            pointer.pointee.output.removeAll()
            received += bench.core.out.pointee.bytes
            bench.core.out.pointee.removeAll()
            if used == 0 { return }
        }
    }

    /// The next reply or push, or `nil` where none has come.
    func next() -> RESPValue? {
        received += pointer.pointee.output.bytes
        pointer.pointee.output.removeAll()
        if !pointer.pointee.gate.contains(.waiting) { serve() }
        return received.withUnsafeBytes { bytes -> (RESPValue, Int)? in
            guard let base = bytes.baseAddress, case .complete(let used) = scanner.scan(base, bytes.count) else {
                return nil
            }
            var reader = RESPReplyReader(base)
            return (reader.value(), used)
        }.map { value, used in
            received.removeFirst(used)
            return value
        }
    }
}

extension RESPValue {
    /// A bulk string of a text.
    static func text(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }
    static func texts(_ texts: String...) -> RESPValue { .array(texts.map { .text($0) }) }
    static var ok: RESPValue { .simple("OK") }

    var isError: Bool {
        if case .error = self { true } else { false }
    }
}
