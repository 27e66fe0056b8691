import ApusCore

/// The parts of reading a segment that need no types.
@usableFromInline
enum PathSegment {
    @usableFromInline
    static func isEncoded(_ segment: UnsafeRawBufferPointer) -> Bool {
        guard let base = segment.baseAddress else { return false }
        return ByteScan.find(UInt8(ascii: "%"), base, 0, segment.count) < segment.count
    }

    @usableFromInline
    static func decode(_ segment: UnsafeRawBufferPointer) throws -> [UInt8] {
        guard let bytes = PercentCoding.decode(segment) else { throw Problem(PathFault.malformedEncoding) }
        return bytes
    }

    @usableFromInline
    static func namesNothing() -> Problem {
        Problem(.notFound, code: "path.parameter", detail: "The path names nothing that exists here.")
    }
}
