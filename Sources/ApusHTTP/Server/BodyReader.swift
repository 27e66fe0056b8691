/// Where the body of a message ends, and how much of it has been read.
package struct BodyReader {
    private enum Kind: UInt8 { case none, length, chunked }
    private var kind = Kind.none
    private var left: UInt64 = 0
    private var decoder = ChunkedDecoder()
    /// Body bytes handed out so far.
    package private(set) var count = 0

    /// A body not begun: nothing belongs to it.
    package init() {}

    package mutating func begin(_ framing: BodyFraming) {
        count = 0
        switch framing {
        case .none, .untilClose: kind = .none
        case .length(let length):
            kind = .length
            left = length
        case .chunked:
            kind = .chunked
            decoder = ChunkedDecoder()
        }
    }

    /// True once nothing more belongs to the body.
    package var isAtEnd: Bool {
        switch kind {
        case .none: true
        case .length: left == 0
        case .chunked: decoder.hasEnded
        }
    }

    /// The length the message states, or `nil` for chunks.
    var statedLength: UInt64? {
        switch kind {
        case .none: 0
        case .length: left + UInt64(count)
        case .chunked: nil
        }
    }

    package enum Part {
        /// Body bytes, as a range of the input.
        case bytes(Range<Int>)
        case needMore
        case end
    }

    /// The next part of the body in `input`, from `offset`, which moves behind it.
    package mutating func next(_ input: UnsafeRawBufferPointer, at offset: inout Int) throws(ParseError) -> Part {
        switch kind {
        case .none: return .end
        case .length:
            if left == 0 { return .end }
            let available = min(UInt64(input.count - offset), left)
            if available == 0 { return .needMore }
            let range = offset..<offset + Int(available)
            left -= available
            offset = range.upperBound
            count += range.count
            return .bytes(range)
        case .chunked:
            while true {
                switch try decoder.next(input, at: &offset) {
                case .data(let range):
                    count += range.count
                    return .bytes(range)
                case .trailer: continue
                case .needMore: return .needMore
                case .end: return .end
                }
            }
        }
    }
}

extension BodyReader {
    /// Moves `offset` behind what of `bytes` belongs to the body, framing included; for passing a body on as it is.
    package mutating func skip(_ bytes: UnsafeRawBufferPointer, to offset: inout Int) throws(ParseError) {
        while true {
            guard case .bytes = try next(bytes, at: &offset) else { return }
        }
    }
}
