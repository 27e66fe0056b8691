/// A stretch of a message head: offsets into its bytes, so it survives the bytes being moved.
///
/// Heads are at most 32 KiB, so two bytes an offset are enough.
public struct HeadRange: Sendable, Hashable {
    /// Offset of the first byte from the start of the head.
    public var start: UInt16
    /// Length in bytes.
    public var count: UInt16

    /// A stretch of `count` bytes at `start`.
    @inlinable
    public init(start: Int, count: Int) {
        self.start = UInt16(truncatingIfNeeded: start)
        self.count = UInt16(truncatingIfNeeded: count)
    }

    /// No bytes.
    public static let empty = HeadRange(start: 0, count: 0)

    /// Whether there are no bytes.
    @inlinable
    public var isEmpty: Bool { count == 0 }

    /// Offset of the first byte after the stretch.
    @inlinable
    public var end: Int { Int(start) + Int(count) }

    /// The bytes themselves; `head` must be the bytes that were parsed, wherever they are now.
    @inlinable
    public func bytes(in head: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: head[Int(start)..<end])
    }

    /// A copy of the bytes as text, invalid UTF-8 replaced; allocates, so not for hot paths.
    public func string(in head: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes(in: head), as: UTF8.self)
    }
}
