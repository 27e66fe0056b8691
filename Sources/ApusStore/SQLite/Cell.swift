/// A number in memory that any thread reads and, by the operations of CLinux, changes.
//
// `@unchecked Sendable` is sound because the number is reached by atomic operations only.
final class Cell: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<UInt64>

    init() {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: 0)
    }

    deinit { pointer.deallocate() }
}
