import ApusCore
import CLinux

/// An object that is set rarely and read all the time, by any thread and without a lock.
//
// `@unchecked Sendable` is sound because the cell is atomic and whatever was published is kept until the end, so a
// reader that is about to retain it finds it alive.
final class Published<Value: AnyObject & Sendable>: @unchecked Sendable {
    private let cell: UnsafeMutablePointer<UInt64>
    private let kept = Lock<[Value]>([])

    init() {
        cell = .allocate(capacity: 1)
        cell.initialize(to: 0)
    }

    deinit { cell.deallocate() }

    var value: Value? { borrowed?.takeUnretainedValue() }

    /// The value without a count of its own: alive as long as this object.
    @inline(__always)
    var borrowed: Unmanaged<Value>? {
        UnsafeRawPointer(bitPattern: UInt(apus_acquire_load(cell))).map { Unmanaged.fromOpaque($0) }
    }

    func publish(_ value: Value) {
        kept.withLock { kept in
            kept.append(value)
            apus_release_store(cell, UInt64(UInt(bitPattern: Unmanaged.passUnretained(value).toOpaque())))
        }
    }

    /// Takes the value away from readers; those that have it keep it.
    func take() -> Value? {
        kept.withLock { kept in
            apus_exchange(cell, 0) == 0 ? nil : kept.last
        }
    }
}
