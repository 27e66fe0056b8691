// `@unchecked Sendable` is sound: parts point at literals and interned names, which live as long as the process
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
    @usableFromInline var parts: ShortList<SQLPart>
    /// The texts and bytes that are bound.
    @usableFromInline var kept: TinyList<SQLValue>
    /// How many parameters there are.
    @usableFromInline var parameters: Int
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
        parts = ShortList(filler: SQLPart())
        kept = TinyList(filler: .null)
        parameters = 0
        fingerprint = 0x9E37_79B9_7F4A_7C15
        badName = -1
    }

    /// Adds text.
    @inlinable @inline(__always)
    mutating func append(_ start: UnsafePointer<UInt8>?, _ count: Int32) {
        mix(UInt(bitPattern: start) ^ UInt(truncatingIfNeeded: count) << 48)
        parts.append(SQLPart(start: start, count: count))
    }

    /// Adds a parameter.
    @inlinable @inline(__always)
    mutating func bind(_ value: SQLValue) {
        switch value {
        case .null: bind(.null, 0)
        case .integer(let number): bind(.integer, UInt64(bitPattern: number))
        case .real(let number): bind(.real, number.bitPattern)
        case .text, .bytes: keep(value)
        }
    }

    /// Adds a text or bytes as a parameter.
    @inlinable @inline(__always)
    mutating func keep(_ value: SQLValue) {
        bind(.kept, UInt64(kept.count))
        kept.append(value)
    }

    /// Adds a parameter after the last text, or in a part without text where one follows it already.
    @inlinable @inline(__always)
    mutating func bind(_ parameter: SQLPart.Parameter, _ bits: UInt64) {
        mix(1)
        parameters += 1
        switch parts.count {
        case 1 where parts.first.isFree:
            parts.first.parameter = parameter
            parts.first.bits = bits
        case 2 where parts.second.isFree:
            parts.second.parameter = parameter
            parts.second.bits = bits
        case 3 where parts.third.isFree:
            parts.third.parameter = parameter
            parts.third.bits = bits
        case 4 where parts.fourth.isFree:
            parts.fourth.parameter = parameter
            parts.fourth.bits = bits
        default: parts.append(SQLPart(parameter: parameter, bits: bits))
        }
    }

    /// The value bound by a part, if it binds one.
    func value(of part: SQLPart) -> SQLValue? {
        switch part.parameter {
        case .none: nil
        case .null: .null
        case .integer: .integer(Int64(bitPattern: part.bits))
        case .real: .real(Double(bitPattern: part.bits))
        case .kept: kept[Int(part.bits)]
        }
    }

    /// Each bound value, in order.
    func forEachValue(_ body: (SQLValue) throws -> Void) rethrows {
        try parts.forEach { part in
            if let value = value(of: part) { try body(value) }
        }
    }

    /// The whole number of a statement that binds it alone, as the commonest one does.
    var onlyInteger: Int64? {
        guard parameters == 1, case .integer = parts.first.parameter else { return nil }
        return Int64(bitPattern: parts.first.bits)
    }

    @inlinable @inline(__always)
    mutating func mix(_ word: UInt) {
        let mixed = (fingerprint ^ word) &* 0xC2B2_AE3D_27D4_EB4F
        fingerprint = mixed ^ mixed >> 29
    }

    /// Adds another statement.
    mutating func append(_ part: SQL) {
        part.parts.forEach { piece in
            if piece.count > 0 { append(piece.start, piece.count) }
            if let value = part.value(of: piece) { bind(value) }
        }
        if badName < 0 { badName = part.badName }
    }

    /// The text for one dialect: `parameter` writes the mark of the n-th parameter, counted from 1.
    func text(parameter: (Int) -> String) -> String {
        var text = ""
        var count = 0
        parts.forEach { part in
            text += String(decoding: UnsafeBufferPointer(start: part.start, count: Int(part.count)), as: UTF8.self)
            if !part.isFree {
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
        public mutating func appendInterpolation(_ value: Int) {
            sql.bind(.integer, UInt64(bitPattern: Int64(value)))
        }

        /// Text, bound as a parameter.
        @inlinable
        public mutating func appendInterpolation(_ value: String) { sql.keep(.text(value)) }

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
            guard let part = Identifiers.shared.quoted(name) else {
                sql.badName = name.utf8.count
                return
            }
            sql.append(part.start, part.count)
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
