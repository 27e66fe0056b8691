public import CLinux

/// A number that goes up and down: open connections, entries in a cache.
///
/// Either count with ``add(_:)`` and ``subtract(_:)``, from any thread, or write with ``set(_:)``; a gauge that does both
/// shows the sum of the two. Like ``Counter`` it is a trivial value and takes no lock.
public struct Gauge: Sendable {
    @usableFromInline let cell: Cell

    init(cell: Cell) { self.cell = cell }

    /// Adds `amount`, which may be negative.
    @inlinable
    public func add(_ amount: Int) { cell.add(UInt64(bitPattern: Int64(amount)), offset: 1) }

    /// Takes `amount` away.
    @inlinable
    public func subtract(_ amount: Int) { add(0 &- amount) }

    /// Writes the value; of writers at the same time one wins.
    @inlinable
    public func set(_ value: Int) {
        apus_relaxed_store(cell.pointer(slot: 0), UInt64(bitPattern: Int64(value)))
    }

    /// The value now.
    public var value: Int {
        Int(truncatingIfNeeded: cell.sum() &+ cell.sum(offset: 1))
    }
}
