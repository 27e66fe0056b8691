import ApusCore
import ApusRuntime
import Testing

@testable import Apus

/// A system's settings as its author writes them.
private struct Settings {
    @Setting("cart.lifetime", "How long a cart is kept.") var lifetime: Duration = .seconds(60)
    @Setting("cart.lines", "Most lines.", accepted: "1 to 100", check: { (1...100).contains($0) }) var lines: Int = 50
    @Setting("mail.key", "The key of the mail provider.") var key: Secret<String>? = nil
    @Setting("data", "Where data is.", variable: "APUS_DATA") var data: String = "here"

    var declarations: [SettingDeclaration] {
        [_lifetime.declaration, _lines.declaration, _key.declaration, _data.declaration]
    }

    func resolve(
        flags: [String: String] = [:],
        environment: [String: String] = [:],
        file: [String: String] = [:],
        read: @escaping @Sendable (String) throws -> String = { throw SystemError("open \($0)", errno: 2) }
    ) throws(ConfigurationError) -> Configuration {
        var sources = ConfigurationSources()
        sources.flags = flags
        sources.environment = environment
        sources.file = file
        sources.filePath = "apus.json"
        sources.read = read
        return try sources.resolve(declarations)
    }
}

@Suite struct ConfigurationTests {
    @Test func `a flag wins over the environment, the environment over a file, a file over the default`() throws {
        let settings = Settings()
        let standard = try settings.resolve()
        #expect(settings.lifetime == .seconds(60))
        #expect(standard["cart.lifetime"]?.origin == .standard)

        let file = ["cart.lifetime": "2m"]
        let byFile = try settings.resolve(file: file)
        #expect(settings.lifetime == .seconds(120))
        #expect(byFile["cart.lifetime"]?.origin == .file("apus.json"))

        let environment = ["CART_LIFETIME": "3m"]
        let byEnvironment = try settings.resolve(environment: environment, file: file)
        #expect(settings.lifetime == .seconds(180))
        #expect(byEnvironment["cart.lifetime"]?.origin == .environment("CART_LIFETIME"))

        let byFlag = try settings.resolve(flags: ["cart-lifetime": "4m"], environment: environment, file: file)
        #expect(settings.lifetime == .seconds(240))
        #expect(byFlag["cart.lifetime"]?.value == "4m")
        #expect(byFlag["cart.lifetime"]?.origin == .flag("cart-lifetime"))
    }

    @Test func `a secret comes from a file, is never shown, and is refused as a flag`() throws {
        let settings = Settings()
        let byFile = try settings.resolve(environment: ["MAIL_KEY_FILE": "/run/key"]) { path in
            path == "/run/key" ? "hunter2" : ""
        }
        #expect(settings.key?.reveal() == "hunter2")
        #expect(byFile["mail.key"]?.value == "[redacted]")
        #expect(byFile["mail.key"]?.origin == .secretFile("MAIL_KEY_FILE"))
        #expect(!"\(byFile)".contains("hunter2"))
        let error = #expect(throws: ConfigurationError.self) { try settings.resolve(flags: ["mail-key": "hunter2"]) }
        #expect(error?.value == "[redacted]")
        #expect(throws: ConfigurationError.self) { try settings.resolve(environment: ["MAIL_KEY_FILE": "/none"]) }
    }

    @Test func `a value out of range names the setting as it was given, the value and what is accepted`() {
        let settings = Settings()
        let flag = #expect(throws: ConfigurationError.self) { try settings.resolve(flags: ["cart-lines": "0"]) }
        #expect(flag?.description == "--cart-lines is \"0\"; accepted: 1 to 100")
        let variable = #expect(throws: ConfigurationError.self) {
            try settings.resolve(environment: ["CART_LINES": "many"])
        }
        #expect(variable?.field == "CART_LINES")
    }

    @Test(
        arguments: [
            (["cart-lifetme": "1s"], [:], [:], "--cart-lifetime"), ([:], ["APUS_DTA": "x"], [:], "APUS_DATA"),
            ([:], [:], ["cart.livetime": "1s"], "cart.lifetime"),
        ] as [([String: String], [String: String], [String: String], String)]
    )
    func `an unknown key is refused and the nearest is named`(
        flags: [String: String],
        environment: [String: String],
        file: [String: String],
        nearest: String
    ) {
        let error = #expect(throws: ConfigurationError.self) {
            try Settings().resolve(flags: flags, environment: environment, file: file)
        }
        #expect(error?.accepted.contains("did you mean \(nearest)?") == true)
    }

    @Test func `variables of others are left alone`() throws {
        _ = try Settings().resolve(environment: ["PATH": "/bin", "APUS_TEST_ALL": "1", "CARTS": "3"])
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
        ("12h", .seconds(43_200)), ("7d", .seconds(604_800)), ("0s", .zero),
    ])
    func `a duration is a number and a unit, and is written as it is read`(text: String, duration: Duration) {
        #expect(Duration(settingText: text) == duration)
        #expect(Duration(settingText: duration.settingText) == duration)
    }

    @Test(arguments: ["", "5", "-1s", "s", "1 s", "1y", "nan s", "1e30d"])
    func `what is no duration is refused`(text: String) { #expect(Duration(settingText: text) == nil) }

    @Test func `a file of settings is JSON or lines`() throws {
        let folder = "/tmp/apus-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        defer { try? Files.remove(folder) }
        try Files.writeAtomically(#"{"cart": {"lines": 7, "lifetime": "9s"}, "data": "there"}"#, to: "\(folder)/a.json")
        let json = try ConfigurationFile.read("\(folder)/a.json")
        #expect(json == ["cart.lines": "7", "cart.lifetime": "9s", "data": "there"])
        try Files.writeAtomically("# a comment\n\ncart.lines = 7\ndata=\"a b\"\n", to: "\(folder)/a.conf")
        #expect(try ConfigurationFile.read("\(folder)/a.conf") == ["cart.lines": "7", "data": "a b"])
        for (name, text) in [("b.json", "[1]"), ("c.json", "{"), ("d.json", #"{"a": [1]}"#), ("e.conf", "nonsense\n")] {
            try Files.writeAtomically(text, to: "\(folder)/\(name)")
            #expect(throws: ConfigurationError.self) { try ConfigurationFile.read("\(folder)/\(name)") }
        }
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.read("\(folder)/none.json") }
    }

    @Test(arguments: [("upp", "up"), ("restrat", "restart"), ("trcaes", "traces"), ("cofnig", "config")])
    func `a slip of the keyboard is recognised`(written: String, meant: String) {
        #expect(Spelling.nearest(to: written, among: Command.all.map(\.name)) == meant)
    }

    @Test func `something else altogether is not`() {
        #expect(Spelling.nearest(to: "frobnicate", among: Command.all.map(\.name)) == nil)
    }

    @Test func `a password in a URL is not shown`() {
        #expect(URLText.redacted("postgres://app:hunter2@db/shop") == "postgres://app:[redacted]@db/shop")
        #expect(URLText.redacted("redis://127.0.0.1:6379") == "redis://127.0.0.1:6379")
    }
}
