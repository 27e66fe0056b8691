extension Pulse {
    /// First byte of a packed pulse: the form of what follows.
    private static let form: UInt64 = 1

    /// The pulse as bytes.
    public var packed: [UInt8] {
        var writer = PackedWriter()
        writer.write(Self.form)
        writer.write(fixed: session)
        writer.write(sequence)
        writer.write(signed: time)
        writer.write(signed: age)
        writer.write(isWhole)
        writer.write(count: definitions.count)
        for definition in definitions { definition.write(to: &writer) }
        writer.write(count: numbers.count)
        for number in numbers {
            writer.write(count: number.index)
            writer.write(number.value)
        }
        writer.write(count: spreads.count)
        for spread in spreads {
            writer.write(count: spread.index)
            writer.write(spread.sum)
            writer.write(count: spread.buckets.count)
            for bucket in spread.buckets {
                writer.write(count: bucket.bucket)
                writer.write(bucket.count)
            }
        }
        writer.write(count: spans.count)
        for span in spans { span.write(to: &writer) }
        writer.write(spansNext)
        writer.write(spansMissed)
        writer.write(count: lines.count)
        for line in lines { line.write(to: &writer) }
        writer.write(linesNext)
        writer.write(linesMissed)
        return writer.bytes
    }

    /// Reads a packed pulse.
    ///
    /// - Throws: ``PackedDamage`` for bytes that are none.
    public init(packed bytes: [UInt8]) throws(PackedDamage) {
        var reader = PackedReader(bytes)
        guard try reader.number() == Self.form else { throw PackedDamage(offset: 0) }
        self.init(
            session: try reader.fixed(),
            sequence: try reader.number(),
            time: try reader.signed(),
            age: try reader.signed(),
            isWhole: try reader.flag()
        )
        for _ in 0..<(try reader.count(bytesEach: 7)) { definitions.append(try Definition(from: &reader)) }
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            numbers.append(Number(index: try reader.index(), value: try reader.double()))
        }
        for _ in 0..<(try reader.count(bytesEach: 3)) {
            var spread = Spread(index: try reader.index(), sum: try reader.number(), buckets: [])
            for _ in 0..<(try reader.count(bytesEach: 2)) {
                spread.buckets.append(Bucket(bucket: try reader.index(), count: try reader.number()))
            }
            spreads.append(spread)
        }
        for _ in 0..<(try reader.count(bytesEach: 20)) { spans.append(try CollectedSpan(from: &reader)) }
        spansNext = try reader.number()
        spansMissed = try reader.number()
        for _ in 0..<(try reader.count(bytesEach: 5)) { lines.append(try LogRecord(from: &reader)) }
        linesNext = try reader.number()
        linesMissed = try reader.number()
    }
}

extension Pulse.Definition {
    private static let kinds: [MetricSnapshot.Kind] = [.counter, .gauge, .histogram]

    fileprivate func write(to writer: inout PackedWriter) {
        writer.write(count: index)
        writer.write(name)
        writer.write(count: Self.kinds.firstIndex(of: kind) ?? 1)
        writer.write(unit == .nanosecondsAsSeconds)
        writer.write(help)
        writer.write(count: labels.count)
        for label in labels {
            writer.write(label.name)
            writer.write(label.value)
        }
        writer.write(count: bounds.count)
        var before: UInt64 = 0
        for bound in bounds {
            writer.write(bound &- before)
            before = bound
        }
    }

    fileprivate init(from reader: inout PackedReader) throws(PackedDamage) {
        index = try reader.index()
        name = try reader.text()
        kind = Self.kinds[try reader.index(below: Self.kinds.count)]
        unit = try reader.flag() ? .nanosecondsAsSeconds : .one
        help = try reader.text()
        labels = []
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            labels.append(Pulse.Label(try reader.text(), try reader.text()))
        }
        bounds = []
        var before: UInt64 = 0
        for _ in 0..<(try reader.count()) {
            before &+= try reader.number()
            bounds.append(before)
        }
    }
}

extension CollectedSpan {
    /// Appends the span to `writer`.
    public func write(to writer: inout PackedWriter) {
        writer.write(fixed: traceHigh)
        writer.write(fixed: traceLow)
        writer.write(fixed: spanID)
        writer.write(fixed: parentID)
        writer.write(name)
        writer.write(count: Int(kind.rawValue))
        writer.write(signed: began)
        writer.write(signed: nanoseconds)
        writer.write(failed)
        writer.write(count: attributes.count)
        for attribute in attributes {
            writer.write(attribute.key)
            writer.write(attribute.value)
        }
    }

    /// Reads a span.
    ///
    /// - Throws: ``PackedDamage``.
    public init(from reader: inout PackedReader) throws(PackedDamage) {
        traceHigh = try reader.fixed()
        traceLow = try reader.fixed()
        spanID = try reader.fixed()
        parentID = try reader.fixed()
        name = try reader.text()
        kind = Span.Kind(rawValue: UInt8(try reader.index(below: 256))) ?? .internal
        began = try reader.signed()
        nanoseconds = try reader.signed()
        failed = try reader.flag()
        attributes = []
        for _ in 0..<(try reader.count(bytesEach: 2)) {
            attributes.append(Attribute(try reader.text(), try reader.text()))
        }
    }
}

extension LogRecord {
    /// Appends the line to `writer`.
    public func write(to writer: inout PackedWriter) {
        writer.write(signed: time)
        writer.write(count: level.rawValue)
        writer.write(logger)
        writer.write(message)
        let hasTrace = traceHigh | traceLow != 0
        writer.write(hasTrace)
        if hasTrace {
            writer.write(fixed: traceHigh)
            writer.write(fixed: traceLow)
            writer.write(fixed: spanID)
        }
        writer.write(count: fields.count)
        for field in fields {
            writer.write(field.key)
            writer.write(field.value)
        }
    }

    /// Reads a line.
    ///
    /// - Throws: ``PackedDamage``.
    public init(from reader: inout PackedReader) throws(PackedDamage) {
        time = try reader.signed()
        level = LogLevel(rawValue: try reader.index(below: 256)) ?? .info
        logger = try reader.text()
        message = try reader.text()
        let hasTrace = try reader.flag()
        traceHigh = hasTrace ? try reader.fixed() : 0
        traceLow = hasTrace ? try reader.fixed() : 0
        spanID = hasTrace ? try reader.fixed() : 0
        fields = []
        for _ in 0..<(try reader.count(bytesEach: 2)) { fields.append(Field(try reader.text(), try reader.text())) }
    }
}
