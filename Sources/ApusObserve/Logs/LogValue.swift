public import ApusCore

/// How much a line of the log matters.
public enum LogLevel: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Every step; only while looking for a mistake.
    case trace
    /// What helps to understand a course of events.
    case debug
    /// What an operator wants to read back later.
    case info
    /// Something to look at when there is time.
    case warning
    /// Something failed that should not.
    case error

    /// The level's name, lower case, or `nil` where there is none of that name.
    public init?(name: String) {
        guard let level = Self.allCases.first(where: { "\($0)" == name.lowercased() }) else { return nil }
        self = level
    }

    /// Orders by how much it matters.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// The value of a field of the log.
public enum LogValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringInterpolation
{
    /// Text; cut off after 4,096 bytes.
    case string(String)
    /// A whole number.
    case int(Int)
    /// A number; not-a-number and infinities become text.
    case double(Double)
    /// Yes or no.
    case bool(Bool)
    /// A length of time, shown in seconds.
    case duration(Duration)

    /// A secret shows as `[redacted]`, whatever it holds.
    public static func secret<Value>(_ secret: Secret<Value>) -> LogValue { .string(secret.description) }

    /// An error, as it describes itself.
    public static func error(_ error: any Error) -> LogValue { .string(String(describing: error)) }

    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Yes or no.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
