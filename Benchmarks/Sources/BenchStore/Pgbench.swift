import BenchKit
import Foundation

/// PostgreSQL's own load generator: prepared statements, one thread.
struct Pgbench {
    let url: String
    let folder: String

    /// Runs a script over and over on so many connections.
    ///
    /// - Returns: Transactions a second, without the time that connecting took.
    func rate(_ script: String, _ connections: Int, _ seconds: Double) throws -> Double {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = "\(folder)/script.sql"
        try script.write(toFile: file, atomically: true, encoding: .utf8)
        let time = max(1, Int(seconds.rounded()))
        // It stops by an alarm, which a child of ours would never hear: it inherits what our threads block. And it has a bound.
        let said = Child.output(of: [
            "timeout", "--kill-after=1", "\(time + 30)", "env", "--default-signal=ALRM", "pgbench", "--no-vacuum",
            "--protocol=prepared", "--client=\(connections)", "--jobs=1", "--time=\(time)",
            "--file=\(file)", url,
        ])
        let line = said.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        guard let rate = line?.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
            throw BenchError("pgbench said: \(said)")
        }
        return rate
    }
}
