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

    /// The span's id, 0 while the record is free.
    var identity = RelaxedWord()
    /// The address of the local root's record; a root names itself.
    var rootAddress = RelaxedWord()
    /// The local root's span id: tells whether that record is still that span.
    var rootIdentity = RelaxedWord()
    /// The next free record, or the next finished one of the same root.
    var next: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans of its trace that finished on its own thread.
    var finishedChain: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans that finished elsewhere; guarded by the pools' lock.
    var foreignChain: UnsafeMutablePointer<SpanRecord>?
    /// Of a root: spans begun on its own thread that are not in `finishedChain`.
    var openCount: Int32 = 0
    /// Of a root: set once a span of its trace began or ended on another thread; cleared under the pools' lock.
    var hasForeign = RelaxedWord()
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

    var root: UnsafeMutablePointer<SpanRecord>? {
        mutating get { UnsafeMutablePointer(bitPattern: UInt(rootAddress.load())) }
    }

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
        identity.store(context.spanID)
    }

    @inline(__always)
    mutating func belong(to root: UnsafeMutablePointer<SpanRecord>, _ identity: UInt64) {
        rootAddress.store(UInt64(UInt(bitPattern: root)))
        rootIdentity.store(identity)
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

/// A 64-bit word that one thread writes and others may look at.
struct RelaxedWord {
    private var value: UInt64 = 0

    @inline(__always)
    mutating func load() -> UInt64 { apus_relaxed_load(&value) }

    /// The value of a copy that nobody else sees.
    func copy() -> UInt64 { value }

    @inline(__always)
    mutating func store(_ new: UInt64) { apus_relaxed_store(&value, new) }
}
