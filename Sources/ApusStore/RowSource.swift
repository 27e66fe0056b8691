/// The rows of an answer that came from an engine outside of this process.
///
/// A cursor: it stands on one row at a time. What a column does not hold is `nil`, so that the reader can say what was
/// expected and where.
//
// `@unchecked Sendable` is sound because an answer belongs to one task at a time: the loop that received it hands it
// over, and looks at it no more.
@usableFromInline
class RowSource: @unchecked Sendable {
    /// How many columns each row has.
    let columns: Int
    /// How many rows there are.
    let rows: Int
    /// The row it stands on, from 0; before the first at the start.
    fileprivate(set) final var row = -1

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// Moves to the next row; false after the last.
    final func next() -> Bool {
        row += 1
        return row < rows
    }

    func isNull(_ column: Int) -> Bool { true }
    func integer(_ column: Int) -> Int64? { nil }
    func real(_ column: Int) -> Double? { nil }
    func text(_ column: Int) -> String? { nil }
    func bytes(_ column: Int) -> [UInt8]? { nil }
    /// Whatever is there, NULL too; `nil` for a type that no ``SQLValue`` has.
    func value(_ column: Int) -> SQLValue? { nil }
    func name(of column: Int) -> String { "" }
}

extension RowSource {
    /// The first row, or `nil` where there is none.
    func first<T: Row>(as type: T.Type) throws -> T? {
        guard next() else { return nil }
        var reader = RowReader(self)
        return try withExtendedLifetime(self) { try T(from: &reader) }
    }

    /// All rows.
    func all<T: Row>(as type: T.Type) throws -> [T] {
        var found: [T] = []
        found.reserveCapacity(rows)
        var reader = RowReader(self)
        while next() {
            reader.rewind()
            found.append(try withExtendedLifetime(self) { try T(from: &reader) })
        }
        return found
    }
}
