/// A value as a database column holds it.
public enum SQLValue: Sendable, Hashable, Codable {
    /// No value.
    case null
    /// A 64-bit whole number.
    case integer(Int64)
    /// A floating-point number.
    case real(Double)
    /// Text in UTF-8.
    case text(String)
    /// Bytes.
    case bytes([UInt8])
}

extension SQLValue {
    /// Bytes that it takes, about.
    var size: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        default: 8
        }
    }
}

extension SQLValue: Comparable {
    /// SQLite's order of values: NULL, then numbers, then text by its UTF-8 bytes, then bytes.
    ///
    /// - SeeAlso: sqlite.org/datatype3.html, section 4.1.
    public static func < (left: SQLValue, right: SQLValue) -> Bool {
        switch (left, right) {
        case (.integer(let a), .integer(let b)): a < b
        case (.real(let a), .real(let b)): a < b
        case (.integer(let a), .real(let b)): precedes(a, b)
        case (.real(let a), .integer(let b)): !precedes(b, a) && Double(b) != a
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.bytes(let a), .bytes(let b)): a.lexicographicallyPrecedes(b)
        default: left.rank < right.rank
        }
    }

    /// A whole number below a fractional one, exact where `Double` cannot hold the whole number.
    private static func precedes(_ whole: Int64, _ fraction: Double) -> Bool {
        if fraction.isNaN { return false }
        if fraction >= 9_223_372_036_854_775_808.0 { return true }
        if fraction < -9_223_372_036_854_775_808.0 { return false }
        let floor = Int64(fraction.rounded(.down))
        return whole < floor || (whole == floor && Double(floor) < fraction)
    }

    private var rank: Int {
        switch self {
        case .null: 0
        case .integer, .real: 1
        case .text: 2
        case .bytes: 3
        }
    }
}

/// A type that is one column: it can be bound into SQL and read back.
///
/// Enumerations with a raw value and wrappers round a scalar get both by naming the protocol.
public protocol SQLScalar: Row {
    /// What is bound.
    var sqlValue: SQLValue { get }
    /// Reads the next column.
    ///
    /// - Throws: ``StoreError`` with code `rowMismatch` where the column holds something else.
    static func read(_ row: inout RowReader) throws -> Self
}

extension SQLScalar {
    /// A row of one column.
    @inlinable
    public init(from row: inout RowReader) throws { self = try Self.read(&row) }
}

extension SQLScalar where Self: RawRepresentable, RawValue: SQLScalar {
    /// The raw value.
    public var sqlValue: SQLValue { rawValue.sqlValue }
    /// The case with the raw value that the column holds.
    public static func read(_ row: inout RowReader) throws -> Self {
        guard let value = Self(rawValue: try RawValue.read(&row)) else {
            throw row.mismatch("a raw value of \(Self.self)")
        }
        return value
    }
}

extension Int64: SQLScalar {
    /// The number.
    public var sqlValue: SQLValue { .integer(self) }
    /// Reads a whole number.
    public static func read(_ row: inout RowReader) throws -> Int64 { try row.integer() }
}

extension FixedWidthInteger where Self: SQLScalar {
    /// Reads a whole number that fits.
    public static func read(_ row: inout RowReader) throws -> Self {
        guard let value = Self(exactly: try row.integer()) else { throw row.mismatch("\(Self.self)") }
        return value
    }
}

extension Int: SQLScalar {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
    /// Reads a whole number.
    public static func read(_ row: inout RowReader) throws -> Int { Int(try row.integer()) }
}

extension Int32: SQLScalar {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension UInt32: SQLScalar {
    /// The number.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}

extension Bool: SQLScalar {
    /// 1 or 0.
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
    /// Reads 1 or 0.
    public static func read(_ row: inout RowReader) throws -> Bool {
        switch try row.integer() {
        case 0: false
        case 1: true
        default: throw row.mismatch("Bool")
        }
    }
}

extension Double: SQLScalar {
    /// The number.
    public var sqlValue: SQLValue { .real(self) }
    /// Reads a number, whole or not.
    public static func read(_ row: inout RowReader) throws -> Double { try row.real() }
}

extension String: SQLScalar {
    /// The text.
    public var sqlValue: SQLValue { .text(self) }
    /// Reads text.
    public static func read(_ row: inout RowReader) throws -> String { try row.text() }
}

extension [UInt8]: Row, SQLScalar {
    /// The bytes.
    public var sqlValue: SQLValue { .bytes(self) }
    /// Reads bytes.
    public static func read(_ row: inout RowReader) throws -> [UInt8] { try row.bytes() }
}

extension Optional: Row, SQLScalar where Wrapped: SQLScalar {
    /// The value, or NULL.
    public var sqlValue: SQLValue { self?.sqlValue ?? .null }
    /// Reads a value, or `nil` for NULL.
    public static func read(_ row: inout RowReader) throws -> Wrapped? {
        try row.skipNull() ? nil : try Wrapped.read(&row)
    }
}

extension SQLValue: SQLScalar {
    /// Itself.
    public var sqlValue: SQLValue { self }
    /// Reads whatever is there.
    public static func read(_ row: inout RowReader) throws -> SQLValue { try row.value() }
}
