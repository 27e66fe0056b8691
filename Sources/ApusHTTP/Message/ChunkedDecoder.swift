/// Takes a chunked body apart: bytes in, ranges of data out; it copies and allocates nothing.
///
/// ```swift
/// var offset = 0
/// loop: while true {
///     switch try decoder.next(bytes, at: &offset) {
///     case .data(let range): use(bytes[range])
///     case .trailer(let range): collect(bytes[range])   // or ignore it
///     case .needMore: break loop                        // all bytes are used up: give the next ones
///     case .end: break loop                             // bytes[offset...] belong to the next message
///     }
/// }
/// ```
///
/// Every byte given is used up before more are asked for, so the caller keeps nothing. Only CR LF ends a line, and
/// extensions are checked and ignored.
///
/// - SeeAlso: RFC 9112, section 7.1.
public struct ChunkedDecoder: Sendable {
    /// What comes next in the bytes.
    public enum Event: Sendable, Hashable {
        /// Part of the body, at those offsets.
        case data(Range<Int>)
        /// Part of the trailer section, at those offsets; a whole one is parsed by ``Trailers``.
        case trailer(Range<Int>)
        /// All bytes are used up and the body goes on.
        case needMore
        /// The body has ended; the next message begins at the offset given back.
        case end
    }

    /// Bounds on what surrounds the data.
    public struct Limits: Sendable, Hashable {
        /// Most bytes of extensions after one chunk size; 256 unless set.
        public var extensionBytesMax = 256
        /// Largest trailer section in bytes; 8 KiB unless set.
        public var trailerBytesMax = 8 * 1024
        /// Largest chunk believed, in bytes; 2^62 unless set.
        public var chunkBytesMax: UInt64 = 1 << 62

        /// Starts from the defaults.
        public init() {}
    }

    private enum State: UInt8 {
        case size, afterDigits, `extension`, sizeLineFeed, data, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, endLineFeed, ended
    }

    private var state = State.size
    private var digits: UInt8 = 0
    /// Bytes left of the chunk, or its size while that is read.
    private var left: UInt64 = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private let limits: Limits

    /// A decoder before the first chunk.
    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Whether the last chunk and the trailer section have been seen.
    public var hasEnded: Bool { state == .ended }

    /// The next part of the body.
    ///
    /// - Parameters:
    ///   - bytes: Bytes of the connection; may go on beyond the body.
    ///   - offset: Where to begin in them; moved to the first byte not used.
    /// - Returns: What comes next.
    /// - Throws: ``ParseError``; the connection is unusable afterwards.
    /// - Complexity: O(1) for data, O(*n*) for what surrounds it.
    public mutating func next(
        _ bytes: UnsafeRawBufferPointer,
        at offset: inout Int
    ) throws(ParseError) -> Event {
        let end = bytes.count
        guard let base = bytes.baseAddress else { return state == .ended ? .end : .needMore }
        while true {
            if state == .data, offset < end {
                let count = Int(min(left, UInt64(end &- offset)))
                let range = offset..<offset &+ count
                offset &+= count
                left &-= UInt64(count)
                if left == 0 { state = .dataReturn }
                return .data(range)
            }
            if state.rawValue >= State.trailerStart.rawValue {
                if state == .ended { return .end }
                let start = offset
                while offset < end, state.rawValue < State.endLineFeed.rawValue {
                    try readTrailer(ByteScan.byte(base, offset))
                    if state == .endLineFeed { break }
                    offset &+= 1
                }
                if offset > start { return .trailer(start..<offset) }
                if offset == end { return .needMore }
                // What is left is CR LF: the end.
                try readEnd(base, &offset, end)
                if state != .ended { return .needMore }
                return .end
            }
            if offset == end { return .needMore }
            try read(ByteScan.byte(base, offset))
            offset &+= 1
        }
    }

    /// Reads the CR and LF of the empty line; the state is `endLineFeed` from its CR on.
    private mutating func readEnd(
        _ base: UnsafeRawPointer,
        _ offset: inout Int,
        _ end: Int
    ) throws(ParseError) {
        while offset < end, state != .ended {
            let byte = ByteScan.byte(base, offset)
            offset &+= 1
            if left == 0 {
                left = 1
            } else {
                guard byte == 0x0A else { throw ParseError(.bareCarriageReturn) }
                state = .ended
            }
        }
    }

    /// Reads one byte of what surrounds a chunk's data.
    private mutating func read(_ byte: UInt8) throws(ParseError) {
        switch state {
        case .size, .afterDigits:
            let digit = ASCII.hexValue(byte)
            if digit < 16 {
                guard digits < 16, left <= UInt64.max >> 4 else { throw ParseError(.malformedChunkSize) }
                left = left << 4 | UInt64(digit)
                guard left <= limits.chunkBytesMax else { throw ParseError(.malformedChunkSize) }
                digits &+= 1
                state = .afterDigits
            } else if state == .size {
                throw ParseError(.malformedChunkSize)
            } else if byte == 0x0D {
                state = .sizeLineFeed
            } else if byte == UInt8(ascii: ";") {
                extensionBytes = 1
                state = .extension
            } else {
                throw ParseError(byte == 0x0A ? .bareLineFeed : .malformedChunkSize)
            }
        case .extension:
            if byte == 0x0D {
                state = .sizeLineFeed
            } else if byte == 0x0A {
                throw ParseError(.bareLineFeed)
            } else if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
                throw ParseError(.malformedChunkExtension)
            } else {
                extensionBytes &+= 1
                if extensionBytes > limits.extensionBytesMax { throw ParseError(.chunkExtensionTooLong) }
            }
        case .sizeLineFeed:
            guard byte == 0x0A else { throw ParseError(.bareCarriageReturn) }
            state = left == 0 ? .trailerStart : .data
            digits = 0
        case .dataReturn:
            guard byte == 0x0D else { throw ParseError(byte == 0x0A ? .bareLineFeed : .malformedChunkEnd) }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == 0x0A else { throw ParseError(.bareCarriageReturn) }
            state = .size
        default: throw ParseError(.malformedChunkEnd)
        }
    }

    /// Reads one byte of the trailer section; sets `endLineFeed`, without using the byte, at the CR of the empty line.
    private mutating func readTrailer(_ byte: UInt8) throws(ParseError) {
        if state == .trailerStart, byte == 0x0D {
            state = .endLineFeed
            return
        }
        trailerBytes &+= 1
        if trailerBytes > limits.trailerBytesMax { throw ParseError(.trailersTooLarge) }
        switch state {
        case .trailerStart:
            guard ASCII.isToken(byte) else { throw ParseError(.malformedTrailer) }
            state = .trailerName
        case .trailerName:
            if byte == UInt8(ascii: ":") {
                state = .trailerValue
            } else if !ASCII.isToken(byte) {
                throw ParseError(.malformedTrailer)
            }
        case .trailerValue:
            if byte == 0x0D {
                state = .trailerLineFeed
            } else if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
                throw ParseError(byte == 0x0A ? .bareLineFeed : .malformedTrailer)
            }
        default:
            guard byte == 0x0A else { throw ParseError(.bareCarriageReturn) }
            state = .trailerStart
        }
    }
}
