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
    private let readers: UnsafeMutablePointer<LoopReader?>
    private let count = Lock(0)

    init() {
        owners = .allocate(capacity: Self.loopsMax)
        owners.initialize(repeating: 0, count: Self.loopsMax)
        readers = .allocate(capacity: Self.loopsMax)
        readers.initialize(repeating: nil, count: Self.loopsMax)
    }

    deinit {
        readers.deinitialize(count: Self.loopsMax)
        readers.deallocate()
        owners.deallocate()
    }

    @inline(__always)
    private func key(_ loop: EventLoop) -> UInt64 {
        UInt64(UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque()))
    }

    @inline(__always)
    func find(_ loop: EventLoop) -> LoopReader? {
        let key = key(loop)
        var index = loop.index & (Self.loopsMax - 1)
        while true {
            let owner = apus_acquire_load(owners + index)
            if owner == key { return readers[index] }
            if owner == 0 { return nil }
            index = (index + 1) & (Self.loopsMax - 1)
        }
    }

    /// Keeps `reader` for `loop`; only on the loop's own thread.
    func add(_ reader: LoopReader, for loop: EventLoop) throws {
        try count.withLock { count in
            guard count < Self.loopsMax - 1 else {
                throw StoreError(.overloaded, "more than \(Self.loopsMax - 1) loops read one shard")
            }
            count += 1
            var index = loop.index & (Self.loopsMax - 1)
            while apus_relaxed_load(owners + index) != 0 { index = (index + 1) & (Self.loopsMax - 1) }
            readers[index] = reader
            apus_release_store(owners + index, key(loop))
        }
    }

    /// Reads so far, by all loops.
    var total: Int {
        (0..<Self.loopsMax).reduce(0) { total, index in
            guard apus_acquire_load(owners + index) != 0, let reader = readers[index] else { return total }
            return total + Int(apus_relaxed_load(reader.count))
        }
    }
}
