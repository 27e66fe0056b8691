import Glibc

/// Memory that ends where a page begins that nobody may touch: reading one byte too far ends the process.
public struct GuardedBytes: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    private let pages: Int

    /// Room for `capacity` bytes.
    public init(capacity: Int) {
        pages = (capacity + 4095) / 4096
        let size = (pages + 1) * 4096
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED, mprotect(memory + pages * 4096, 4096, PROT_NONE) == 0
        else {
            // Without the forbidden page a test would pass and prove nothing: the run ends here.
            fatalError("no memory for a test")
        }
        self.memory = memory
    }

    /// A copy of `bytes` that ends at the forbidden page; good until the next call.
    public func copy(_ bytes: some Collection<UInt8>) -> UnsafeRawBufferPointer {
        let place = UnsafeMutableRawBufferPointer(start: memory + pages * 4096 - bytes.count, count: bytes.count)
        place.copyBytes(from: bytes)
        return UnsafeRawBufferPointer(place)
    }

    deinit { munmap(memory, (pages + 1) * 4096) }
}
