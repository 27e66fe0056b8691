import ApusCore
import CLinux
import Glibc

/// Starts a thread of the store's own.
enum StoreThread {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts a thread that runs `body`; at most 15 characters of `name` are kept.
    ///
    /// - Throws: ``StoreError`` with code `inputOutput`.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 1 << 20)
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let code = pthread_create(&thread, &attributes, Self.main, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw StoreError(.inputOutput, "cannot start a thread: errno \(code)")
        }
    }

    /// Runs `body`, which blocks, on a thread of its own: for opening and closing.
    ///
    /// - Throws: What `body` throws.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let handover = Handover<Value>()
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            do {
                try start("store-open") {
                    handover.fill(body)
                    continuation.resume()
                }
            } catch {
                handover.fail(error)
                continuation.resume()
            }
        }
        return try handover.take()
    }

    private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        _ = apus_set_thread_name(String(start.name.prefix(15)))
        start.body()
        return nil
    }
}
