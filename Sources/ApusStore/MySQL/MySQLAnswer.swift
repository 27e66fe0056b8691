#if MySQL
import CMariaDB

/// One answer of the server, all of its rows.
final class MySQLAnswer: RowSource, @unchecked Sendable {
    /// Rows that the statement inserted, changed or deleted.
    let changed: Int
    private let names: [String]
    private let cells: [Cell]
    private let storage: [UInt8]

    /// One column of one row; texts and the like are stretches of the storage.
    enum Cell {
        case null
        case integer(Int64)
        case real(Double)
        case decimal(Range<Int>)
        case text(Range<Int>)
        case bytes(Range<Int>)
        /// A type that no ``SQLValue`` has.
        case other
    }

    init(changed: Int, names: [String] = [], cells: [Cell] = [], storage: [UInt8] = []) {
        self.changed = changed
        self.names = names
        self.cells = cells
        self.storage = storage
        super.init(columns: names.count, rows: names.isEmpty ? 0 : cells.count / names.count)
    }

    private func cell(_ column: Int) -> Cell { cells[row * columns + column] }
    private func string(_ range: Range<Int>) -> String { String(decoding: storage[range], as: UTF8.self) }

    override func isNull(_ column: Int) -> Bool { if case .null = cell(column) { true } else { false } }

    override func integer(_ column: Int) -> Int64? {
        switch cell(column) {
        case .integer(let number): number
        // A sum of whole numbers is one.
        case .decimal(let range): Int64(string(range))
        default: nil
        }
    }

    override func real(_ column: Int) -> Double? {
        switch cell(column) {
        case .integer(let number): Double(number)
        case .real(let number): number
        case .decimal(let range): Double(string(range))
        default: nil
        }
    }

    override func text(_ column: Int) -> String? {
        if case .text(let range) = cell(column) { string(range) } else { nil }
    }

    override func bytes(_ column: Int) -> [UInt8]? {
        if case .bytes(let range) = cell(column) { Array(storage[range]) } else { nil }
    }

    override func value(_ column: Int) -> SQLValue? {
        switch cell(column) {
        case .null: .null
        case .integer(let number): .integer(number)
        case .real(let number): .real(number)
        case .decimal: integer(column).map { .integer($0) } ?? real(column).map { .real($0) }
        case .text(let range): .text(string(range))
        case .bytes(let range): .bytes(Array(storage[range]))
        case .other: nil
        }
    }

    override func name(of column: Int) -> String { names[column] }
}
#endif
