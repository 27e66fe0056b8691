/// A piece of work with a beginning and an end, as part of a trace.
///
/// A trivial handle: copy it freely, hand it down, finish it once with ``Tracer/finish(_:at:)``. A span that is not recorded
/// still has a context to pass on, and everything done to it does nothing. One task at a time may set attributes.
public struct Span: Sendable, Hashable {
    /// What to send to others: this span is the parent of what they do.
    public let context: TraceContext
    // 0 where nothing is recorded; else the address of a record in a pool that is never freed.
    let address: UInt

    /// A span that is not recorded but has a context to pass on.
    public static func unrecorded(_ context: TraceContext) -> Span { Span(context: context, record: nil) }

    init(context: TraceContext, record: UnsafeMutablePointer<SpanRecord>?) {
        self.context = context
        address = UInt(bitPattern: record)
    }

    /// No span: nothing is recorded and ``context`` is ``TraceContext/none``.
    public static let none = Span(context: .none, record: nil)

    /// Whether attributes are worth computing.
    public var isRecording: Bool { address != 0 }

    /// What a span says about who waits for whom.
    public enum Kind: UInt8, Sendable, Hashable {
        /// Work within the process.
        case `internal` = 1
        /// Answers a request.
        case server = 2
        /// Sends a request and waits for the answer.
        case client = 3
        /// Puts a message into a queue.
        case producer = 4
        /// Takes a message out of a queue.
        case consumer = 5
    }

    // The record, as long as it is still this span's.
    @inline(__always)
    var record: UnsafeMutablePointer<SpanRecord>? {
        guard let record = UnsafeMutablePointer<SpanRecord>(bitPattern: address) else { return nil }
        return record.load(.identity) == context.spanID ? record : nil
    }

    /// Notes a whole number; beyond 8 attributes the span counts what it drops.
    @inline(__always)
    public func set(_ key: SpanName, _ value: Int) {
        guard address != 0 else { return }
        record?.pointee.add(key, .int, UInt64(bitPattern: Int64(value)))
    }

    /// Notes a floating-point number.
    @inline(__always)
    public func set(_ key: SpanName, _ value: Double) {
        guard address != 0 else { return }
        record?.pointee.add(key, .double, value.bitPattern)
    }

    /// Notes yes or no.
    @inline(__always)
    public func set(_ key: SpanName, _ value: Bool) {
        guard address != 0 else { return }
        record?.pointee.add(key, .bool, value ? 1 : 0)
    }

    /// Notes text that lives as long as the process.
    @inline(__always)
    public func set(_ key: SpanName, _ value: SpanName) {
        guard address != 0 else { return }
        record?.pointee.add(key, .name, UInt64(value.address), count: value.count)
    }

    /// Notes text; all texts of a span share 128 bytes, the rest is cut off.
    public func set(_ key: SpanName, bytes: UnsafeRawBufferPointer) {
        guard address != 0 else { return }
        record?.pointee.add(key, text: bytes)
    }

    /// Notes text; all texts of a span share 128 bytes, the rest is cut off.
    public func set(_ key: SpanName, _ value: String) {
        guard address != 0 else { return }
        var value = value
        value.withUTF8 { set(key, bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Marks the span as failed, which also makes tail sampling keep its trace.
    public func fail() {
        guard address != 0 else { return }
        record?.pointee.failed = true
    }

    /// Marks the span as failed because of `error`, and notes its type.
    public func fail(_ error: any Error) {
        guard address != 0 else { return }
        fail()
        set(.errorType, String(describing: type(of: error)))
    }

    /// Gives the span another name, such as the route once it is known.
    public func rename(_ name: SpanName) {
        guard address != 0 else { return }
        record?.pointee.name = name
    }
}
