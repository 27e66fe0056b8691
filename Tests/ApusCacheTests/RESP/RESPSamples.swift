import ApusTesting
import FoundationEssentials
import Testing

@testable import ApusCache

/// The examples of the protocol's specification; see `Fixtures/README.md`.
struct RESPSamples: Decodable {
    struct Reply: Decodable {
        let wire: Data
        let value: Value
    }
    struct Command: Decodable {
        let wire: Data
        let args: [String]
        let inline: Bool?
    }
    struct Refused: Decodable {
        let wire: Data
        let why: String
    }
    let replies: [Reply]
    let commands: [Command]
    let refuse: [Refused]

    /// A value as the fixture writes it: an object with one key, its type.
    struct Value: Decodable {
        let value: RESPValue

        private enum Key: String, CodingKey {
            case simple, error, integer, bulk, null, array, boolean, double, bignumber, verbatim, map, set, push
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Key.self)
            let key = try #require(fields.allKeys.first)
            switch key {
            case .simple: value = .simple(try fields.decode(String.self, forKey: key))
            case .error: value = .error(try fields.decode(String.self, forKey: key))
            case .integer: value = .integer(try fields.decode(Int.self, forKey: key))
            case .bulk: value = .bulk([UInt8](try fields.decode(Data.self, forKey: key)))
            case .null: value = .null
            case .array: value = .array(try fields.decode([Value].self, forKey: key).map(\.value))
            case .boolean: value = .boolean(try fields.decode(Bool.self, forKey: key))
            case .double: value = .double(try #require(Double(try fields.decode(String.self, forKey: key))))
            case .bignumber: value = .bigNumber(try fields.decode(String.self, forKey: key))
            case .verbatim:
                let parts = try fields.decode([String].self, forKey: key)
                value = .verbatim(format: parts[0], text: [UInt8](try #require(Data(base64Encoded: parts[1]))))
            case .map:
                let pairs = try fields.decode([[Value]].self, forKey: key)
                value = .map(pairs.map { RESPValue.Pair($0[0].value, $0[1].value) })
            case .set: value = .set(try fields.decode([Value].self, forKey: key).map(\.value))
            case .push: value = .push(try fields.decode([Value].self, forKey: key).map(\.value))
            }
        }
    }

    static let all: RESPSamples = {
        do {
            let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
            let path = folder.joined(separator: "/") + "/Fixtures/resp.json"
            return try JSONDecoder().decode(RESPSamples.self, from: Data(contentsOf: URL(filePath: path)))
        } catch {
            Issue.record("the fixture cannot be read: \(error)")
            return RESPSamples(replies: [], commands: [], refuse: [])
        }
    }()

    private init(replies: [Reply], commands: [Command], refuse: [Refused]) {
        self.replies = replies
        self.commands = commands
        self.refuse = refuse
    }
}

/// What a run of bytes came to, given piece by piece: whole messages, then how it ended.
struct RESPOutcome<Message: Equatable>: Equatable {
    enum Ending: Equatable { case clean, incomplete, refused(RESPError) }
    var messages: [Message] = []
    var ending = Ending.clean
}

/// Feeds `bytes` as a connection would; `pieces` are lengths, what is left comes at the end.
///
/// Reading beyond a piece ends the process; see `GuardedBytes`.
private func feed<Message>(
    _ bytes: [UInt8],
    _ pieces: [Int],
    _ take: (UnsafeMutableRawBufferPointer, inout RESPOutcome<Message>) -> Int?
) -> RESPOutcome<Message> {
    var outcome = RESPOutcome<Message>()
    let guarded = GuardedBytes(capacity: bytes.count + 1)
    var pieces = pieces.makeIterator()
    var (given, start) = (0, 0)
    while given < bytes.count {
        given += max(1, min(pieces.next() ?? bytes.count, bytes.count - given))
        while start < given {
            let place = UnsafeMutableRawBufferPointer(mutating: guarded.copy(bytes[start..<given]))
            guard let used = take(place, &outcome) else { break }
            if used == 0 { return outcome }
            start += used
        }
    }
    if start < bytes.count { outcome.ending = .incomplete }
    return outcome
}

/// The commands in `bytes`.
func commands(_ bytes: [UInt8], pieces: [Int] = [], limits: RESPLimits = RESPLimits()) -> RESPOutcome<[[UInt8]]> {
    var parser = RESPCommandParser(limits)
    return feed(bytes, pieces) { place, outcome in
        guard let base = place.baseAddress else { return nil }
        switch parser.parse(base, place.count) {
        case .command(let used):
            outcome.messages.append(
                (0..<parser.argumentCount).map { index in
                    let range = parser.arguments[index]
                    return Array(place[Int(range.start)..<Int(range.start + range.count)])
                }
            )
            return used
        case .nothing(let used): return used
        case .incomplete: return nil
        case .malformed(let error):
            outcome.ending = .refused(error)
            return 0
        }
    }
}

/// The replies in `bytes`.
func replies(_ bytes: [UInt8], pieces: [Int] = [], limits: RESPLimits = RESPLimits()) -> RESPOutcome<RESPValue> {
    var scanner = RESPReplyScanner(limits)
    return feed(bytes, pieces) { place, outcome in
        guard let base = place.baseAddress else { return nil }
        switch scanner.scan(base, place.count) {
        case .complete(let used):
            var reader = RESPReplyReader(base)
            outcome.messages.append(reader.value())
            // The reader and the scanner agree on where the reply ends.
            if reader.offset != used { Issue.record("the reader read \(reader.offset) of \(used) bytes of \(bytes)") }
            return used
        case .incomplete: return nil
        case .malformed(let error):
            outcome.ending = .refused(error)
            return 0
        }
    }
}
