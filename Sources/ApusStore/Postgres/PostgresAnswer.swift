#if PostgreSQL
import CPostgres

/// One answer of the server, its rows in binary.
///
/// - SeeAlso: postgresql.org/docs/15/libpq-exec.html, 34.3.2; the types' numbers are those of pg_type.dat.
final class PostgresAnswer: RowSource, @unchecked Sendable {
    private let result: OpaquePointer

    /// Takes a result over.
    init(_ result: OpaquePointer) {
        self.result = result
        super.init(columns: Int(PQnfields(result)), rows: Int(PQntuples(result)))
    }

    deinit { PQclear(result) }

    /// Rows that the statement inserted, changed, deleted or gave.
    var changed: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }

    /// What a type's numbers say.
    private enum Kind { case integer, real, numeric, text, bytes, other }

    private func kind(_ column: Int) -> Kind {
        switch PQftype(result, Int32(column)) {
        case 20, 21, 23, 26, 16: .integer
        case 25, 1043, 1042, 19, 705, 18, 114, 142: .text
        case 700, 701: .real
        case 17: .bytes
        case 1700: .numeric
        default: .other
        }
    }

    private func start(_ column: Int) -> UnsafeRawPointer? {
        guard let start = PQgetvalue(result, Int32(row), Int32(column)) else { return nil }
        return UnsafeRawPointer(start)
    }

    private func count(_ column: Int) -> Int { Int(PQgetlength(result, Int32(row), Int32(column))) }

    override func isNull(_ column: Int) -> Bool { PQgetisnull(result, Int32(row), Int32(column)) == 1 }

    override func integer(_ column: Int) -> Int64? {
        let kind = kind(column)
        guard kind == .integer || kind == .numeric, !isNull(column), let start = start(column) else { return nil }
        if kind == .numeric { return PostgresNumeric(start, count: count(column))?.integer }
        // OIDs are the only ones without a sign.
        switch count(column) {
        case 8: return Int64(bigEndian: start.loadUnaligned(as: Int64.self))
        case 4 where PQftype(result, Int32(column)) == 26:
            return Int64(UInt32(bigEndian: start.loadUnaligned(as: UInt32.self)))
        case 4: return Int64(Int32(bigEndian: start.loadUnaligned(as: Int32.self)))
        case 2: return Int64(Int16(bigEndian: start.loadUnaligned(as: Int16.self)))
        case 1: return Int64(start.load(as: UInt8.self))
        default: return nil
        }
    }

    override func real(_ column: Int) -> Double? {
        switch kind(column) {
        case .real:
            guard !isNull(column), let start = start(column) else { return nil }
            if count(column) == 8 { return Double(bitPattern: UInt64(bigEndian: start.loadUnaligned(as: UInt64.self))) }
            return Double(Float(bitPattern: UInt32(bigEndian: start.loadUnaligned(as: UInt32.self))))
        case .integer: return integer(column).map { Double($0) }
        case .numeric:
            guard !isNull(column), let start = start(column) else { return nil }
            return PostgresNumeric(start, count: count(column))?.real
        default: return nil
        }
    }

    override func text(_ column: Int) -> String? {
        guard kind(column) == .text, !isNull(column), let start = start(column) else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: count(column)), as: UTF8.self)
    }

    override func bytes(_ column: Int) -> [UInt8]? {
        guard kind(column) == .bytes, !isNull(column), let start = start(column) else { return nil }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: count(column)))
    }

    override func value(_ column: Int) -> SQLValue? {
        if isNull(column) { return .null }
        switch kind(column) {
        case .integer: return integer(column).map { .integer($0) }
        case .numeric: return integer(column).map { .integer($0) } ?? real(column).map { .real($0) }
        case .real: return real(column).map { .real($0) }
        case .text: return text(column).map { .text($0) }
        case .bytes: return bytes(column).map { .bytes($0) }
        case .other: return nil
        }
    }

    override func name(of column: Int) -> String { PQfname(result, Int32(column)).map { String(cString: $0) } ?? "" }
}

/// A decimal number as the server sends it: digits to the base of 10,000.
///
/// A sum of whole numbers is one.
///
/// - SeeAlso: numeric_send in PostgreSQL's numeric.c.
struct PostgresNumeric {
    private let digits: [Int64]
    /// The power of 10,000 that the first digit stands for.
    private let weight: Int
    private let isNegative: Bool

    /// - Returns: `nil` for NaN, an infinity and what is cut short.
    init?(_ start: UnsafeRawPointer, count: Int) {
        func word(_ index: Int) -> Int16 {
            Int16(bigEndian: start.loadUnaligned(fromByteOffset: index * 2, as: Int16.self))
        }
        guard count >= 8 else { return nil }
        let digitCount = Int(word(0))
        guard digitCount >= 0, count == 8 + digitCount * 2, word(2) == 0 || word(2) == 0x4000 else { return nil }
        weight = Int(word(1))
        isNegative = word(2) != 0
        digits = (0..<digitCount).map { Int64(word(4 + $0)) }
    }

    /// The number where it is whole and fits.
    var integer: Int64? {
        var sum: Int64 = 0
        // Digits behind the decimal point, which trailing zeros are not sent of.
        if digits.count > weight + 1 { return digits.isEmpty ? 0 : nil }
        for index in 0..<max(weight + 1, 0) {
            let digit = index < digits.count ? digits[index] : 0
            let (product, carried) = sum.multipliedReportingOverflow(by: 10_000)
            let (next, overflow) = product.subtractingReportingOverflow(digit)
            if carried || overflow { return nil }
            sum = next
        }
        if isNegative { return sum }
        return sum == .min ? nil : -sum
    }

    /// The nearest number to it, all but.
    var real: Double {
        var sum = 0.0
        for digit in digits { sum = sum * 10_000 + Double(digit) }
        var power = weight - digits.count + 1
        while power > 0 {
            sum *= 10_000
            power -= 1
        }
        while power < 0 {
            sum /= 10_000
            power += 1
        }
        return isNegative ? -sum : sum
    }
}
#endif
