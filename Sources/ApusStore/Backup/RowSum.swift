import ApusCore

/// What tells two sets of rows apart, in whatever order they are read and whichever engine keeps them: how many there are, and
/// the sum of their hashes.
struct RowSum: Sendable, Hashable {
    private(set) var rows = 0
    private(set) var sum: UInt64 = 0

    init() {}

    init(rows: Int, sum: UInt64) {
        self.rows = rows
        self.sum = sum
    }

    static func + (left: RowSum, right: RowSum) -> RowSum {
        RowSum(rows: left.rows + right.rows, sum: left.sum &+ right.sum)
    }

    /// Adds a row, its values in the order of its table's columns.
    mutating func add(_ values: [SQLValue]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 16)
        for value in values { Self.append(value, to: &bytes) }
        rows += 1
        sum &+= bytes.withUnsafeBytes { XXHash64.hash($0) }
    }

    /// Part of the format of backups: a letter for the kind, then eight bytes, then text or bytes.
    ///
    /// A whole number is one whatever type its column gives it.
    private static func append(_ value: SQLValue, to bytes: inout [UInt8]) {
        func append(_ kind: Unicode.Scalar, _ number: UInt64) {
            bytes.append(UInt8(ascii: kind))
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        switch value {
        case .null: append("n", 0)
        case .integer(let number): append("i", UInt64(bitPattern: number))
        case .real(let number):
            if let whole = Int64(exactly: number) {
                append("i", UInt64(bitPattern: whole))
            } else {
                append("r", number.bitPattern)
            }
        case .text(let text):
            append("t", UInt64(text.utf8.count))
            bytes.append(contentsOf: text.utf8)
        case .bytes(let data):
            append("b", UInt64(data.count))
            bytes.append(contentsOf: data)
        }
    }
}
