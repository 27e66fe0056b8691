/// Who waits for a reply.
enum RESPWaiter {
    /// Nobody any more: its time was up, or it was cancelled; the reply is skipped when it comes.
    case nobody
    /// One caller for one reply.
    case caller(UnsafeContinuation<RESPValue, any Error>)
    /// One caller for several replies in a row.
    case batch(RESPBatch)

    /// Hands a reply over; an error reply is thrown at a caller, and kept in its place in a batch.
    @inline(__always)
    func answer(_ value: RESPValue) {
        switch self {
        case .nobody: break
        case .caller(let continuation):
            if case .error(let text) = value {
                continuation.resume(throwing: RESPFailure(text))
            } else {
                continuation.resume(returning: value)
            }
        case .batch(let batch): batch.add(value)
        }
    }

    func fail(_ error: any Error) {
        switch self {
        case .nobody: break
        case .caller(let continuation): continuation.resume(throwing: error)
        case .batch(let batch): batch.fail(error)
        }
    }
}

/// The replies to commands that were sent in a row, as they come.
//
// `@unchecked Sendable` is sound because it belongs to the asking task until it is submitted, then to the loop of the
// connection, and after its last reply to nobody.
final class RESPBatch: @unchecked Sendable {
    private(set) var values: [RESPValue] = []
    private(set) var error: (any Error)?
    private let count: Int
    private var continuation: UnsafeContinuation<[RESPValue], any Error>?

    init(_ count: Int, _ continuation: UnsafeContinuation<[RESPValue], any Error>? = nil) {
        self.count = count
        self.continuation = continuation
        values.reserveCapacity(count)
    }

    func add(_ value: RESPValue) {
        values.append(value)
        guard values.count == count, let waiting = continuation else { return }
        continuation = nil
        waiting.resume(returning: values)
    }

    func fail(_ error: any Error) {
        self.error = error
        let waiting = continuation
        continuation = nil
        waiting?.resume(throwing: error)
    }
}
