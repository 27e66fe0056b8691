import ApusLoad
import BenchKit
import Foundation

/// A shop's data as the real year leaves it, from which shops are started: each begins with the same shelves.
struct ShopHome {
    private let program: String
    private let seed: URL
    private let scratch: Scratch

    /// Fills a shop with the real year of sales, and ends it.
    ///
    /// - Throws: ``BenchError`` where there is no Bazaar, or it does not start.
    init(scratch: Scratch) throws {
        guard let program = ProcessInfo.processInfo.environment["BENCH_BAZAAR"],
            FileManager.default.isExecutableFile(atPath: program)
        else { throw BenchError("BENCH_BAZAAR names no program: start this as ./apus bench shop") }
        self.program = program
        self.scratch = scratch
        seed = scratch.url.appending(path: "seed")
        say("filling a shop with the real year of sales")
        let shop = try ShopSystem(program, data: seed, mode: .oneProcess, on: .any, within: 600)
        shop.child.stop()
    }

    /// Starts a shop on a copy of the data.
    func start(_ mode: ShopMode, on core: Core = .any) throws -> ShopSystem {
        let data = scratch.url.appending(path: "\(mode.rawValue).data")
        try? FileManager.default.removeItem(at: data)
        try FileManager.default.copyItem(at: seed, to: data)
        return try ShopSystem(program, data: data, mode: mode, on: core, within: 120)
    }
}

/// A shop that runs.
struct ShopSystem {
    /// What it says when it is ready.
    private struct Ready: Decodable {
        struct Part: Decodable {
            let name: String
            let pids: [Int32]
        }
        let pid: Int32
        let url: String
        let dashboard: String
        let parts: [Part]
    }

    let child: Child
    let url: String
    /// Its processes by the names of their parts; the replicas of a part together.
    let processes: [String: [Int32]]
    private let program: String
    private let data: URL
    private let dashboard: String

    /// Starts it and waits until it serves.
    ///
    /// - Throws: ``BenchError``.
    init(_ program: String, data: URL, mode: ShopMode, on core: Core, within seconds: Double) throws {
        (self.program, self.data) = (program, data)
        let output = URL(filePath: data.path + ".json")
        child = try Child(
            [program, "up", "--json", "--data", data.path, "--port=0", "--dashboard-port=0"] + mode.words,
            on: core,
            output: output
        )
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
            if let begin = text.range(of: "\n{\n")?.lowerBound ?? (text.hasPrefix("{") ? text.startIndex : nil),
                let ready = try? JSONDecoder().decode(Ready.self, from: Data(text[begin...].utf8))
            {
                (url, dashboard) = (ready.url, ready.dashboard)
                processes =
                    mode == .oneProcess
                    ? ["bazaar": [ready.pid]]
                    : ready.parts.reduce(into: ["supervisor": [ready.pid]]) { $0[$1.name] = $1.pids }
                return
            }
            guard Date() < deadline, child.process.isRunning else {
                child.stop()
                throw BenchError("the shop did not start: \(text.suffix(2000))")
            }
            usleep(20_000)
        }
    }

    // MARK: Loading it

    /// Loads it as `./apus load` does.
    ///
    /// - Parameters:
    ///   - words: What else the command line says.
    ///   - watch: Called some times a second while the run goes on.
    /// - Returns: The report.
    /// - Throws: ``BenchError`` where there is none.
    func load(_ words: [String], watch: () throws -> Void = {}) throws -> LoadReport {
        let file = URL(filePath: data.path + ".load.json")
        let log = URL(filePath: data.path + ".load.log")
        try? FileManager.default.removeItem(at: file)
        let load = try Child(
            [program, "load", "shopping", "--data", data.path, "--save", file.path] + words,
            output: log
        )
        defer { load.stop() }
        while load.process.isRunning {
            try watch()
            usleep(200_000)
        }
        guard let document = try? Data(contentsOf: file) else {
            throw BenchError("no load: \((try? String(contentsOf: log, encoding: .utf8))?.suffix(2000) ?? "")")
        }
        return try JSONDecoder().decode(LoadReport.self, from: document)
    }

    // MARK: Looking at it

    /// CPU time of each part so far, in nanoseconds.
    func cpu() -> [String: Double] {
        processes.mapValues { $0.reduce(0) { $0 + Child.cpuNanoseconds(of: $1) } }
    }

    /// Memory of each part, in MiB.
    ///
    /// - Throws: ``BenchError`` where a process is gone.
    func memory() throws -> [String: Double] {
        try processes.mapValues { pids in
            try pids.reduce(0) { sum, pid in
                guard let bytes = Child.memoryBytes(of: pid) else { throw BenchError("process \(pid) is gone") }
                return sum + bytes / 1_048_576
            }
        }
    }

    /// How long its web part took, by route, since it started.
    func serverTimes() -> ServerTimes {
        let page = Child.output(of: ["curl", "-sS", dashboard.replacingOccurrences(of: "?", with: "metrics?")])
        return ServerTimes(page)
    }
}
