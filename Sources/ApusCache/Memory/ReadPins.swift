public import ApusObserve
public import CLinux

/// Says which threads look at entries right now, so that none is given back under their eyes.
///
/// A reader writes the number of the present epoch into its thread's word before it looks and zero after. A writer takes an
/// entry out of sight, begins a new epoch, and gives the entry's memory back once no word holds an older one: whoever came
/// later cannot have found it. One for the whole process.
///
/// - SeeAlso: Fraser, "Practical lock-freedom", Cambridge 2004, section 5.2.3.
//
// `@unchecked Sendable` is sound because all accesses are atomics and the memory is never given back. Pins, the epoch and
// the cells that entries are found by are accessed in the one order all threads agree on: where a writer's look at a word
// finds no pin, the reader's pin and all its looks at cells come later, and see the entry gone.
@usableFromInline
struct ReadPins: @unchecked Sendable {
    static let process = ReadPins()

    // A thread's word is two cache lines from the next; the epoch follows them.
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    @usableFromInline static var stride: Int { 16 }

    init() {
        words = .allocate(capacity: (ThreadSlot.count + 1) * Self.stride)
        words.initialize(repeating: 0, count: (ThreadSlot.count + 1) * Self.stride)
        apus_ordered_store(epoch, 1)
    }

    @inlinable var epoch: UnsafeMutablePointer<UInt64> { words + ThreadSlot.count * Self.stride }

    /// Pins what this thread will find; `false` where it had done so already, and the first pin counts.
    ///
    /// - Parameter slot: The thread's own, not the shared one.
    /// - Returns: Whether this pin is the one to end.
    @inlinable
    @inline(__always)
    func pin(_ slot: Int) -> Bool {
        let word = words + slot &* Self.stride
        guard apus_relaxed_load(word) == 0 else { return false }
        apus_ordered_store(word, apus_ordered_load(epoch))
        return true
    }

    /// Ends a pin that began one.
    @inlinable
    @inline(__always)
    func unpin(_ slot: Int) { apus_release_store(words + slot &* Self.stride, 0) }

    /// Begins an epoch; what was taken out of sight before may go once ``oldest()`` is not below its number.
    func advance() -> UInt64 { apus_ordered_add(epoch, 1) }

    /// The lowest epoch in which somebody still looks.
    func oldest() -> UInt64 {
        var oldest = UInt64.max
        for slot in 0...ThreadSlot.highest {
            let word = apus_ordered_load(words + slot * Self.stride)
            if word != 0 { oldest = min(oldest, word) }
        }
        return oldest
    }
}
