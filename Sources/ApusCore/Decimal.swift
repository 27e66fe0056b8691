/// Decimal digits into raw memory, two for each division.
public enum Decimal {
    /// The most digits a number has.
    public static let digitsMax = 20

    /// How many digits `number` has.
    @inlinable
    @inline(__always)
    public static func count(_ number: UInt64) -> Int {
        var left = number
        var count = 1
        while left >= 10_000 {
            left /= 10_000
            count &+= 4
        }
        return count &+ (left >= 10 ? 1 : 0) &+ (left >= 100 ? 1 : 0) &+ (left >= 1000 ? 1 : 0)
    }

    /// Writes `number` to `place`, which has room for ``digitsMax`` bytes.
    ///
    /// - Returns: How many digits that took.
    @inlinable
    @inline(__always)
    @discardableResult
    public static func write(_ number: UInt64, to place: UnsafeMutableRawPointer) -> Int {
        let count = count(number)
        var left = number
        var offset = count
        while left >= 100 {
            let quotient = left / 100
            offset &-= 2
            writePair(left &- quotient &* 100, to: place + offset)
            left = quotient
        }
        if left >= 10 {
            writePair(left, to: place)
        } else {
            place.storeBytes(of: 0x30 &+ UInt8(truncatingIfNeeded: left), as: UInt8.self)
        }
        return count
    }

    /// Writes the two digits of a number below 100.
    @inlinable
    @inline(__always)
    public static func writePair(_ number: UInt64, to place: UnsafeMutableRawPointer) {
        // A hundred and three 1024ths are a tenth, near enough below 100.
        let tens = (number &* 103) &>> 10
        let pair = (number &- tens &* 10) &<< 8 | tens | 0x3030
        place.storeBytes(of: UInt16(truncatingIfNeeded: pair).littleEndian, as: UInt16.self)
    }
}
