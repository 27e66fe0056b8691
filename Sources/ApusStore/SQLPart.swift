/// A stretch of a statement's text, and the parameter that follows it, if one does.
///
/// Numbers lie in the part itself, so a statement that binds few of them has nothing to allocate and nothing to let go
/// of.
@usableFromInline
struct SQLPart {
    /// What follows the text.
    @usableFromInline
    enum Parameter: UInt8 {
        case none, null, integer, real
        /// A text or bytes, kept beside the parts.
        case kept
    }

    @usableFromInline var start: UnsafePointer<UInt8>?
    /// Bytes of text.
    @usableFromInline var count: Int32
    @usableFromInline var parameter: Parameter
    /// The number, or the index of the kept value.
    @usableFromInline var bits: UInt64

    @inlinable @inline(__always)
    init(start: UnsafePointer<UInt8>? = nil, count: Int32 = 0, parameter: Parameter = .none, bits: UInt64 = 0) {
        self.start = start
        self.count = count
        self.parameter = parameter
        self.bits = bits
    }

    /// True where no parameter follows the text.
    @inlinable @inline(__always)
    var isFree: Bool { if case .none = parameter { true } else { false } }

    /// The same text at the same address, followed by a parameter or not as there.
    @inline(__always)
    func isSameText(as other: SQLPart) -> Bool {
        UInt(bitPattern: start) == UInt(bitPattern: other.start) && count == other.count
            && isFree == other.isFree
    }
}

extension ShortList<SQLPart> {
    /// The same text from the same places of the program, whatever is bound.
    func isSameText(as other: ShortList<SQLPart>) -> Bool {
        count == other.count && first.isSameText(as: other.first) && second.isSameText(as: other.second)
            && third.isSameText(as: other.third) && fourth.isSameText(as: other.fourth)
            && (rest ?? []).elementsEqual(other.rest ?? []) { $0.isSameText(as: $1) }
    }
}
