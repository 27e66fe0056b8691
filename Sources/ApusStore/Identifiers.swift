import ApusCore

/// Names that were written into statements, each kept once so that its address stands for it.
///
/// Names are chosen by programs, so there are few; past ``namesMax`` a new one is refused rather than kept.
final class Identifiers: Sendable {
    static let shared = Identifiers()
    static let namesMax = 4096

    private let known = Lock<[String: Entry]>([:])

    /// Memory that is never written again and never freed.
    private struct Entry: @unchecked Sendable {
        let start: UnsafePointer<UInt8>
        let count: Int32
    }

    /// The name in double quotes, or `nil` where it is none.
    func quoted(_ name: String) -> SQLPart? {
        guard Self.isIdentifier(name) else { return nil }
        let entry = known.withLock { known -> Entry? in
            if let entry = known[name] { return entry }
            guard known.count < Self.namesMax else { return nil }
            let text = Array("\"\(name)\"".utf8)
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
            _ = memory.initialize(from: text)
            guard let start = memory.baseAddress else { return nil }
            let entry = Entry(start: UnsafePointer(start), count: Int32(text.count))
            known[name] = entry
            return entry
        }
        return entry.map { SQLPart(start: $0.start, count: $0.count) }
    }

    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (byte | 32) >= UInt8(ascii: "a") && (byte | 32) <= UInt8(ascii: "z")
        }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }
}
