public import CLinux
import ApusCore
import Glibc

/// A small number of a thread's own, so that it can count without telling others.
///
/// Slots 1 to 63 have one thread each at a time: what lies in such a slot's memory has a single writer. A thread takes a
/// slot when it first counts something and gives it back when it ends. Threads beyond that share slot 0, where every
/// write is an atomic one.
public enum ThreadSlot {
    /// How many slots there are, the shared one included.
    public static let count = 64

    /// This thread's slot; 0 means shared.
    @inlinable
    public static func current() -> Int {
        let stored = apus_get_thread_slot()
        return stored != 0 ? Int(stored) &- 1 : claim()
    }

    /// The highest slot that any thread ever had: what belongs to those above was never touched.
    public static var highest: Int { Int(apus_ordered_load(highestWord)) }

    // Sound to share: all accesses are atomics, and the word is never freed.
    nonisolated(unsafe) private static let highestWord: UnsafeMutablePointer<UInt64> = {
        let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        word.initialize(to: 0)
        return word
    }()

    private static let free = Lock<[UInt32]>(Array((1..<UInt32(count)).reversed()))

    // Its destructor runs when a thread that has a slot ends.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { value in
            apus_set_thread_slot(1)
            if let slot = value.map({ UInt32(UInt(bitPattern: $0)) }) {
                ThreadSlot.free.withLock { $0.append(slot) }
            }
        }
        return key
    }()

    @usableFromInline
    static func claim() -> Int {
        guard let slot = free.withLock({ $0.popLast() }) else {
            apus_set_thread_slot(1)
            return 0
        }
        free.withLock { _ in
            if UInt64(slot) > apus_ordered_load(highestWord) { apus_ordered_store(highestWord, UInt64(slot)) }
        }
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: UInt(slot)))
        apus_set_thread_slot(slot + 1)
        return Int(slot)
    }
}
