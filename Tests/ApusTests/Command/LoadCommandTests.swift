import ApusCore
import ApusLoad
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import Apus

/// `load` as its users call it: what it answers, where, and with which exit code.
///
/// What a machine's noise could decide is not asked: requirements are loose where they shall hold, and impossible where not.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct LoadCommandTests {
    /// A run that takes half a second and holds on any machine.
    private static let brief = ["load", "--rate", "20", "--duration", "500ms", "--require", "p99=10s"]

    private static func report(_ text: String) throws -> LoadReport {
        try JSONDocument.decode(LoadReport.self, from: Array(text.utf8))
    }

    @Test func `a run that keeps what was asked answers with one document and code 0`() async throws {
        try await withSystem { system in
            let run = try await system.command(Self.brief + ["greetings", "--require", "errors=0%", "--json"])
            #expect(run.code == 0, "\(run.errors)")
            // The whole of standard output is the document: what happened meanwhile is on standard error.
            let report = try Self.report(run.output)
            #expect(report.scenario == "greetings" && report.loop == "open")
            #expect(report.all.requests > 0 && report.all.failed == 0)
            #expect(report.kinds.map(\.name) == ["GET /hello/{name}"])
            #expect(report.thresholds.map(\.holds) == [true, true])
            #expect(report.target == "http://\(try system.shop)")
            #expect(run.errors.contains("greetings"))
        }
    }

    @Test func `a person reads the same as text, and a list of what there is to load with`() async throws {
        try await withSystem(["--one-process"]) { system in
            let run = try await system.command(Self.brief)
            #expect(run.code == 0, "\(run.errors)")
            #expect(run.output.contains("greetings: ") && run.output.contains("P99"))
            #expect(throws: (any Error).self) { try Self.report(run.output) }
            let list = try await system.command(["load", "--list"])
            #expect(list.code == 0)
            #expect(list.output.contains("greetings") && list.output.contains("20/s"))
            #expect(list.output.contains("notes"))
        }
    }

    private static let senseless: [(words: [String], says: String)] = [
        (["nothing"], "declares no load"), (["greeting"], "did you mean greetings?"), (["--rat", "3"], "--rate"),
        (["--rate", "0"], "--rate takes a number"), (["--rate", "fast"], "--rate takes a number"),
        (["--duration", "-1s"], "--duration takes a time"), (["--duration", "soon"], "--duration takes a time"),
        (["--require", "p99"], "--require takes"), (["--require", "p42=1s"], "--require takes"),
        (["--find-limit", "speed=1"], "--find-limit takes"), (["--shape", "hill"], "--shape takes"),
        (["--arrivals", "late"], "--arrivals takes"), (["--loops", "1000"], "--loops"),
        (["--closed", "2", "--find-limit", "p99=1s"], "without --closed"), (["greetings", "notes"], "does not take"),
    ]

    @Test func `a command line that makes no sense is refused in words, with code 2`() async throws {
        try await withSystem(["--one-process"]) { system in
            for (words, says) in Self.senseless {
                let run = try await system.command(["load"] + words)
                #expect(run.code == 2, "\(words)")
                #expect(run.output.isEmpty, "\(words)")
                #expect(run.errors.contains(says), "\(words): \(run.errors)")
            }
        }
    }

    @Test func `what was asked and not kept is code 3, and the document says which`() async throws {
        try await withSystem(["--one-process"]) { system in
            let slow = try await system.command(Self.brief + ["--require", "p50=1us", "--json"])
            #expect(slow.code == 3)
            let report = try Self.report(slow.output)
            #expect(report.thresholds.map(\.holds) == [true, false])
            #expect(report.thresholds.last?.threshold.hasPrefix("p50=") == true)
            let absent = ["--url", "http://\(try system.shop)/nowhere"]
            let lost = try await system.command(Self.brief + absent + ["--require", "errors=0%", "--json"])
            #expect(lost.code == 3)
            #expect(try Self.report(lost.output).all.statuses["4xx"] ?? 0 > 0)
        }
    }

    @Test func `books that balance are in the report, and those that do not are code 3`() async throws {
        try await withSystem { system in
            let good = try await system.command(Self.brief + ["notes", "--json"])
            #expect(good.code == 0, "\(good.errors)")
            #expect(try Self.report(good.output).findings.map(\.holds) == [true])
            let client = Client(try system.shop, on: system.loop)
            defer { client.close() }
            _ = try await client.send(ClientRequest(.put, "/notes/1", body: Array("another".utf8)))
            let bad = try await system.command(Self.brief + ["notes", "--json"])
            #expect(bad.code == 3)
            #expect(try Self.report(bad.output).findings.map(\.detail) == ["another"])
        }
    }

    @Test func `nothing to load, nothing that answers and somebody else's machine are failures`() async throws {
        try await withSystem(["--one-process"]) { system in
            let nowhere = try await system.command(["load", "--data", "\(system.scratch.data)-none"])
            #expect(nowhere.code == 1)
            #expect(nowhere.errors.contains("no system runs on"))
            let books = try await system.command(["load", "notes", "--data", "\(system.scratch.data)-none"])
            #expect(books.code == 1)
            let remote = try await system.command(["load", "--url", "http://192.0.2.1:80/"])
            #expect(remote.code == 1)
            #expect(remote.errors.contains("--allow-remote"))
            // A port that was just given back: nobody listens there.
            let address = try Self.freeAddress(on: system.loop)
            let silent = try await system.command(Self.brief + ["--url", "http://\(address)/", "--json"])
            #expect(silent.code == 3)
            #expect(try Self.report(silent.output).invalid == ["no request was answered"])
        }
    }

    private static func freeAddress(on loop: EventLoop) throws -> SocketAddress {
        let listener = try Listener(at: .loopback(port: 0), on: loop)
        defer { listener.close() }
        return listener.address
    }

    @Test func `a run is kept as document and page, and compared with the next`() async throws {
        try await withSystem(["--one-process"]) { system in
            let (saved, page) = ("\(system.scratch.data).report.json", "\(system.scratch.data).report.html")
            let first = try await system.command(Self.brief + ["--save", saved, "--report", page, "--json"])
            #expect(first.code == 0, "\(first.errors)")
            #expect(try Files.readText(saved, bytesMax: 1 << 20) == first.output)
            let alone = try Files.readText(page, bytesMax: 1 << 20)
            #expect(alone.hasPrefix("<!doctype html>") && alone.contains("<svg"))
            #expect(!alone.contains("<script") && !alone.contains("src="))
            let second = try await system.command(Self.brief + ["--compare", saved, "--report", page])
            #expect(second.code == 0, "\(second.errors)")
            #expect(second.output.contains("COMPARED"))
            #expect(try Files.readText(page, bytesMax: 1 << 20) != alone)
            for text in ["{}", "no document"] {
                try Files.writeAtomically(text, to: saved, mode: 0o600)
                let third = try await system.command(Self.brief + ["--compare", saved])
                #expect(third.code == 1)
                #expect(third.errors.contains("is no report"))
            }
        }
    }

    @Test func `a limit that no rate keeps is code 3, and the document says what was tried`() async throws {
        try await withSystem(["--one-process"]) { system in
            let absent = ["--url", "http://\(try system.shop)/nowhere"]
            let run = try await system.command(
                ["load", "--find-limit", "errors=0%", "--rate", "1", "--duration", "200ms", "--json"] + absent
            )
            #expect(run.code == 3)
            let limit = try #require(try Self.report(run.output).limit)
            #expect(limit.knee == 0 && limit.confidence == "low" && limit.requirements == ["errors=0%"])
            #expect(limit.steps.count >= 2 && limit.steps.allSatisfy { !$0.holds })
        }
    }
}
