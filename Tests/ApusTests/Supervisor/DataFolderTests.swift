import ApusCore
import ApusRuntime
import Testing

@testable import Apus

/// A folder of a test, removed at its end.
final class Scratch: Sendable {
    let path = "/tmp/apus-\(SecureRandom.token(bits: 64))"
    var data: String { "\(path)/data" }
    init() throws { try Files.makeFolder(path) }
    deinit { try? Files.remove(path) }

    func write(_ text: String, _ name: String) throws { try Files.writeAtomically(text, to: "\(data)/\(name)") }
    func read(_ name: String) throws -> String { try Files.readText("\(data)/\(name)") }
}

@Suite struct DataFolderTests {
    let scratch: Scratch
    init() throws { scratch = try Scratch() }

    private func take(
        fresh: Bool = false,
        system: String = "shop",
        version: Int = 1,
        _ migrations: [DataFolder.Migration] = []
    ) throws -> DataFolder {
        try DataFolder.take(scratch.data, system: system, isFresh: fresh, version: version, migrations: migrations)
    }

    private func refusal(_ body: () throws -> DataFolder) -> String {
        do {
            _ = try body()
            return ""
        } catch {
            let line = "\(error)"
            #expect(!line.contains("\n"))
            return line
        }
    }

    @Test func `a new folder is closed to others and says whose it is`() throws {
        let folder = try take()
        #expect(Files.status(folder.path)?.mode == 0o700)
        let marker = try JSONDocument.decode(DataFolder.Marker.self, from: try scratch.read("apus-data.json").utf8)
        #expect(marker == DataFolder.Marker(version: 1, system: "shop"))
    }

    @Test func `a folder that others may enter is closed to them`() throws {
        try Files.makeFolder(scratch.data, mode: 0o755)
        _ = try take()
        #expect(Files.status(scratch.data)?.mode == 0o700)
    }

    @Test func `a folder with files of others is refused, and --fresh leaves it alone`() throws {
        try Files.makeFolder(scratch.data)
        try scratch.write("mine", "thesis.txt")
        for fresh in [false, true] {
            #expect(refusal { try take(fresh: fresh) }.contains("was not made by Apus"))
        }
        #expect(try Files.list(scratch.data) == ["thesis.txt"])
    }

    @Test func `the data of another system is refused, and --fresh leaves it alone`() throws {
        try take(system: "bank").release()
        try scratch.write("much", "money")
        for fresh in [false, true] { #expect(refusal { try take(fresh: fresh) }.contains("\"bank\"")) }
        #expect(try scratch.read("money") == "much")
    }

    @Test func `--fresh empties a folder of ours`() throws {
        try take().release()
        try Files.makeFolder("\(scratch.data)/store-shop")
        try scratch.write("old", "store-shop/shard")
        _ = try take(fresh: true)
        #expect(try Files.list(scratch.data) == ["apus-data.json", "lock", "pid"])
    }

    @Test func `a second process tree is told who holds the folder`() throws {
        let first = try take()
        let line = refusal { try take() }
        #expect(line.contains("in use by process \(Program.pid)"))
        #expect(line.contains("--data"))
        first.release()
        _ = try take()
    }

    @Test func `a damaged marker and a file in the folder's place are said in one line`() throws {
        try take().release()
        try scratch.write("{", "apus-data.json")
        #expect(refusal { try take() }.contains("damaged"))
        try Files.remove(scratch.data)
        try Files.writeAtomically("", to: scratch.data)
        #expect(refusal { try take() }.contains("not a folder"))
    }

    @Test func `a newer format is refused by name`() throws {
        try take(version: 3).release()
        try scratch.write("kept", "note")
        let line = refusal { try take(version: 2) }
        #expect(line.contains("format 3") && line.contains("knows 2"))
        #expect(try scratch.read("note") == "kept")
    }

    /// A format whose notes were in capitals becomes one where they are not.
    private var lowering: [DataFolder.Migration] {
        [
            .init(from: 1) { folder in
                let text = try Files.readText("\(folder)/note")
                try Files.writeAtomically(text.lowercased(), to: "\(folder)/note")
            },
            .init(from: 2) { folder in try Files.writeAtomically("3", to: "\(folder)/added") },
        ]
    }

    @Test func `an older format is migrated step by step after a copy`() throws {
        try take().release()
        try scratch.write("LOUD", "note")
        _ = try take(version: 3, lowering)
        #expect(try scratch.read("note") == "loud")
        #expect(try scratch.read("added") == "3")
        #expect(try scratch.read("before-format-2/note") == "LOUD")
        let marker = try JSONDocument.decode(DataFolder.Marker.self, from: try scratch.read("apus-data.json").utf8)
        #expect(marker.version == 3)
    }

    @Test func `a migration that was interrupted starts again from the copy`() throws {
        try take().release()
        try scratch.write("LOUD", "note")
        let failing = [lowering[0], DataFolder.Migration(from: 2) { _ in throw SystemError("write", errno: 28) }]
        #expect(refusal { try take(version: 3, failing) }.contains("no space left"))
        #expect(try scratch.read("note") == "loud")
        // Had the first step run twice on its own result, it would have found no capitals to lower.
        var seen = ""
        let watching = [
            DataFolder.Migration(from: 1) { folder in try Files.writeAtomically("1", to: "\(folder)/first") },
            DataFolder.Migration(from: 2) { _ in },
        ]
        _ = try take(version: 3, watching)
        seen = try scratch.read("note")
        #expect(seen == "LOUD")
        #expect(try scratch.read("first") == "1")
    }

    @Test func `a format without a step to the next is refused`() throws {
        try take().release()
        #expect(refusal { try take(version: 2) }.contains("cannot read any more"))
    }
}
