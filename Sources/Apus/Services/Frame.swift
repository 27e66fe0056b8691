import ApusWire

/// The kinds of frames two processes exchange.
///
/// A frame is a length (4 bytes, little-endian, of what follows), a kind (1 byte), a number (LEB128) and a body.
/// The number is the call's, but for `define`, where it is the target's.
enum FrameKind: UInt8, Sendable {
    /// First frame of both sides: `APUS`, version, secret; or version and limits.
    case hello = 1
    /// A call: target, actor, time left, trace, arguments.
    case call = 2
    /// The answer of a call.
    case ok = 3
    /// Why a call has no answer.
    case error = 4
    /// Gives a target of a service a number for this connection.
    case define = 5
    /// The caller no longer wants the answer.
    case cancel = 6
    /// The callee takes no more calls; those it has, it finishes.
    case goaway = 7
}

/// Bytes that are no frame, or a frame that may not come now.
struct FrameError: Error, Equatable {
    let reason: String
}

extension WireWriter {
    /// Begins a frame; the mark is for ``closeFrame(_:)`` or ``abandonFrame(_:)``.
    @inline(__always)
    mutating func openFrame(_ kind: FrameKind, _ number: UInt64) -> Int {
        let mark = end
        reserve(16)
        base.storeBytes(of: 0, toByteOffset: end, as: UInt32.self)
        base.storeBytes(of: kind.rawValue, toByteOffset: end + 4, as: UInt8.self)
        end += 5
        writeNumber(number)
        return mark
    }

    /// Fills in the frame's length.
    @inline(__always)
    mutating func closeFrame(_ mark: Int) {
        base.storeBytes(
            of: UInt32(truncatingIfNeeded: end - mark - 4).littleEndian,
            toByteOffset: mark,
            as: UInt32.self
        )
    }

    /// Takes an unfinished frame back.
    mutating func abandonFrame(_ mark: Int) { end = mark }

    /// Forgets the first bytes, which have been sent.
    mutating func dropFirst(_ dropped: Int) {
        guard dropped > 0 else { return }
        base.copyMemory(from: base + dropped, byteCount: end - dropped)
        end -= dropped
    }
}

/// Cuts a stream of bytes into frames.
///
/// It holds bytes only while a frame is incomplete, and only those that came.
struct FrameSplitter: ~Copyable {
    /// The largest frame believed, in bytes after its length.
    var bytesMax: Int
    private var partial: WireWriter?

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
        partial = nil
    }

    /// Bytes of an incomplete frame that are held.
    var heldBytes: Int {
        switch partial {
        case .none: 0
        case .some(let held): held.count
        }
    }

    /// Takes the next bytes and hands over each frame they complete.
    ///
    /// The reader given to `body` is valid during that call only. What `body` returns is the largest frame believed
    /// from then on.
    mutating func feed(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameKind, UInt64, inout WireReader) throws(FrameError) -> Int
    ) throws(FrameError) {
        var bytes = bytes
        if var held = partial.take() {
            if held.count < 4 { Self.move(4 - held.count, of: &bytes, to: &held) }
            if held.count >= 4 {
                let length = try length(held.base)
                Self.move(4 + length - held.count, of: &bytes, to: &held)
                if held.count == 4 + length {
                    bytesMax = try Self.deliver(UnsafeRawBufferPointer(start: held.base + 4, count: length), body)
                    // The block is given back: an idle connection holds none.
                    try cut(bytes, body)
                    return
                }
            }
            partial = consume held
            return
        }
        try cut(bytes, body)
    }

    private mutating func cut(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameKind, UInt64, inout WireReader) throws(FrameError) -> Int
    ) throws(FrameError) {
        guard let start = bytes.baseAddress else { return }
        var offset = 0
        while bytes.count - offset >= 4 {
            let length = try length(start + offset)
            guard bytes.count - offset >= 4 + length else { break }
            bytesMax = try Self.deliver(UnsafeRawBufferPointer(start: start + offset + 4, count: length), body)
            offset += 4 + length
        }
        if offset < bytes.count {
            var held = WireWriter(capacity: bytes.count - offset + 64)
            held.writeRaw(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            partial = consume held
        }
    }

    private func length(_ start: UnsafeRawPointer) throws(FrameError) -> Int {
        let length = Int(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
        guard length >= 2 else { throw FrameError(reason: "a frame of \(length) bytes") }
        guard length <= bytesMax else { throw FrameError(reason: "a frame of \(length) bytes, at most \(bytesMax)") }
        return length
    }

    private static func move(_ wanted: Int, of bytes: inout UnsafeRawBufferPointer, to held: inout WireWriter) {
        let count = min(wanted, bytes.count)
        guard count > 0 else { return }
        held.writeRaw(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
    }

    @inline(__always)
    private static func deliver(
        _ frame: UnsafeRawBufferPointer,
        _ body: (FrameKind, UInt64, inout WireReader) throws(FrameError) -> Int
    ) throws(FrameError) -> Int {
        guard let kind = FrameKind(rawValue: frame[0]) else { throw FrameError(reason: "frame kind \(frame[0])") }
        var reader = WireReader(unsafe: UnsafeRawBufferPointer(rebasing: frame[1...]))
        let number: UInt64
        do { number = try reader.readNumber() } catch { throw FrameError(reason: "a frame without its number") }
        return try body(kind, number, &reader)
    }
}
