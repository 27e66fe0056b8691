import ApusCore
import CLinux

/// What is known about a span while it runs, in memory that is used again for later spans.
///
/// Trivial, without references: pools hand it out and take it back without counting anything.
struct SpanRecord {
    enum ValueKind: UInt8 { case int, double, bool, name, text }

    struct Attribute {
        var key: SpanName
        var kind: ValueKind
        // For a text: its offset among the record's texts.
        var value: UInt64
        var count: Int32
    }

    static let attributesMax = 8
    static let textBytesMax = 128

    /// The words that other threads may look at, see ``Word``; first in the record, and touched only as atomics.
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Which of the words.
    enum Word: Int {
        /// The span's id, 0 while the record is free.
        case identity
        /// The address of the local root's record; a root names itself.
        case root
        /// The local root's span id: tells whether that record is still that span.
        case rootIdentity
        /// Of a root: 1 once a span of its trace began or ended on another thread; cleared under the pools' lock.
        case hasForeign
    }

    /// The local root's span id, of a copy that nobody else sees.
    var copiedRootIdentity: UInt64 { words.2 }

    /// The next free record, or the next finished one of the same root.
    var next: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans of its trace that finished on its own thread.
    var finishedChain: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans that finished elsewhere; guarded by the pools' lock.
    var foreignChain: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans begun on its own thread that are not in `finishedChain`.
    var openCount: Int32 = 0
    /// The slot whose pool the record belongs to.
    var home: Int32 = 0

    var context = TraceContext.none
    var parentID: UInt64 = 0
    var name: SpanName = "span"
    var kind = Span.Kind.internal
    var failed = false
    /// Monotonic, nanoseconds.
    var began: Int64 = 0
    var ended: Int64 = 0

    var attributeCount: UInt8 = 0
    var attributesDropped: UInt8 = 0
    var textCount: UInt8 = 0
    var attributes: InlineArray<8, Attribute> = .init(
        repeating: Attribute(key: "span", kind: .int, value: 0, count: 0)
    )
    var texts: InlineArray<128, UInt8> = .init(repeating: 0)

    /// Starts the record over, but for what is guarded by the pools' lock.
    @inline(__always)
    mutating func begin(_ name: SpanName, _ kind: Span.Kind, _ context: TraceContext, parent: UInt64, at now: Instant) {
        self.context = context
        parentID = parent
        self.name = name
        self.kind = kind
        failed = false
        began = now.nanoseconds
        ended = now.nanoseconds
        attributeCount = 0
        attributesDropped = 0
        textCount = 0
        next = nil
        finishedChain = nil
        openCount = 0
    }

    @inline(__always)
    mutating func add(_ key: SpanName, _ kind: ValueKind, _ value: UInt64, count: Int = 0) {
        let index = Int(attributeCount)
        guard index < Self.attributesMax else {
            attributesDropped = attributesDropped == .max ? .max : attributesDropped + 1
            return
        }
        attributes[index] = Attribute(key: key, kind: kind, value: value, count: Int32(count))
        attributeCount = UInt8(index + 1)
    }

    mutating func add(_ key: SpanName, text: UnsafeRawBufferPointer) {
        let offset = Int(textCount)
        let count = max(0, min(text.count, Self.textBytesMax - offset))
        guard attributeCount < Self.attributesMax else { return add(key, .text, 0) }
        for index in 0..<count { texts[offset + index] = text[index] }
        textCount = UInt8(offset + count)
        add(key, .text, UInt64(offset), count: count)
    }
}

extension UnsafeMutablePointer<SpanRecord> {
    @inline(__always)
    private func address(_ word: SpanRecord.Word) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: UInt64.self) + word.rawValue
    }

    @inline(__always)
    func load(_ word: SpanRecord.Word) -> UInt64 { address(word).relaxedLoad() }

    @inline(__always)
    func store(_ word: SpanRecord.Word, _ value: UInt64) { address(word).relaxedStore(value) }

    /// The local root's record.
    @inline(__always)
    var root: UnsafeMutablePointer<SpanRecord>? { UnsafeMutablePointer(bitPattern: UInt(load(.root))) }

    /// Names the local root, and makes handles to this span valid.
    @inline(__always)
    func publish(root: UnsafeMutablePointer<SpanRecord>, _ rootIdentity: UInt64) {
        store(.root, UInt64(UInt(bitPattern: root)))
        store(.rootIdentity, rootIdentity)
        store(.identity, pointee.context.spanID)
    }
}

extension UnsafeMutablePointer<UInt64> {
    /// Reads a word that another thread may write at the same time.
    @inline(__always)
    func relaxedLoad() -> UInt64 { apus_relaxed_load(self) }

    /// Writes a word that other threads may read at the same time.
    @inline(__always)
    func relaxedStore(_ value: UInt64) { apus_relaxed_store(self, value) }
}
