/// A setting that cannot be used, with what would be accepted.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The setting's name, as its author writes it: a flag, a variable or a field.
    public let field: String
    /// What was given; `[redacted]` for secrets.
    public let value: String
    /// What would have been accepted.
    public let accepted: String

    /// Names the setting, what was given, and what would do.
    public init(field: String, value: String, accepted: String) {
        self.field = field
        self.value = value
        self.accepted = accepted
    }

    /// One line that names the fix.
    public var description: String { "\(field) is \"\(value)\"; accepted: \(accepted)" }
}
