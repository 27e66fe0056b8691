/// A number that only grows: requests answered, bytes sent.
///
/// A counter is a small trivial value: copy it freely. Adding takes no lock, allocates nothing and may be done from any
/// thread; it costs about two nanoseconds. It stays usable for as long as the process lives.
public struct Counter: Sendable {
    @usableFromInline let cell: Cell

    init(cell: Cell) { self.cell = cell }

    /// Counts one.
    @inlinable
    public func increment() { cell.add(1) }

    /// Counts `amount`, in the unit the counter was made with.
    @inlinable
    public func add(_ amount: Int) { cell.add(UInt64(truncatingIfNeeded: amount)) }

    /// What was counted so far, in the unit it was counted in.
    ///
    /// - Complexity: 64 reads; not for hot paths.
    public var value: UInt64 { cell.sum() }
}
