public import CLinux

extension Counter {
    /// How many increments there are to one that ``incrementAndSample()`` chooses, on average.
    public static var sampleEvery: Int { 64 }

    /// Counts one, and says of about one in ``sampleEvery`` that it may be looked at more closely.
    ///
    /// Which ones follows from this thread's count, so nothing is drawn and nothing is shared: it costs a nanosecond more
    /// than ``increment()``. The chosen ones lie 55 or 89 apart or so, by multiples of the golden ratio, so that a caller that
    /// does the same few things in turn has each of them looked at.
    ///
    /// - SeeAlso: Knuth, "The art of computer programming", volume 3, section 6.4, on multiplicative hashing.
    @inlinable
    @inline(__always)
    public func incrementAndSample() -> Bool { cell.addOneAndSample() }
}

extension Cell {
    @inlinable
    @inline(__always)
    func addOneAndSample() -> Bool {
        let slot = ThreadSlot.current()
        let cell = pointer(slot: slot)
        if slot != 0 {
            apus_relaxed_add(cell, 1)
        } else {
            apus_atomic_add(cell, 1)
        }
        return (apus_relaxed_load(cell) &* 0x9E37_79B9_7F4A_7C15) >> 58 == 0
    }
}
