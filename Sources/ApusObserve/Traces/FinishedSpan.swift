/// A span that has ended, with everything that was noted about it.
public struct FinishedSpan: Sendable, Hashable {
    /// A noted value.
    public enum Value: Sendable, Hashable {
        /// A whole number.
        case int(Int64)
        /// A floating-point number.
        case double(Double)
        /// Yes or no.
        case bool(Bool)
        /// Text.
        case string(String)
    }

    /// An attribute.
    public struct Attribute: Sendable, Hashable {
        /// Its name, such as `http.route`.
        public let key: SpanName
        /// Its value.
        public let value: Value

        /// An attribute from its parts.
        public init(key: SpanName, value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// Trace id, span id and flags.
    public var context: TraceContext
    /// The parent's span id; 0 where the trace began here.
    public var parentID: UInt64
    /// What was done.
    public var name: SpanName
    /// Who waited for whom.
    public var kind: Span.Kind
    /// When it began, in nanoseconds since 1970.
    public var began: Int64
    /// When it ended, in nanoseconds since 1970.
    public var ended: Int64
    /// Whether it failed.
    public var failed: Bool
    /// What was noted.
    public var attributes: [Attribute]
    /// How many attributes found no room.
    public var attributesDropped: Int

    /// A span from its parts, for tests and for spans that other processes sent.
    public init(
        context: TraceContext,
        parentID: UInt64,
        name: SpanName,
        kind: Span.Kind,
        began: Int64,
        ended: Int64,
        failed: Bool = false,
        attributes: [Attribute] = [],
        attributesDropped: Int = 0
    ) {
        self.context = context
        self.parentID = parentID
        self.name = name
        self.kind = kind
        self.began = began
        self.ended = ended
        self.failed = failed
        self.attributes = attributes
        self.attributesDropped = attributesDropped
    }

    init(_ record: SpanRecord, wallOffset: Int64) {
        self.init(
            context: record.context,
            parentID: record.parentID,
            name: record.name,
            kind: record.kind,
            began: record.began &+ wallOffset,
            ended: record.ended &+ wallOffset,
            failed: record.failed,
            attributes: (0..<min(Int(record.attributeCount), SpanRecord.attributesMax)).map {
                Attribute(record.attributes[$0], texts: record.texts)
            },
            attributesDropped: Int(record.attributesDropped)
        )
    }
}

extension FinishedSpan.Attribute {
    init(_ attribute: SpanRecord.Attribute, texts: InlineArray<128, UInt8>) {
        let value: FinishedSpan.Value
        switch attribute.kind {
        case .int: value = .int(Int64(bitPattern: attribute.value))
        case .double: value = .double(Double(bitPattern: attribute.value))
        case .bool: value = .bool(attribute.value != 0)
        case .name:
            let bytes = UnsafeRawBufferPointer(
                start: UnsafeRawPointer(bitPattern: UInt(attribute.value)),
                count: Int(attribute.count)
            )
            value = .string(String(decoding: bytes, as: UTF8.self))
        case .text:
            let first = min(Int(attribute.value), 128)
            let bytes = (first..<min(128, first + Int(attribute.count))).map { texts[$0] }
            value = .string(String(decoding: bytes, as: UTF8.self))
        }
        self.init(key: attribute.key, value: value)
    }
}
