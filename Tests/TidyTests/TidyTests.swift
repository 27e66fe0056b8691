import Foundation
import Testing

/// The rules of the house, read from the tree itself.
///
/// Each rule also has a sample it must find: see `RuleTests`.
@Suite struct TidyTests {
    let tree = Tree.repository

    private func holds(_ findings: [Finding], _ location: SourceLocation = #_sourceLocation) {
        #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))", sourceLocation: location)
    }

    @Test func `the tree was found and read`() {
        #expect(tree["Package.swift"] != nil)
        #expect(tree.product.count > 10)
        #expect(manifestTargets(in: tree).contains { $0.name == "ApusCore" && $0.dependencies == ["CLinux"] })
    }

    @Test func `arrows between targets point down only`() {
        holds(wrongImports(in: tree))
        holds(wrongDependencies(in: tree))
    }

    @Test func `every folder of code is a target and every target has code`() { holds(strayFolders(in: tree)) }
    @Test func `product code says nothing the style forbids`() { holds(forbiddenWords(in: tree)) }
    @Test func `the environment is read where configuration is read`() { holds(environmentReads(in: tree)) }
    @Test func `system calls stay in the layers that own them`() { holds(systemCallsElsewhere(in: tree)) }
    @Test func `unchecked promises say what keeps them`() { holds(unexplainedPromises(in: tree)) }
    @Test func `files can be read in a sitting`() { holds(longFiles(in: tree)) }
    @Test func `no work is left for later in a comment`() { holds(unfinishedWork(in: tree)) }
    @Test func `no path means something on one machine only`() { holds(strangePaths(in: tree)) }
    @Test func `decision records are numbered and whole`() { holds(brokenDecisions(in: tree)) }
    @Test func `the page on architecture names every target`() { holds(unknownTargets(in: tree)) }
    @Test func `every package is installed and accounted for`() { holds(forgottenPackages(in: tree)) }

    @Test func `no relative link is dead`() {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL
            .path
        holds(deadLinks(in: tree) { FileManager.default.fileExists(atPath: root + "/" + $0) })
    }

    @Test func `the smallest system has under 40 lines`() throws {
        let hello = tree.swift.filter { $0.path.hasPrefix("Examples/Hello/Sources/") }
        try #require(!hello.isEmpty)
        #expect(hello.map(\.lines.count).reduce(0, +) < 40)
    }
}
