import ApusCore
import ApusDashboard
import ApusHTTP
import ApusRuntime
import Glibc
import Testing

@testable import Apus

@Suite(.serialized, .timeLimit(.minutes(5)))
struct SupervisorTests {
    @Test(arguments: [[], ["--one-process"]])
    func `a system serves from edge to store, and says where everything is`(mode: [String]) async throws {
        try await withSystem(mode + ["--test-greeting=Good day"]) { system in
            let report = try #require(system.report, "\(system.errors)")
            #expect(report.parts.map(\.name) == ["echo", "web", "edge"])
            #expect(report.parts.map(\.replicas) == (mode.isEmpty ? [2, 2, 1] : [1, 1, 1]))
            #expect(report.blocks.map(\.name) == ["notes", "seen"])
            #expect(report.blocks[0].stockClient?.hasPrefix("sqlite3 ") == true)
            #expect(try await system.get("/hello/Ada").text == "Good day, Ada!")
            #expect(try await system.get("/notes/1").text == "first")
            #expect(try await system.get("/nowhere").status == .notFound)
            #expect(try await system.administer(.get, "/readyz").text == "ok\n")
            system.process.signal(SIGTERM)
            #expect(await system.ends(within: .seconds(20))?.code == 0)
            let pids = report.parts.flatMap(\.pids)
            #expect(pids.allSatisfy { !RunningSystem.isAlive($0) })
        }
    }

    @Test func `a replica that is killed serves again within 2 s, and requests go on`() async throws {
        try await withSystem { system in
            let report = try #require(system.report)
            var times: [Duration] = []
            for part in ["echo", "web"] {
                let victim = try #require(report.parts.first { $0.name == part }?.pids.first)
                kill(victim, SIGKILL)
                let killed = system.loop.preciseNow()
                var answered = 0
                let isBack = try await system.eventually(within: .seconds(20)) {
                    // Reading twice does no harm, so the edge and the caller may try another replica.
                    #expect(try await system.get("/hello/Ada").status == .ok)
                    answered += 1
                    let replicas = try await system.parts().filter { $0.name == part }
                    return replicas.allSatisfy { $0.state == "ready" && $0.pid != victim }
                }
                #expect(isBack)
                times.append(system.loop.preciseNow() - killed)
                #expect(answered > 0)
                #expect(try await system.parts().filter { $0.name == part }.map(\.restarts).sorted() == [0, 1])
            }
            // The tests beside this one use the cores too.
            #expect(try #require(times.min()) < .seconds(2), "\(times.map(\.seconds))")
        }
    }

    @Test func `the edge that is killed is back on the same port, and nobody is refused meanwhile`() async throws {
        try await withSystem { system in
            let victim = try #require(system.report?.parts.first { $0.name == "edge" }?.pids.first)
            kill(victim, SIGKILL)
            #expect(try await system.eventually(within: .seconds(10)) { !RunningSystem.isAlive(victim) })
            #expect(try await system.get("/hello/Ada", within: .seconds(5)).status == .ok)
        }
    }

    @Test(arguments: [[], ["--one-process"]])
    func `nothing is left running when the supervisor is killed`(mode: [String]) async throws {
        try await withSystem(mode) { system in
            let pids = try #require(system.report).parts.flatMap(\.pids)
            system.process.signal(SIGKILL)
            _ = await system.process.wait()
            #expect(
                try await system.eventually(within: .seconds(10)) { pids.allSatisfy { !RunningSystem.isAlive($0) } }
            )
            // And the folder is free again, with its data.
            let again = try await RunningSystem(mode, scratch: system.scratch, on: system.loop)
            #expect(again.report != nil, "\(again.errors)")
            await again.tearDown()
        }
    }

    @Test func `a drain lets the running request finish, then ends with 0`() async throws {
        try await withSystem { (system: RunningSystem) async throws -> Void in
            let slow = Task(executorPreference: system.loop) { try await system.get("/slow/1500").text }
            let arrived = try await system.eventually(within: .seconds(20)) {
                try await system.get("/notes/1500").text == "waiting"
            }
            #expect(arrived)
            system.process.signal(SIGTERM)
            let text = try await slow.value
            #expect(text == "done")
            let exit = await system.ends(within: .seconds(20))
            #expect(exit?.code == 0)
            let late = try? await system.get("/hello/Ada")
            #expect(late == nil)
        }
    }

    @Test(arguments: [[], ["--one-process"]])
    func `with drain delay the system serves on, and says on readyz that it will not for long`(
        mode: [String]
    ) async throws {
        try await withSystem(mode + ["--drain-delay=10s"]) { (system: RunningSystem) async throws -> Void in
            #expect(try await system.get("/readyz").status == .ok)
            system.process.signal(SIGTERM)
            let isSaid = try await system.eventually(within: .seconds(9)) {
                try await system.get("/readyz").status == .serviceUnavailable
            }
            #expect(isSaid)
            #expect(try await system.administer(.get, "/readyz").status == .serviceUnavailable)
            #expect(try await system.get("/hello/Ada").status == .ok)
            // Who does not want to wait says so once more.
            system.process.signal(SIGTERM)
            #expect(await system.ends(within: .seconds(5))?.code == 128 + SIGTERM)
        }
        try await withSystem(mode + ["--drain-delay=100ms"]) { system in
            system.process.signal(SIGTERM)
            #expect(await system.ends(within: .seconds(20))?.code == 0)
        }
    }

    @Test func `SIGHUP to a system in one process says that there is nothing to restart, and changes nothing`()
        async throws
    {
        try await withSystem(["--one-process"]) { (system: RunningSystem) async throws -> Void in
            system.process.signal(SIGHUP)
            #expect(try await system.eventually(within: .seconds(5)) { system.errorsNow.contains("SIGHUP") })
            #expect(system.errorsNow.split(separator: "\n").count { $0.contains("SIGHUP") } == 1, "\(system.errorsNow)")
            #expect(try await system.get("/hello/Ada").status == .ok)
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a second signal ends everything now`(signal: Int32) async throws {
        try await withSystem { system in
            let pids = try #require(system.report).parts.flatMap(\.pids)
            let slow = Task(executorPreference: system.loop) { try? await system.get("/slow/20000") }
            let arrived = try await system.eventually(within: .seconds(20)) {
                try await system.get("/notes/20000").text == "waiting"
            }
            #expect(arrived)
            system.process.signal(signal)
            #expect(try await system.eventually(within: .seconds(20)) { system.errorsNow.contains("draining") })
            system.process.signal(signal)
            #expect(await system.ends(within: .seconds(15))?.code == 128 + signal)
            #expect(
                try await system.eventually(within: .seconds(10)) { pids.allSatisfy { !RunningSystem.isAlive($0) } }
            )
            _ = await slow.value
        }
    }

    @Test func `a rolling restart under load fails no request`() async throws {
        try await withSystem { system in
            let before = Set(try #require(system.report).parts.flatMap(\.pids))
            let loop = system.loop
            let shop = try system.shop
            let isOver = Lock(false)
            let load = (0..<4).map { _ in
                Task(executorPreference: loop) {
                    let client = Client(shop, on: loop)
                    defer { client.close() }
                    var count = 0
                    while !isOver.withLock({ $0 }) {
                        let response = try await client.send(ClientRequest(.get, "/hello/Ada"))
                        guard response.status == .ok else { throw CallFailed(status: Int(response.status.code)) }
                        count += 1
                    }
                    return count
                }
            }
            system.process.signal(SIGHUP)
            let isDone = try await system.eventually(within: .seconds(30)) {
                let parts = try await system.parts()
                return parts.allSatisfy { $0.restarts == 1 && $0.state == "ready" }
                    && before.allSatisfy { !RunningSystem.isAlive($0) }
            }
            #expect(isDone, "\(system.errorsNow)")
            isOver.withLock { $0 = true }
            for one in load { #expect(try await one.value > 0) }
        }
    }
    private struct CallFailed: Error { let status: Int }

    @Test func `a part is stopped, started and restarted by the administration and the command line`() async throws {
        try await withSystem { system in
            let stopped = try await system.command(["stop", "echo/1"])
            #expect(stopped.code == 0, "\(stopped.errors)")
            #expect(try await system.parts().first { $0.name == "echo" && $0.replica == 1 }?.state == "stopped")
            #expect(try await system.get("/hello/Ada").status == .ok)
            #expect(try await system.command(["start", "echo/1"]).code == 0)
            let bearer = [(name: "Authorization", value: "Bearer \(system.token)")]
            #expect(try await system.administer(.post, "/api/parts/web/0/restart", fields: bearer).status == .ok)
            let ps = try await system.command(["ps"])
            #expect(ps.output.contains("web/0") && ps.output.contains("ready"))
            #expect(try await system.parts().first { $0.name == "web" }?.restarts == 1)
            let unknown = try await system.command(["restart", "nobody"])
            #expect(unknown.code == 1 && unknown.errors.contains("no part nobody"))
            #expect(try await system.command(["stop"]).code == 0)
            #expect(await system.ends(within: .seconds(20))?.code == 0)
            let gone = try await system.command(["ps"])
            #expect(gone.code == 1 && gone.errors.contains("no system runs"))
        }
    }

    @Test func `a replica is killed on purpose, and comes back`() async throws {
        try await withSystem { system in
            let killed = try await system.command(["kill", "echo/1", "--reason", "a drill"])
            #expect(killed.code == 0, "\(killed.errors)")
            let isBack = try await system.eventually(within: .seconds(20)) {
                let parts = try await system.parts().filter { $0.name == "echo" }
                return parts.map(\.restarts).sorted() == [0, 1] && parts.allSatisfy { $0.state == "ready" }
            }
            #expect(isBack, "\(system.errorsNow)")
            #expect(try await system.get("/hello/Ada").status == .ok)
            #expect(try await system.command(["stop", "echo/1"]).code == 0)
            let gone = try await system.command(["kill", "echo/1"])
            #expect(gone.code == 1 && gone.errors.contains("echo/1 does not run"))
        }
    }

    @Test func `a change without the token, or from elsewhere, changes nothing`() async throws {
        try await withSystem { system in
            let port = try #require(try system.administration.port)
            let origin = (name: "Origin", value: "http://127.0.0.1:\(port)")
            let cookie = (name: "Cookie", value: "apus-\(port)=\(system.token)")
            let path = "/api/parts/web/0/restart"
            #expect(try await system.administer(.post, path).status == .unauthorized)
            #expect(try await system.administer(.post, path, fields: [cookie]).status == .forbidden)
            let evil = (name: "Origin", value: "http://evil.example")
            #expect(try await system.administer(.post, path, fields: [cookie, evil]).status == .forbidden)
            #expect(try await system.administer(.post, "/api/stop", fields: [origin]).status == .unauthorized)
            #expect(try await system.administer(.get, "/?token=wrong").status == .unauthorized)
            #expect(try await system.parts().allSatisfy { $0.restarts == 0 })
            let page = try await system.administer(.get, "/", fields: [cookie])
            #expect(page.text.contains("data-change=\"yes\""))
            #expect(try await system.administer(.get, "/").text.contains("data-change=\"no\""))
            #expect(try await system.administer(.post, path, fields: [cookie, origin]).status == .ok)
        }
    }

    @Test func `one request's spans are gathered from the processes it went through`() async throws {
        try await withSystem { system in
            #expect(try await system.get("/hello/Ada").status == .ok)
            // A span ends after the answer it is about, so it may come a moment later than the answer.
            var found: TraceSummary?
            _ = try await system.eventually(within: .seconds(20)) {
                let latest = try await system.administer(.get, "/api/traces")
                let roots = try JSONDocument.decode([String: [TraceSummary]].self, from: latest.body)["traces"] ?? []
                found = roots.first { $0.part == "edge/0" && $0.parts.contains("web") }
                return found != nil
            }
            let root = try #require(found)
            let trace = try await system.administer(.get, "/api/traces/\(root.trace)")
            let spans = try JSONDocument.decode([String: [SpanFact]].self, from: trace.body)["spans"] ?? []
            let parts = Set(spans.map { $0.part.prefix { $0 != "/" } })
            #expect(parts.isSuperset(of: ["edge", "web"]))
            #expect(try await system.administer(.get, "/api/traces/xyz").status == .badRequest)
            let none = String(repeating: "0", count: 31) + "1"
            #expect(try await system.administer(.get, "/api/traces/\(none)").status == .notFound)
            let metrics = try await system.administer(.get, "/metrics").text
            #expect(metrics.contains("http_server_requests_total{part=\"web\",replica=\"0\""))
            #expect(metrics.contains("process_cpu_seconds_total{part=\"supervisor\""))
        }
    }

    @Test func `the dashboard draws what passes, and a part is scaled with its reason kept`() async throws {
        try await withSystem { system in
            _ = try await system.eventually(within: .seconds(20)) {
                _ = try await system.get("/hello/Ada")
                let top = try await system.command(["top", "--json"])
                let picture = try JSONDocument.decode(Picture.self, from: top.output.utf8)
                let rates = picture.arrows.filter { $0.rate > 0 }.map { "\($0.from)>\($0.to)" }
                return rates.contains("clients>edge") && rates.contains("edge>web")
            }
            let scaled = try await system.command(["scale", "web=3", "--reason", "more to do"])
            #expect(scaled.code == 0, "\(scaled.errors)")
            #expect(try await system.parts().count { $0.name == "web" && $0.state == "ready" } == 3)
            #expect(try await system.command(["scale", "web=1", "--reason", "less to do"]).code == 0)
            #expect(try await system.parts().count { $0.name == "web" } == 1)
            #expect(try await system.get("/hello/Ada").status == .ok)
            let lines = try await system.command(["logs", "reason=more", "to", "do"]).output
            #expect(lines.contains("scale to 3: web") && !lines.contains("less"))
            #expect(try await system.command(["scale", "edge=2"]).code == 1)
            let file = system.scratch.data + ".apus-session"
            #expect(try await system.command(["session", "save", file]).code == 0)
            let opened = try await system.command(["session", "open", file])
            #expect(opened.code == 0, "\(opened.errors)")
            try Files.remove(file)
        }
    }

    // MARK: What cannot start

    private func refusal(
        _ words: [String],
        environment: [String: String] = [:],
        code: Int32 = 1
    ) async throws -> String {
        let line = Lock("")
        try await withSystem(words, environment: environment) { system in
            #expect(system.report == nil)
            #expect(await system.process.wait().code == code)
            line.withLock { $0 = system.errors }
        }
        return line.withLock { $0 }
    }

    @Test(arguments: ["echo", "web", "setup"])
    func `a part that cannot start is named with its reason, and the system ends with 1`(part: String) async throws {
        let errors = try await refusal(["--test-fails=\(part)"])
        let lines = errors.split(separator: "\n").filter { $0.hasPrefix("testsystem: ") }
        #expect(lines.count == 1, "\(errors)")
        #expect(lines.last?.contains("\(part)/") == true && lines.last?.contains("broken on purpose") == true)
    }

    @Test func `a port in use is said in one line that names the fix`() async throws {
        try await withSystem { system in
            let port = try #require(try system.shop.port)
            for flag in ["--port", "--dashboard-port"] {
                let other = try await RunningSystem(["\(flag)=\(port)"], on: system.loop)
                #expect(await other.process.wait().code == 1)
                #expect(other.errors.contains("port \(port) is in use"), "\(other.errors)")
                #expect(other.errors.contains(flag))
                #expect(other.errors.split(separator: "\n").count == 1)
            }
        }
    }

    @Test func `a second system on one folder is told which process holds it`() async throws {
        try await withSystem { system in
            let other = try await RunningSystem(scratch: system.scratch, on: system.loop)
            #expect(await other.process.wait().code == 1)
            let pid = try #require(system.report).pid
            #expect(other.errors.contains("in use by process \(pid)"), "\(other.errors)")
        }
    }

    @Test func `a flag that is none, a setting out of range and a strange variable end with a line`() async throws {
        #expect(try await refusal(["--prot=1"], code: 2).contains("did you mean --port?"))
        #expect(try await refusal(["--port=70000"]).contains("--port is \"70000\"; accepted: 0 to 65535"))
        #expect(try await refusal([], environment: ["APUS_LOPS": "1"]).contains("did you mean APUS_LOOPS?"))
        #expect(try await refusal([], environment: ["LOG_LEVEL": "loud"]).contains("LOG_LEVEL"))
    }

    @Test func `the data is kept from one start to the next, and gone with --fresh`() async throws {
        try await withSystem { system in
            let client = Client(try system.shop, on: system.loop)
            let put = try await client.send(ClientRequest(.put, "/notes/5", body: Array("kept".utf8)))
            #expect(put.status == .noContent)
            client.close()
            system.process.signal(SIGTERM)
            #expect(await system.ends(within: .seconds(20))?.code == 0)
            let again = try await RunningSystem(["--one-process"], scratch: system.scratch, on: system.loop)
            #expect(try await again.get("/notes/5").text == "kept")
            again.process.signal(SIGTERM)
            #expect(await again.ends(within: .seconds(20))?.code == 0)
            let fresh = try await RunningSystem(["--fresh"], scratch: system.scratch, on: system.loop)
            #expect(try await fresh.get("/notes/5").text == "none")
            await fresh.tearDown()
        }
    }
}
