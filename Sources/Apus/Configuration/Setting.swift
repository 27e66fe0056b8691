import ApusCore

/// A value that whoever runs the system may set: by flag, environment, file, or not at all.
///
/// ```swift
/// @main
/// struct Shop: System {
///     @Setting("cart.lifetime", "How long an abandoned cart is kept.")
///     var cartLifetime: Duration = .seconds(7 * 86_400)
///     @Setting("mail.key", "The key of the mail provider.")
///     var mailKey: Secret<String>? = nil
/// ```
/// `cart.lifetime` is `--cart-lifetime` on the command line, `CART_LIFETIME` in the environment and `cart.lifetime` in a
/// configuration file; the first of these that is given counts, else the default. `CART_LIFETIME_FILE` names a file that
/// holds the value, which is how secrets are given.
@propertyWrapper
public struct Setting<Value: SettingValue>: Sendable {
    let declaration: SettingDeclaration
    private let box: SettingBox<Value>

    /// A setting.
    ///
    /// - Parameters:
    ///   - value: The value where nothing else is given.
    ///   - key: Its name: lower-case words with dots between.
    ///   - help: What it means, in a sentence.
    ///   - variable: Its name in the environment, where the key in capitals will not do.
    ///   - accepted: What `check` takes, for the message that refuses the rest.
    ///   - check: Whether a value of the right type is in range.
    public init(
        wrappedValue value: Value,
        _ key: String,
        _ help: String,
        variable: String? = nil,
        accepted: String? = nil,
        check: @escaping @Sendable (Value) -> Bool = { _ in true }
    ) {
        let box = SettingBox(value)
        let accepted = accepted ?? Value.accepted
        self.box = box
        declaration = SettingDeclaration(
            key: key,
            variable: variable,
            help: help,
            accepted: accepted,
            standard: value.settingText,
            isSecret: Value.isSecret
        ) { text, field throws(ConfigurationError) in
            guard let value = Value(settingText: text), check(value) else {
                throw ConfigurationError(
                    field: field,
                    value: Value.isSecret ? "[redacted]" : text,
                    accepted: accepted
                )
            }
            box.value = value
            return value.settingText
        }
    }

    /// The value in force; the default until the program has read its settings.
    public var wrappedValue: Value { box.value }
}

/// A setting apart from its type.
struct SettingDeclaration: Sendable {
    let key: String
    let variable: String
    let help: String
    let accepted: String
    let standard: String
    let isSecret: Bool
    /// Reads a text, and says how the value is shown; the second is how the user named the setting.
    let take: @Sendable (String, String) throws(ConfigurationError) -> String

    init(
        key: String,
        variable: String?,
        help: String,
        accepted: String,
        standard: String,
        isSecret: Bool,
        take: @escaping @Sendable (String, String) throws(ConfigurationError) -> String
    ) {
        precondition(Self.isKey(key), "setting \"\(key)\": a key is lower-case words with dots between")
        self.key = key
        self.variable = variable ?? String(key.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
        self.help = help
        self.accepted = accepted
        self.standard = standard
        self.isSecret = isSecret
        self.take = take
    }

    /// The flag's name, without the hyphens in front.
    var flag: String { String(key.map { $0 == "." ? "-" : $0 }) }

    private static func isKey(_ key: String) -> Bool {
        guard let first = key.utf8.first, (97...122).contains(first) else { return false }
        return key.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }
    }
}

/// A property that is a setting, as reflection finds it.
protocol DeclaredSetting {
    var declaration: SettingDeclaration { get }
}

extension Setting: DeclaredSetting {}

/// Where a setting's value is.
final class SettingBox<Value: Sendable>: Sendable {
    private let state: Lock<Value>
    init(_ value: Value) { state = Lock(value) }
    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
