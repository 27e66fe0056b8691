import ApusCore
import CLinux

/// Why a request path is not served.
public enum PathFault: UInt8, Error, Sendable, Hashable, CaseIterable {
    /// Does not begin with a slash.
    case notAbsolute
    /// A segment `.` or `..`, encoded or not: whoever resolves it elsewhere would see another resource.
    case dotSegment
    /// An encoded slash, or a backslash: a separator to some readers and not to others.
    case hiddenSeparator
    /// A NUL or another control character, encoded.
    case controlCharacter
    /// A `%` without two hexadecimal digits.
    case malformedEncoding
}

/// Looks at a path before it is routed: what two readers could resolve differently is refused, never repaired.
public enum PathRules {
    /// The first fault of a path as received, still percent-encoded, without its query; `nil` if it may be routed.
    ///
    /// - Complexity: O(*n*), no allocation; sixteen bytes at a time where there is nothing to look at.
    public static func fault(_ path: UnsafeRawBufferPointer) -> PathFault? {
        guard let base = path.baseAddress, path.count > 0 else { return .notAbsolute }
        guard ByteScan.byte(base, 0) == UInt8(ascii: "/") else { return .notAbsolute }
        let end = path.count
        var offset = 0
        while true {
            offset = VectorScan.first(base, offset, end, apus_path16) {
                $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "\\")
            }
            if offset >= end { return nil }
            switch ByteScan.byte(base, offset) {
            case UInt8(ascii: "\\"): return .hiddenSeparator
            case 0..<0x20, 0x7F: return .controlCharacter
            case UInt8(ascii: "%"):
                guard offset &+ 2 < end else { return .malformedEncoding }
                let high = ASCII.hexValue(ByteScan.byte(base, offset &+ 1))
                let low = ASCII.hexValue(ByteScan.byte(base, offset &+ 2))
                guard high < 16, low < 16 else { return .malformedEncoding }
                let byte = high << 4 | low
                if byte < 0x20 || byte == 0x7F { return .controlCharacter }
                if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") { return .hiddenSeparator }
                if byte == UInt8(ascii: "."), isDotSegment(base, offset, end) { return .dotSegment }
                offset &+= 2
            case UInt8(ascii: "."):
                if isDotSegment(base, offset, end) { return .dotSegment }
            default: break
            }
            offset &+= 1
        }
    }

    /// Whether the segment that begins at `start` is one or two dots, each encoded or not.
    private static func isDotSegment(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Bool {
        guard ByteScan.byte(base, start &- 1) == UInt8(ascii: "/") else { return false }
        var offset = start
        for _ in 0..<2 {
            if offset < end, ByteScan.byte(base, offset) == UInt8(ascii: ".") {
                offset &+= 1
            } else if offset &+ 2 < end, ByteScan.byte(base, offset) == UInt8(ascii: "%"),
                ByteScan.byte(base, offset &+ 1) == UInt8(ascii: "2"),
                ByteScan.byte(base, offset &+ 2) | 0x20 == UInt8(ascii: "e")
            {
                offset &+= 3
            } else {
                break
            }
        }
        return offset == end || ByteScan.byte(base, offset) == UInt8(ascii: "/")
    }
}

extension Problem {
    /// The problem that answers a path refused by ``PathRules``: 400.
    public init(_ fault: PathFault) { self.init(.badRequest, code: "path.\(fault)") }
}
