import Apus
import Testing

@testable import Bazaar

@Suite struct CSVReaderTests {
    /// Reads `text` in pieces of `step` bytes.
    private func records(_ text: String, fields: Int = 2, step: Int = .max, recordBytesMax: Int = 64) throws
        -> [[String]]
    {
        let bytes = Array(text.utf8)
        var offset = 0
        var records: [[String]] = []
        try CSVReader(fieldCount: fields, recordBytesMax: recordBytesMax).forEachRecord(from: { buffer in
            let count = min(step, buffer.count, bytes.count - offset)
            buffer.copyBytes(from: bytes[offset..<offset + count])
            offset += count
            return count
        }) { record in
            records.append(try (0..<fields).map { try record.text($0) })
        }
        return records
    }

    @Test(arguments: 1...12)
    func `records come out the same however the bytes arrive`(step: Int) throws {
        let text = "a,b\n\"x,\"\"y\"\"\",\"two\nlines\"\r\n,\"\"\nlast,£4\r\nend,of file"
        let expected = [["a", "b"], ["x,\"y\"", "two\nlines"], ["", ""], ["last", "£4"], ["end", "of file"]]
        #expect(try records(text, step: step) == expected)
    }

    @Test(arguments: [
        "a\n", "a,b,c\n", "\"a,b\n", "\"a\"b,c\n", "a\"b,c\n", "a,\"b\"\r", "\n",
    ])
    func `a record that breaks the rules is refused`(text: String) {
        #expect(throws: ShopError.self) { try records(text) }
    }

    @Test func `a record longer than the limit is refused, not buffered`() {
        #expect(throws: ShopError.self) { try records(String(repeating: "x", count: 4 << 20) + ",b\n") }
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        var given = false
        #expect(throws: ShopError.self) {
            try CSVReader(fieldCount: 1).forEachRecord(from: { buffer in
                if given { return 0 }
                given = true
                buffer.copyBytes(from: [0xC3, 0x28, 0x0A])
                return 3
            }) { _ = try $0.text(0) }
        }
    }

    @Test func `random records survive being written and read in random pieces`() throws {
        let seed = SecureRandom.number()
        var random = SeededRandom(seed: seed)
        let alphabet = ["a", "£", "\"", ",", "\n", " ", "'", "\r\n", "é", "0"]
        for _ in 0..<200 {
            let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                (0..<3).map { _ in
                    (0..<Int.random(in: 0...5, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? ""
                    }
                    .joined()
                }
            }
            let text = rows.map { row in
                row.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\n"
            }.joined()
            let step = Int.random(in: 1...9, using: &random)
            #expect(try records(text, fields: 3, step: step, recordBytesMax: 4096) == rows, "seed \(seed)")
        }
    }
}
