public import ApusCore
public import ApusRuntime

/// A type that a setting can have: what it is made from is text, from a flag, a variable or a file.
public protocol SettingValue: Sendable {
    /// Reads the text; `nil` where it is none of this type's.
    init?(settingText: String)
    /// The text it is read from.
    var settingText: String { get }
    /// What is read, for messages: `a whole number`.
    static var accepted: String { get }
    /// Whether values must not be shown, nor given as a flag, which other users could see.
    static var isSecret: Bool { get }
}

extension SettingValue {
    /// It may be shown.
    public static var isSecret: Bool { false }
}

extension String: SettingValue {
    /// The text itself.
    public init?(settingText: String) { self = settingText }
    /// The text itself.
    public var settingText: String { self }
    /// Any text.
    public static var accepted: String { "text" }
}

extension Int: SettingValue {
    /// Reads decimal digits, with a sign where there is one.
    public init?(settingText: String) { self.init(settingText) }
    /// Decimal digits.
    public var settingText: String { "\(self)" }
    /// A whole number.
    public static var accepted: String { "a whole number" }
}

extension Double: SettingValue {
    /// Reads a finite number.
    public init?(settingText: String) {
        guard let number = Double(settingText), number.isFinite else { return nil }
        self = number
    }
    /// The shortest decimal that is this number.
    public var settingText: String { "\(self)" }
    /// A number.
    public static var accepted: String { "a number" }
}

extension Bool: SettingValue {
    /// Reads `true`, `yes`, `on`, `1` and their opposites.
    public init?(settingText: String) {
        switch settingText.lowercased() {
        case "true", "yes", "on", "1": self = true
        case "false", "no", "off", "0": self = false
        default: return nil
        }
    }
    /// `true` or `false`.
    public var settingText: String { self ? "true" : "false" }
    /// True or false.
    public static var accepted: String { "true or false" }
}

extension Duration: SettingValue {
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ms", 1e6), ("us", 1e3), ("ns", 1), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86_400e9),
    ]

    /// Reads a number with a unit: `250ms`, `1.5s`, `2m`, `12h`, `7d`.
    public init?(settingText: String) {
        for (suffix, nanoseconds) in Self.units where settingText.hasSuffix(suffix) {
            guard let number = Double(settingText.dropLast(suffix.count)), number >= 0 else { continue }
            let total = number * nanoseconds
            guard total.isFinite, total < 9e18 else { return nil }
            self = .nanoseconds(Int64(total.rounded()))
            return
        }
        return nil
    }
    /// The largest unit that gives a whole number.
    public var settingText: String {
        let all = nanoseconds
        for (suffix, size) in [("d", 86_400e9), ("h", 3600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3)]
        where all != 0 && all % Int64(size) == 0 {
            return "\(all / Int64(size))\(suffix)"
        }
        return all == 0 ? "0s" : "\(all)ns"
    }
    /// A number with a unit.
    public static var accepted: String { "a number with ms, s, m, h or d, such as 30s" }
}

extension SocketAddress: SettingValue {
    /// Reads `127.0.0.1:8080`, `localhost:8080` or `unix:/path`.
    public init?(settingText: String) { self.init(settingText) }
    /// The same form.
    public var settingText: String { description }
    /// An address.
    public static var accepted: String { "an address such as 127.0.0.1:8080 or unix:/run/x.sock" }
}

extension Secret: SettingValue where Value == String {
    /// Takes any text but none.
    public init?(settingText: String) {
        guard !settingText.isEmpty else { return nil }
        self.init(settingText)
    }
    /// `[redacted]`.
    public var settingText: String { description }
    /// Text.
    public static var accepted: String { "text, by the environment or a file" }
    /// It must not be shown.
    public static var isSecret: Bool { true }
}

extension Optional: SettingValue where Wrapped: SettingValue {
    /// Reads the value; no text is no value.
    public init?(settingText: String) {
        if settingText.isEmpty {
            self = .none
        } else if let value = Wrapped(settingText: settingText) {
            self = .some(value)
        } else {
            return nil
        }
    }
    /// The value's text, or none.
    public var settingText: String { self?.settingText ?? "" }
    /// What the value takes.
    public static var accepted: String { Wrapped.accepted }
    /// Whether the value is secret.
    public static var isSecret: Bool { Wrapped.isSecret }
}
