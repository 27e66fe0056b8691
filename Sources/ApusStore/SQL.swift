/// A statement whose values are bound, never written into its text.
///
/// ```swift
/// let sql: SQL = "SELECT id, name FROM products WHERE id = \(id) AND price < \(limit)"
/// ```
/// Every `\(value)` becomes a parameter. Text gets into a statement in three ways only: as a literal of the program,
/// as another `SQL` by `\(sql: part)`, and as a checked name by `\(identifier: column)`. There is no way to make
/// an `SQL` from a `String`.
///
/// The text is known by the addresses of its literals, so finding the prepared statement costs no look at the text.
//
// `@unchecked Sendable` is sound: pieces point at literals and interned names, which live as long as the process
// and are never written.
public struct SQL: ExpressibleByStringInterpolation, @unchecked Sendable {
    /// A stretch of text, and whether a parameter follows it.
    @usableFromInline
    struct Piece: Equatable {
        @usableFromInline var start: UnsafePointer<UInt8>
        @usableFromInline var count: Int32
        @usableFromInline var binds: Bool

        @inlinable
        init(start: UnsafePointer<UInt8>, count: Int32, binds: Bool) {
            self.start = start
            self.count = count
            self.binds = binds
        }

        @inlinable
        static func == (left: Piece, right: Piece) -> Bool {
            left.start == right.start && left.count == right.count && left.binds == right.binds
        }
    }

    @usableFromInline var pieces: [Piece]
    @usableFromInline var values: [SQLValue]
    /// Why this statement cannot run: a name that is none.
    @usableFromInline var problem: StoreError?

    /// A statement without parameters.
    public init(stringLiteral text: StaticString) {
        pieces = [Piece(start: text.utf8Start, count: Int32(text.utf8CodeUnitCount), binds: false)]
        values = []
    }

    /// A statement with bound values.
    @inlinable
    public init(stringInterpolation parts: StringInterpolation) {
        self = parts.sql
    }

    @inlinable
    init(pieces: [Piece], values: [SQLValue]) {
        self.pieces = pieces
        self.values = values
    }

    /// The text for one dialect: `parameter` writes the mark of the n-th parameter, counted from 1.
    func text(parameter: (Int) -> String) -> String {
        var text = ""
        var count = 0
        for piece in pieces {
            text += String(decoding: UnsafeBufferPointer(start: piece.start, count: Int(piece.count)), as: UTF8.self)
            if piece.binds {
                count += 1
                text += parameter(count)
            }
        }
        return text
    }

    /// What the compiler builds an interpolated statement with.
    public struct StringInterpolation: StringInterpolationProtocol {
        /// Literals stay where the compiler put them.
        public typealias StringLiteralType = StaticString

        @usableFromInline var sql: SQL

        /// Makes room for the parts.
        @inlinable
        public init(literalCapacity: Int, interpolationCount: Int) {
            sql = SQL(pieces: [], values: [])
            sql.pieces.reserveCapacity(interpolationCount + 1)
            sql.values.reserveCapacity(interpolationCount)
        }

        /// Text of the program.
        @inlinable
        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount == 0 { return }
            sql.pieces.append(
                Piece(start: literal.utf8Start, count: Int32(literal.utf8CodeUnitCount), binds: false)
            )
        }

        /// A value, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: some SQLScalar) { bind(value.sqlValue) }

        /// A whole number, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: Int) { bind(.integer(Int64(value))) }

        /// Text, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: String) { bind(.text(value)) }

        /// Values in a list, each bound: `WHERE id IN (\(list: ids))`. An empty list matches nothing.
        public mutating func appendInterpolation(list values: [some SQLScalar]) {
            if values.isEmpty { return appendLiteral("NULL") }
            for (index, value) in values.enumerated() {
                if index > 0 { appendLiteral(", ") }
                bind(value.sqlValue)
            }
        }

        /// Another statement, or a part of one, with its own values.
        public mutating func appendInterpolation(sql part: SQL) {
            sql.pieces.append(contentsOf: part.pieces)
            sql.values.append(contentsOf: part.values)
            if sql.problem == nil { sql.problem = part.problem }
        }

        /// The name of a table or column: letters, digits and underscores, at most 63, not starting with a digit.
        ///
        /// Anything else makes the statement fail with code `statementInvalid` before it reaches the database.
        public mutating func appendInterpolation(identifier name: String) {
            guard let piece = Identifiers.shared.quoted(name) else {
                sql.problem = StoreError(
                    .statementInvalid,
                    "a name of \(name.utf8.count) B is no identifier; accepted: letters, digits, _, at most 63"
                )
                return
            }
            sql.pieces.append(piece)
        }

        @inlinable
        mutating func bind(_ value: SQLValue) {
            sql.values.append(value)
            let last = sql.pieces.count - 1
            if last >= 0, !sql.pieces[last].binds {
                sql.pieces[last].binds = true
            } else {
                sql.pieces.append(Piece(start: SQL.nothing, count: 0, binds: true))
            }
        }
    }

    /// An address for pieces without text.
    @inlinable static var nothing: UnsafePointer<UInt8> { ("" as StaticString).utf8Start }
}
