import ApusCore
import ApusRuntime
import CLinux

/// A shard's connections by loop, found without a lock.
//
// `@unchecked Sendable` is sound because an entry's owner is published after its reader is in place, only the owner
// looks at the reader, and entries are never taken out.
final class LoopReaders: @unchecked Sendable {
    private static let loopsMax = 256
    private let owners: UnsafeMutablePointer<UInt64>
    private let readers: UnsafeMutablePointer<UInt>
    private let count = Lock(0)
    private let closing = Monitor(Closing())

    private struct Closing {
        var isClosed = false
        var left = 0
    }

    init() {
        owners = .allocate(capacity: Self.loopsMax)
        owners.initialize(repeating: 0, count: Self.loopsMax)
        readers = .allocate(capacity: Self.loopsMax)
        readers.initialize(repeating: 0, count: Self.loopsMax)
    }

    deinit {
        for index in 0..<Self.loopsMax { reader(index)?.release() }
        readers.deallocate()
        owners.deallocate()
    }

    @inline(__always)
    private func reader(_ index: Int) -> Unmanaged<LoopReader>? {
        UnsafeRawPointer(bitPattern: readers[index]).map { Unmanaged.fromOpaque($0) }
    }

    @inline(__always)
    private func place(_ loop: UInt) -> Int { Int(truncatingIfNeeded: loop >> 5 ^ loop >> 13) & (Self.loopsMax - 1) }

    /// The connection of the loop at an address.
    @inline(__always)
    func find(_ loop: UnsafeMutableRawPointer) -> Unmanaged<LoopReader>? {
        let key = UInt64(UInt(bitPattern: loop))
        var index = place(UInt(bitPattern: loop))
        while true {
            let owner = apus_acquire_load(owners + index)
            if owner == key { return reader(index) }
            if owner == 0 { return nil }
            index = (index + 1) & (Self.loopsMax - 1)
        }
    }

    /// Keeps `reader` for `loop`; only on the loop's own thread.
    func add(_ reader: LoopReader, for loop: EventLoop) throws {
        try count.withLock { count in
            guard !closing.withLock({ $0.isClosed }) else { throw StoreError(.closed, "the store was closed") }
            guard count < Self.loopsMax - 1 else {
                throw StoreError(.overloaded, "more than \(Self.loopsMax - 1) loops read one shard")
            }
            count += 1
            let key = UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque())
            var index = place(key)
            while apus_relaxed_load(owners + index) != 0 { index = (index + 1) & (Self.loopsMax - 1) }
            readers[index] = UInt(bitPattern: Unmanaged.passRetained(reader).toOpaque())
            apus_release_store(owners + index, UInt64(key))
        }
    }

    /// Closes every loop's connection on its loop, and waits for a bounded time until that is done.
    ///
    /// A loop that does not get to it in time closes its connection later; one that has ended never does.
    func close(nanoseconds: Int) -> Bool {
        let readers = count.withLock { _ -> [LoopReader] in
            let isFirst = closing.withLock { closing in
                defer { closing.isClosed = true }
                return !closing.isClosed
            }
            return isFirst ? (0..<Self.loopsMax).compactMap { reader($0)?.takeUnretainedValue() } : []
        }
        closing.withLock { $0.left += readers.count }
        for reader in readers {
            reader.close { [closing] in
                closing.withLock { $0.left -= 1 }
                closing.broadcast()
            }
        }
        return closing.wait(nanoseconds: nanoseconds) { $0.left > 0 ? nil : true } ?? false
    }

    /// Reads so far, by all loops.
    var total: Int {
        (0..<Self.loopsMax).reduce(0) { total, index in
            guard apus_acquire_load(owners + index) != 0, let reader = reader(index)?.takeUnretainedValue() else {
                return total
            }
            return total + Int(apus_relaxed_load(reader.count))
        }
    }
}
