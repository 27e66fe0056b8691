/// A set of methods, as in `Allow`.
public struct MethodSet: OptionSet, Sendable, Hashable {
    /// Bit *n* stands for the method with raw value *n*.
    public let rawValue: UInt16

    /// The set with those bits.
    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The set of one method.
    @inlinable
    public init(_ method: Method) { self.init(rawValue: 1 &<< UInt16(method.rawValue)) }

    /// Whether `method` is in the set.
    @inlinable
    public func contains(_ method: Method) -> Bool { contains(MethodSet(method)) }

    /// Appends the methods with commas, as the value of `Allow`.
    public func write(to writer: inout ByteWriter) {
        var isFirst = true
        for method in Method.allCases where method != .other && contains(method) {
            if !isFirst { writer.append(", ") }
            writer.append(method.spelling)
            isFirst = false
        }
    }
}
