import ApusHTTP
import FoundationEssentials
import Testing

/// Byte strings over which real servers disagreed.
struct AmbiguousRequestTests {
    struct Verdict: Decodable {
        let requests: Int
        let error: String?
    }
    struct Case: Decodable, CustomTestStringConvertible {
        let id: String
        let payload: Data
        let requests: Int
        let error: String?
        let why: String
        let withHost: Verdict?
        var testDescription: String { "\(id): \(why)" }
    }
    struct Table: Decodable { let cases: [Case] }

    static let cases: [Case] = {
        do {
            let bytes = try Fixture.bytes("ambiguous-requests.json")
            return try JSONDecoder().decode(Table.self, from: Data(bytes)).cases
        } catch {
            Issue.record("the table cannot be read: \(error)")
            return []
        }
    }()

    @Test func `the table has its fifty cases`() { #expect(Self.cases.count == 50) }

    @Test(arguments: cases)
    func `what readers could read differently is refused`(row: Case) {
        let outcome = drive([UInt8](row.payload))
        #expect(outcome.requests.count == row.requests)
        #expect(code(outcome) == row.error)
        if let verdict = row.withHost {
            let outcome = drive(withHost([UInt8](row.payload)))
            #expect(outcome.requests.count == verdict.requests)
            #expect(code(outcome) == verdict.error)
        }
    }

    @Test(arguments: cases)
    func `byte by byte and in every split of two the verdict is the same`(row: Case) {
        let bytes = [UInt8](row.payload)
        let whole = drive(bytes)
        #expect(drive(bytes, pieces: Array(repeating: 1, count: bytes.count)) == whole)
        for cut in 1..<bytes.count { #expect(drive(bytes, pieces: [cut]) == whole, "cut at \(cut)") }
    }

    private func code(_ outcome: Outcome) -> String? {
        if case .refused(let code) = outcome.ending { return "\(code)" }
        return nil
    }

    /// Puts a Host line after the request line.
    private func withHost(_ bytes: [UInt8]) -> [UInt8] {
        guard let lineFeed = bytes.firstIndex(of: 10) else { return bytes }
        return bytes[...lineFeed] + Array("Host: a\r\n".utf8) + bytes[(lineFeed + 1)...]
    }
}
