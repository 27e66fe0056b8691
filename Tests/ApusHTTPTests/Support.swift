import ApusHTTP
import ApusTesting
import FoundationEssentials
import Testing

/// Files a test reads, beside this one.
enum Fixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/Fixtures/\(name)")))
    }
}

/// What a connection's bytes came to.
struct Outcome: Equatable, CustomStringConvertible {
    enum Ending: Equatable {
        /// Every byte belongs to a whole request.
        case clean
        /// A request has begun and is not whole.
        case incomplete
        /// The last request said that no other follows.
        case closed
        case refused(ParseError.Code)
    }

    var requests: [String] = []
    var ending = Ending.clean

    var description: String { "\(requests) then \(ending)" }
}

/// Parses `bytes` as a connection would, given piece by piece: `pieces` are lengths; what is left comes at the end.
///
/// Reading beyond a piece ends the process; see ``GuardedBytes``.
func drive(_ bytes: [UInt8], pieces: [Int] = []) -> Outcome {
    var outcome = Outcome()
    var parser = RequestParser()
    var head = RequestHead()
    let table = HeaderTable.allocate()
    defer { table.deallocate() }
    let guarded = GuardedBytes(capacity: bytes.count)
    var received: [UInt8] = []
    var body: Body?
    var given = 0
    var pieces = pieces.makeIterator()

    while given < bytes.count {
        let count = min(pieces.next() ?? bytes.count, bytes.count - given)
        received += bytes[given..<given + count]
        given += count
        do throws(ParseError) {
            while true {
                if var current = body {
                    let used = try current.take(received, guarded)
                    received.removeFirst(used)
                    body = current.isWhole ? nil : current
                    if body != nil { break }
                    outcome.requests.append(current.description)
                    if !current.keepAlive {
                        outcome.ending = .closed
                        return outcome
                    }
                }
                if received.isEmpty { break }
                let raw = guarded.copy(received)
                guard case .complete(let headBytes) = try parser.parse(raw, head: &head, table: table) else { break }
                body = Body(head: head, table: table, bytes: raw)
                received.removeFirst(headBytes)
            }
        } catch {
            outcome.ending = .refused(error.code)
            return outcome
        }
    }
    outcome.ending = body != nil || parser.isInHead ? .incomplete : .clean
    return outcome
}

/// A request's body on its way in, and a line that says what came.
struct Body {
    var keepAlive: Bool
    var summary: String
    var data: [UInt8] = []
    var trailers: [UInt8] = []
    var left: UInt64 = 0
    var decoder: ChunkedDecoder?

    init(head: RequestHead, table: HeaderTable, bytes: UnsafeRawBufferPointer) {
        keepAlive = head.keepAlive
        let fields = (0..<table.count).map { index in
            let field = table[index]
            return "\(field.id)\(field.isHopByHop ? "*" : "")=\(Array(field.value.bytes(in: bytes)))"
        }
        summary = "\(head.methodText.string(in: bytes)) \(head.target.string(in: bytes)) \(fields)"
        switch head.framing {
        case .length(let count): left = count
        case .chunked: decoder = ChunkedDecoder()
        default: break
        }
    }

    var isWhole: Bool { decoder.map { $0.hasEnded } ?? (left == 0) }
    var description: String { "\(summary) \(data) \(trailers)" }

    mutating func take(_ bytes: [UInt8], _ guarded: borrowing GuardedBytes) throws(ParseError) -> Int {
        guard var current = decoder else {
            let count = Int(min(left, UInt64(bytes.count)))
            data += bytes[..<count]
            left -= UInt64(count)
            return count
        }
        defer { decoder = current }
        let raw = guarded.copy(bytes)
        var offset = 0
        while true {
            switch try current.next(raw, at: &offset) {
            case .data(let range): data += bytes[range]
            case .trailer(let range): trailers += bytes[range]
            case .needMore, .end: return offset
            }
        }
    }
}

/// A request head and what to look at in it, for as long as `body` runs.
func withHead<Result>(
    _ text: String,
    _ body: (RequestHead, HeaderTable, UnsafeRawBufferPointer) throws -> Result
) throws -> Result {
    let table = HeaderTable.allocate()
    defer { table.deallocate() }
    var bytes = Array(text.utf8)
    return try bytes.withUnsafeMutableBytes { raw in
        let bytes = UnsafeRawBufferPointer(raw)
        var parser = RequestParser()
        var head = RequestHead()
        let progress = try parser.parse(bytes, head: &head, table: table)
        try #require(progress != .incomplete)
        return try body(head, table, bytes)
    }
}

/// The code a request is refused with, or `nil`.
func refusal(_ text: String) -> ParseError.Code? {
    if case .refused(let code) = drive(Array(text.utf8)).ending { return code }
    return nil
}
