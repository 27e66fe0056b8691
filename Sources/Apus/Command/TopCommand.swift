import ApusDashboard
import ApusRuntime

/// `top`: the dashboard's picture as text.
struct TopCommand {
    private let remote: RemoteSystem
    private let isJSON: Bool
    private let follows: Bool

    init(_ invocation: Invocation, _ remote: RemoteSystem) {
        self.remote = remote
        isJSON = invocation.arguments.has("json")
        follows = invocation.arguments.has("follow")
    }

    func run() async throws {
        repeat {
            let document = try await remote.get("/api/picture")
            if isJSON {
                StandardStreams.write(document)
            } else {
                let text = Self.text(try RunningCommand.decode(Picture.self, document))
                // A terminal shows one picture in place of the last.
                let isInPlace = follows && StandardStreams.isOutputTerminal
                StandardStreams.write(isInPlace ? "\u{1B}[H\u{1B}[2J\(text)" : text)
            }
            if follows { try await remote.pause() }
        } while follows
    }

    static func text(_ picture: Picture) -> String {
        let nodes = picture.nodes.filter { $0.kind != "clients" }.sorted {
            ($0.utilisation ?? 0) > ($1.utilisation ?? 0)
        }
        let parts = TextTable(
            ["PART", "KIND", "IN USE", "WAITS p99", "CPU", "MEMORY", "HITS", ""],
            nodes.map { node in
                [
                    node.name, node.kind, node.utilisation.map(Shown.percent) ?? "-", Shown.duration(node.queue),
                    node.cpu.map(Shown.percent) ?? "-", node.memory.map { "\(Int($0) >> 20) MiB" } ?? "-",
                    node.hitRatio.map(Shown.percent) ?? "-", node.isBusiest ? "busiest" : "",
                ]
            }
        ).text
        let problems = picture.problems.map { "! \($0)\n" }.joined()
        return problems + parts + "\n" + table(picture.arrows)
    }

    /// What passes between parts.
    static func table(_ arrows: [Picture.Arrow]) -> String {
        TextTable(
            ["FROM", "TO", "RATE/s", "p50", "p99", "ERRORS/s", "RETRIES/s", "TIMES OF"],
            arrows.map { arrow in
                [
                    arrow.from, arrow.to, Shown.rate(arrow.rate), Shown.duration(arrow.p50), Shown.duration(arrow.p99),
                    Shown.rate(arrow.errors), Shown.rate(arrow.retries), arrow.of ?? "requests",
                ]
            }
        ).text
    }
}
