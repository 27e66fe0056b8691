import ApusCore
import Testing

@testable import Apus

@Suite struct ArgumentsTests {
    private let settings = PlatformSettings().declarations

    private func parse(_ words: [String], _ command: Command = .up) throws(UsageError) -> Arguments {
        try Arguments(words, for: command, settings: settings)
    }

    @Test func `flags, settings and operands are told apart`() throws {
        let up = try parse(["--port", "0", "--one-process", "--replicas=a=2", "--replicas", "b=3", "--log-level=debug"])
        #expect(up.settings == ["port": "0", "log-level": "debug"])
        #expect(up.options == ["one-process": [""], "replicas": ["a=2", "b=3"]])
        let restart = try parse(["orders/0", "--json"], .restart)
        #expect(restart.operands == ["orders/0"])
        #expect(restart.has("json"))
    }

    @Test(arguments: [
        (["--prot", "1"], "did you mean --port?"), (["--port"], "needs a value"), (["--json=1"], "takes no value"),
        (["--port", "1", "--port", "2"], "given twice"), (["stray"], "does not take"), (["-p"], "does not take"),
    ])
    func `what a command does not take is said in one line`(words: [String], part: String) {
        let error = #expect(throws: UsageError.self) { try parse(words) }
        #expect(error?.description.contains(part) == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func `every command has help with an example, and all but serve and help speak JSON`() {
        let help = HelpText(system: "shop", summary: "A shop.", settings: settings)
        for command in Command.all {
            #expect(help.text(command).contains("Example:\n  shop \(command.name)"))
            #expect(help.overview.contains(command.summary))
            if command.name != "help" && command.name != "serve" {
                #expect(command.options.contains { $0.name == "json" })
            }
        }
    }

    @Test func `a promotion names its shard, and goes with no other wish`() throws {
        func work(_ words: [String]) throws(UsageError) -> StoreCommand.Wish.Work {
            try StoreCommand.Wish(try parse(words, .store)).work
        }
        #expect(try work(["promote", "--shard", "2"]) == .promote(2, isPlanned: false, isForced: false))
        #expect(try work(["promote", "--shard=0", "--planned"]) == .promote(0, isPlanned: true, isForced: false))
        #expect(try work(["promote", "--shard=0", "--force"]) == .promote(0, isPlanned: false, isForced: true))
        for words in [
            ["promote"], ["promote", "--shard", "x"], ["promote", "--shard=-1"], ["promote", "--shard=0", "--back"],
            ["promote", "--shard=0", "--dry-run"], ["promote", "--shard=0", "--into", "/x"], ["status", "--shard=0"],
            ["reshard", "--back", "--force"],
        ] {
            #expect(throws: UsageError.self, "\(words)") { try work(words) }
        }
    }

    @Test func `a secret is listed by its variable, not as a flag`() {
        let key = Setting<Secret<String>?>(wrappedValue: nil, "mail.key", "The key.")
        let text = HelpText(system: "shop", summary: "", settings: [key.declaration]).text(.up)
        #expect(text.contains("MAIL_KEY"))
        #expect(!text.contains("--mail-key"))
    }
}
