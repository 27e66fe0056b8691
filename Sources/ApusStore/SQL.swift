// `@unchecked Sendable` is sound: pieces point at literals and interned names, which live as long as the process
// and are never written.
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
public struct SQL: ExpressibleByStringInterpolation, @unchecked Sendable {
    /// A stretch of text, and whether a parameter follows it.
    @usableFromInline
    struct Piece: Equatable {
        @usableFromInline var start: UnsafePointer<UInt8>?
        @usableFromInline var count: Int32
        @usableFromInline var binds: Bool

        @inlinable @inline(__always)
        init(start: UnsafePointer<UInt8>?, count: Int32, binds: Bool) {
            self.start = start
            self.count = count
            self.binds = binds
        }
    }

    @usableFromInline var pieces: ShortList<Piece>
    @usableFromInline var values: ShortList<SQLValue>
    /// Mixed from the addresses of the text: equal statements of one place in the program have equal numbers.
    @usableFromInline var fingerprint: UInt
    /// The size in bytes of a name that is none, so that the statement cannot run; negative where all is well.
    @usableFromInline var badName: Int

    /// A statement without parameters.
    @inlinable
    public init(stringLiteral text: StaticString) {
        self.init()
        append(text.utf8Start, Int32(text.utf8CodeUnitCount))
    }

    /// A statement with bound values.
    @inlinable @inline(__always)
    public init(stringInterpolation parts: consuming StringInterpolation) {
        self = parts.sql
    }

    @inlinable @inline(__always)
    init() {
        pieces = ShortList(filler: Piece(start: nil, count: 0, binds: false))
        values = ShortList(filler: .null)
        fingerprint = 0x9E37_79B9_7F4A_7C15
        badName = -1
    }

    /// Adds text.
    @inlinable @inline(__always)
    mutating func append(_ start: UnsafePointer<UInt8>?, _ count: Int32) {
        mix(UInt(bitPattern: start) ^ UInt(truncatingIfNeeded: count) << 48)
        pieces.append(Piece(start: start, count: count, binds: false))
    }

    /// Adds a parameter.
    @inlinable @inline(__always)
    mutating func bind(_ value: SQLValue) {
        mix(1)
        values.append(value)
        switch pieces.count {
        case 1 where !pieces.first.binds: pieces.first.binds = true
        case 2 where !pieces.second.binds: pieces.second.binds = true
        case 3 where !pieces.third.binds: pieces.third.binds = true
        case 4 where !pieces.fourth.binds: pieces.fourth.binds = true
        default: pieces.append(Piece(start: nil, count: 0, binds: true))
        }
    }

    @inlinable @inline(__always)
    mutating func mix(_ word: UInt) {
        let mixed = (fingerprint ^ word) &* 0xC2B2_AE3D_27D4_EB4F
        fingerprint = mixed ^ mixed >> 29
    }

    /// Adds another statement.
    mutating func append(_ part: SQL) {
        var values = part.values.array.makeIterator()
        part.pieces.forEach { piece in
            if piece.count > 0 { append(piece.start, piece.count) }
            if piece.binds, let value = values.next() { bind(value) }
        }
        if badName < 0 { badName = part.badName }
    }

    /// The text for one dialect: `parameter` writes the mark of the n-th parameter, counted from 1.
    func text(parameter: (Int) -> String) -> String {
        var text = ""
        var count = 0
        for piece in pieces.array {
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

        /// Starts an empty statement.
        @inlinable @inline(__always)
        public init(literalCapacity: Int, interpolationCount: Int) { sql = SQL() }

        /// Text of the program.
        @inlinable @inline(__always)
        public mutating func appendLiteral(_ literal: StaticString) {
            if literal.utf8CodeUnitCount == 0 { return }
            sql.append(literal.utf8Start, Int32(literal.utf8CodeUnitCount))
        }

        /// A value, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: some SQLScalar) { sql.bind(value.sqlValue) }

        /// A value or NULL, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation<Value: SQLScalar>(_ value: Value?) {
            sql.bind(value?.sqlValue ?? .null)
        }

        /// A whole number, bound as a parameter.
        @inlinable @inline(__always)
        public mutating func appendInterpolation(_ value: Int) { sql.bind(.integer(Int64(value))) }

        /// Text, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: String) { sql.bind(.text(value)) }

        /// Values in a list, each bound: `WHERE id IN (\(list: ids))`; an empty list matches nothing.
        public mutating func appendInterpolation(list values: [some SQLScalar]) {
            if values.isEmpty { return appendLiteral("NULL") }
            for (index, value) in values.enumerated() {
                if index > 0 { appendLiteral(", ") }
                sql.bind(value.sqlValue)
            }
        }

        /// Another statement, or a part of one, with its own values.
        public mutating func appendInterpolation(sql part: SQL) { sql.append(part) }

        /// The name of a table or column: letters, digits and underscores, at most 63, not starting with a digit.
        ///
        /// Anything else makes the statement fail with code `statementInvalid` before it reaches the database.
        public mutating func appendInterpolation(identifier name: String) {
            guard let piece = Identifiers.shared.quoted(name) else {
                sql.badName = name.utf8.count
                return
            }
            sql.append(piece.start, piece.count)
        }
    }

    /// Why the statement cannot run.
    var problem: StoreError? {
        if badName < 0 { return nil }
        return StoreError(
            .statementInvalid,
            "a name of \(badName) B is no identifier; accepted: letters, digits, _, at most 63 of them"
        )
    }
}
