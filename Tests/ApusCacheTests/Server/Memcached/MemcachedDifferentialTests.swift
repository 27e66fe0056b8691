import ApusCore
import ApusTesting
import Foundation
import Testing

@testable import ApusCache

/// Requests at random, against the real memcached and the embedded server: their answers are equal.
@Suite(.needs(.memcached), .ownThread, .timeLimit(.minutes(5)))
struct MemcachedDifferentialTests {
    /// Requests with letters for what is drawn: K a key, N a key of numbers, V data and L its length, F a number of 32 bits, T a
    /// life in seconds, C a version that one of the two named last, I a number of 64 bits, B a key in base 64, O a mark.
    static let templates = """
        set K F T L@V|set K F T L noreply@V|add K F T L@V|replace K F T L@V|append K F T L@V|prepend K F T L@V|cas K F T L C@V
        get K|get K K K|gets K K|gat T K|gats T K K|delete K|delete K 0|delete K noreply|delete K 5|touch K T|touch K x
        set N F 0 L@I|incr N I|decr N I|incr N x|incr K 1|get N|verbosity 1|version x|gat x K|set K F x L@V|set K -1 0 1@V
        mg K v|mg K v f s t|mg K c|mg K k O v|mg K q v|mg K h|mg K h v u|mg K NT v|mg K NT t v k|mg K RT t|mg K TT t|mg K t TT
        mg K s v NT RT|mg K v v|mg K !|mg K R|mg K Tx|mg B b k v|mg B b|mg !!! b|mg|mg K v q O k f s
        ms K L@V|ms K L TT FF@V|ms K L c@V|ms K L CC@V|ms K L CC I@V|ms K L ME@V|ms K L MA@V|ms K L MP@V|ms K L MR@V|ms K L MS@V
        ms K L MX@V|ms K L q@V|ms K L k O q@V|ms K L MA CC@V|ms K L MR CC@V|ms B L b k@V|ms K L Fx@V|ms K L !@V|ms K x|ms K|ms
        md K|md K q|md K CC|md K I|md K I TT|md K I CC|md K k O|md B b k|md K !|md|md K I q
        ma N|ma N v|ma N DI v|ma N MD v|ma N MD DI v t|ma N NT JI v|ma N NT v t|ma N M+ v|ma N M- v|ma N Mx|ma N v c|ma N CC v
        ma N q|ma N k O|ma N Dx|ma N MD TT t v|ma K v|ma|nonsense|get|set K|incr N|touch K
        """.split { $0 == "\n" || $0 == "|" }.map(String.init)

    struct Draw {
        var random: SeededRandom
        /// Versions of the last answers that had one: the real one's, and ours.
        var versions: (theirs: String, ours: String) = ("1", "1")
        let binaryKeys: [String]

        init(seed: UInt64) {
            var random = SeededRandom(seed: seed)
            binaryKeys = (1...3).map {
                Data((0..<5 + $0).map { _ in UInt8.random(in: 0...255, using: &random) }).base64EncodedString()
            }
            self.random = random
        }

        mutating func pick(_ choices: String...) -> String { choices.randomElement(using: &random) ?? "" }

        /// The same request for the two.
        mutating func request() -> (theirs: String, ours: String) {
            let template = templates.randomElement(using: &random) ?? ""
            let parts = template.split(separator: "@", omittingEmptySubsequences: true).map(String.init)
            var data: String?
            if parts.count == 2 {
                data =
                    parts[1] == "I"
                    ? pick("0", "9", "10", "99", "12345") : pick("a", "", "xyz", "12", "hello world", "a\r\n2")
            }
            var (theirs, ours) = ("", "")
            for word in parts[0].split(separator: " ") {
                let (real, own) = self.word(String(word), length: data?.utf8.count ?? 0)
                theirs += (theirs.isEmpty ? "" : " ") + real
                ours += (ours.isEmpty ? "" : " ") + own
            }
            let tail = "\r\n" + (data.map { $0 + "\r\n" } ?? "")
            return (theirs + tail, ours + tail)
        }

        private mutating func word(_ word: String, length: Int) -> (String, String) {
            func both(_ text: String) -> (String, String) { (text, text) }
            switch word {
            case "K": return both("k\(Int.random(in: 0..<6, using: &random))")
            case "N": return both("n\(Int.random(in: 0..<3, using: &random))")
            case "B": return both(binaryKeys.randomElement(using: &random) ?? "")
            case "L": return both("\(length)")
            case "F": return both(pick("0", "1", "77", "4294967295"))
            case "T": return both(pick("0", "1000", "2000"))
            case "C": return versions
            case "I": return both(pick("0", "1", "9", "100", "18446744073709551615"))
            case "O": return both("Omark")
            case "NT", "TT": return both(String(word.prefix(1)) + pick("0", "1000", "1500"))
            // No life is as long as this, so that no clock's second decides.
            case "RT": return both(pick("R0", "R1200"))
            case "FF": return both("F" + pick("0", "5", "4294967295"))
            case "CC": return ("C" + versions.theirs, "C" + versions.ours)
            case "DI", "JI": return both(String(word.prefix(1)) + pick("0", "1", "5", "1000"))
            default: return both(word)
            }
        }
    }

    @Test(arguments: 0..<6)
    func `random requests are answered as memcached answers them`(number: Int) async throws {
        try await OwnServers.with { servers in
            let port = try FreePort.take()
            // The threads that keep its order take hold of items at times of their own, and a number is then changed in
            // another place, without what was known of the old one: what it answers depends on them.
            try await servers.startMemcached(port: port, "-t 1 -o no_lru_maintainer,no_lru_crawler")
            try compare(number, with: PlainConnection(port: port))
        }
    }

    private func compare(_ number: Int, with real: PlainConnection) throws {
        let seed = TestRun.seed &+ UInt64(number)
        let core = CacheCore(CacheServerConfiguration(), seed: seed)
        // The first versions that are asked for are nobody's.
        core.keys.pointee.lastVersion = 1000
        _ = try real.exchange(Array("set first 0 0 1 noreply\r\nx\r\ndelete first noreply\r\n".utf8))
        let ours = TextClient(CoreBench(core, SystemClock()))
        var draw = Draw(seed: seed)
        for step in 0..<TestRun.seeds * 20 {
            let (theirs, own) = draw.request()
            let answer = try real.exchange(Array(theirs.utf8))
            let mine = ours.send(Array(own.utf8))
            let (expected, got) = (Self.told(answer), Self.told(mine))
            #expect(
                expected.text == got.text,
                "seed \(TestRun.seed), number \(number), step \(step): \(theirs): ours \(got), memcached \(expected)"
            )
            if expected.text != got.text { return }
            if let theirs = expected.version, let own = got.version { draw.versions = (theirs, own) }
        }
    }

    /// An answer without what may differ: versions, seconds that pass, words of a refusal, spaces behind a number.
    private static func told(_ answer: [UInt8]) -> (text: String, version: String?) {
        var version: String?
        let lines = String(decoding: answer, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let told = lines.map { line -> String in
            var words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "CLIENT_ERROR", "SERVER_ERROR", "VERSION": return words[0]
            case "VALUE" where words.count == 5:
                version = words[4]
                words[4] = "c"
            case "VA", "HD":
                for (index, word) in words.enumerated().dropFirst() where word.dropFirst().allSatisfy(\.isNumber) {
                    if word.hasPrefix("c"), word != "c0" {
                        version = String(word.dropFirst())
                        words[index] = "c"
                    }
                    // Between a command there and the same one here, seconds may have passed: of the lives that are drawn
                    // none comes to the edge of a step within four minutes.
                    if word.hasPrefix("t") { words[index] = "t\(((Int(word.dropFirst()) ?? 0) + 240) / 500)" }
                }
            default: break
            }
            // A number that lost a digit keeps its length in memcached, by a space.
            if words.first == "VALUE", words.count > 3, words[1].hasPrefix("n") { words[3] = "length" }
            return words.joined(separator: " ")
        }
        return (told.joined(separator: "|"), version)
    }
}
