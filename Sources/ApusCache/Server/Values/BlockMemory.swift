import Glibc

/// Memory for entries, by the C library's allocator, with what that really takes.
//
// Every block has one owner, the table or list that it is in, which gives it back.
enum BlockMemory {
    /// A block of at least `bytes`; the process ends where there is none, as everywhere in Swift.
    @inline(__always)
    static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard let block = malloc(bytes) else { preconditionFailure("out of memory for \(bytes) bytes") }
        return block
    }

    /// Gives a block back.
    @inline(__always)
    static func free(_ block: UnsafeMutableRawPointer) { Glibc.free(block) }

    /// A block with the same content and another size; it may lie elsewhere.
    static func resize(_ block: UnsafeMutableRawPointer, to bytes: Int) -> UnsafeMutableRawPointer {
        guard let resized = realloc(block, bytes) else { preconditionFailure("out of memory for \(bytes) bytes") }
        return resized
    }

    /// What a block of `bytes` takes with the allocator's own word: multiples of 16, 32 at least.
    @inline(__always)
    static func weight(_ bytes: Int) -> Int { max(32, (bytes &+ 23) & ~15) }

    /// How many bytes of a block of at least `bytes` can be used.
    @inline(__always)
    static func usable(_ bytes: Int) -> Int { weight(bytes) &- 8 }
}
