import Testing

/// A rule is trusted once it was seen failing: each gets a sample it must find and one it must leave alone.
@Suite struct RuleTests {
    private func tree(_ path: String, _ text: String) -> Tree { Tree([path: text]) }
    private func found(_ findings: [Finding]) -> [Int] { findings.map(\.line) }

    @Test(arguments: [
        ("Sources/ApusCore/A.swift", "import ApusRuntime", 1),
        ("Sources/ApusCache/A.swift", "public import ApusStore", 1),
        ("Sources/ApusHTTP/A.swift", "@preconcurrency import Apus", 1),
        ("Sources/Bazaar/A.swift", "import ApusTesting", 1),
        ("Sources/ApusCache/A.swift", "import CSQLite", 1),
        ("Sources/Nobody/A.swift", "import ApusCore", 1),
        ("Sources/ApusHTTP/A.swift", "import ApusRuntime", 0),
        ("Sources/ApusStore/A.swift", "internal import CSQLite", 0),
        ("Sources/ApusCore/A.swift", "// import ApusRuntime", 0),
        ("Sources/ApusCore/A.swift", "import struct Foundation.Data", 0),
    ])
    func `a wrong import is found`(path: String, text: String, count: Int) {
        #expect(wrongImports(in: tree(path, text)).count == count)
    }

    @Test func `a wrong arrow in the manifest is found`() {
        let manifest = """
            .target(name: "ApusCore", dependencies: ["CLinux"], swiftSettings: strict),
            .target(
                name: "ApusCache",
                dependencies: [
                    "ApusCore", "ApusStore",
                ]
            ),
            .testTarget(name: "ApusCoreTests", dependencies: ["ApusCore", "Apus"]),
            """
        let sample = tree("Package.swift", manifest)
        #expect(wrongDependencies(in: sample).map(\.what) == ["ApusCache imports ApusStore: arrows point down only"])
        #expect(manifestTargets(in: sample).map(\.name) == ["ApusCore", "ApusCache", "ApusCoreTests"])
    }

    @Test(arguments: [
        "let a = try! b()", "try await Task.sleep(for: .seconds(1))", "@MainActor func a() {}", "fatalError()",
        "let now = Date()", "DispatchQueue.main",
    ])
    func `a forbidden word is found in product code only`(line: String) {
        let text = "// try! is forbidden\nlet text = \"try! fatalError()\"\n\(line)\n/* @MainActor */\n"
        #expect(found(forbiddenWords(in: tree("Sources/Apus/A.swift", text))) == [3])
        #expect(forbiddenWords(in: tree("Tests/ApusTests/A.swift", text)).isEmpty)
    }

    @Test func `fatalError with a reason is left alone`() {
        #expect(forbiddenWords(in: tree("Sources/Apus/A.swift", "fatalError(\"unreachable: checked above\")")).isEmpty)
    }

    @Test func `an environment read is found outside its files`() {
        let text = "let a = getenv(\"PORT\")\nlet b = ProcessInfo.processInfo.environment\n"
        #expect(found(environmentReads(in: tree("Sources/Apus/Configuration.swift", text))) == [1, 2])
        #expect(environmentReads(in: tree("Sources/Apus/Configuration+Environment.swift", text)).isEmpty)
    }

    @Test func `a system call is found outside its layers`() {
        let text = "let fd = apus_socket(2, 1)\napus_relaxed_add(cell, 1)\n"
        #expect(found(systemCallsElsewhere(in: tree("Sources/ApusCache/A.swift", text))) == [1])
        #expect(systemCallsElsewhere(in: tree("Sources/ApusRuntime/A.swift", text)).isEmpty)
    }

    @Test func `an unexplained promise is found`() {
        let bare = "final class A: @unchecked Sendable {}\n"
        #expect(found(unexplainedPromises(in: tree("Sources/Apus/A.swift", bare))) == [1])
        #expect(unexplainedPromises(in: tree("Sources/Apus/A.swift", "// Guarded by `lock`.\n" + bare)).isEmpty)
    }

    @Test func `a long file is found`() {
        let long = String(repeating: "let a = 1\n", count: linesMax + 1)
        #expect(longFiles(in: tree("Sources/Apus/A.swift", long)).count == 1)
        #expect(longFiles(in: tree("Sources/Apus/A.swift", "let a = 1\n")).isEmpty)
    }

    @Test func `unfinished work and strange paths are found`() {
        #expect(found(unfinishedWork(in: tree("Sources/Apus/A.swift", "let a = 1\n// TO" + "DO: later"))) == [2])
        #expect(found(strangePaths(in: tree("README.md", "see ../" + "shared/notes.md"))) == [1])
        #expect(found(strangePaths(in: tree("apus", "cd /work" + "/main"))) == [1])
    }

    @Test func `stray folders and empty targets are found`() {
        let sample = Tree([
            "Package.swift": ".target(name: \"Empty\")", "Sources/Stray/A.swift": "",
        ])
        #expect(strayFolders(in: sample).map(\.path) == ["Stray", "Empty"])
    }

    @Test func `a dead link is found, with its line`() {
        let text = "[a](b.md)\n[web](https://example.org)\n[here](#top)\n[c](../d.md#part)\n```\n[x](y.md)\n```\n"
        let findings = deadLinks(in: tree("Documentation/page.md", text)) { $0 == "d.md" }
        #expect(findings.map(\.description) == ["Documentation/page.md:1: b.md leads nowhere"])
    }

    @Test func `a broken decision record is found`() {
        let whole = "# A\n## Context\n## Decision\n## Consequences\n"
        let sample = Tree(files: [
            TextFile(path: "Documentation/decisions/0001-a.md", text: whole),
            TextFile(path: "Documentation/decisions/0003-b.md", text: whole),
            TextFile(path: "Documentation/decisions/0003-c.md", text: "# C\n## Context\n## Decision\n"),
        ])
        #expect(brokenDecisions(in: sample).map(\.path) == sample.files.dropFirst().map(\.path))
    }

    @Test func `targets and packages nobody accounts for are found`() {
        let manifest = ".systemLibrary(name: \"CFoo\", providers: [.apt([\"libfoo-dev\"])])"
        let sample = Tree(["Package.swift": manifest, "Scripts/common.sh": "(libbar-dev)"])
        #expect(unknownTargets(in: sample).count == 1)
        #expect(forgottenPackages(in: sample).count == 2)
    }

    @Test func `comments and strings are blanked, code is kept`() {
        let swift = SwiftCode("a /* b /* c */ d */ e // f\n\"g \\\" h\" i\n\"\"\"\nj\n\"\"\" k")
        #expect(swift.code == ["a  e ", "\"\" i", "\"\"", "", " k"])
        #expect(swift.hasComment == [true, false, false, false, false])
    }
}
