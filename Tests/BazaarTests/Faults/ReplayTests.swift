import ApusTesting
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    /// The replay as users call it, on a slice of the real year.
    @Suite struct ReplayTests {
        /// The first days of the real year, so many bytes of its text, cut at the end of a line.
        private static func slice(_ file: SalesFile, bytes: Int) throws -> [UInt8] {
            let reader = try ZstdReader(path: file.path)
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while text.count < bytes {
                let count = try chunk.withUnsafeMutableBytes { bytes throws(ShopError) in try reader.read(into: bytes) }
                if count == 0 { break }
                text += chunk[..<count]
            }
            let end = try #require(text.lastIndex(of: UInt8(ascii: "\n")))
            return Array(text[...end])
        }

        /// An order by what it wants: its country, and pieces by product.
        private struct Wish: Hashable {
            let country: String
            let pieces: [String: Int]
        }

        private struct Placed: Row, Sendable {
            let number: String
            let country: String
            let product: String
            let quantity: Int
            init(from row: inout RowReader) throws {
                (number, country) = (try row.next(), try row.next())
                (product, quantity) = (try row.next(), try row.next())
            }
        }

        /// How often each wish was placed in the shop, by the rows of its orders.
        private static func placed(_ folder: ShopFolder) async throws -> [Wish: Int] {
            let store = Schema.store()
            try await store.open(BlockSite(dataFolder: folder.store))
            let rows: [Placed] = try await store.everyShard.all(
                """
                SELECT number, country, product, quantity FROM orders JOIN order_lines ON order_number = number
                WHERE secret IS NOT NULL
                """
            ).rows
            await store.close()
            return Dictionary(grouping: rows, by: \.number).values.reduce(into: [:]) { wishes, lines in
                let pieces = Dictionary(lines.map { ($0.product, $0.quantity) }, uniquingKeysWith: +)
                wishes[Wish(country: lines[0].country, pieces: pieces), default: 0] += 1
            }
        }

        @Test(arguments: [[], ["--one-process"]])
        func `a slice of the year is placed order by order, and the books balance`(mode: [String]) async throws {
            let year = try #require(SalesFile.beside(), "no sales beside the tests")
            try await withFolder { folder, loop in
                try folder.write(history: try Self.slice(year, bytes: 300_000))
                let recorded = try RecordedOrders(SalesFile(path: folder.sales))
                #expect(recorded.orders.count > 100 && Set(recorded.orders.map(\.country)).count > 3)
                let shop = try await RunningShop(mode, in: folder, on: loop)
                _ = try #require(shop.report, "\(shop.errors)")
                let replay = try await shop.command(
                    ["load", "replay", "--duration", "15s", "--time-limit", "60s", "--json"],
                    within: .seconds(400)
                )
                let report = try JSONDocument.decode(LoadReport.self, from: Array(replay.output.utf8))
                // How late a generator is that shares its cores with other tests, is the machine's.
                #expect(replay.code == (report.isValid ? 0 : 3), "\(replay.errors.suffix(2000))")
                #expect(report.arrivals == recorded.orders.count)
                #expect(report.findings.count == 3)
                for finding in report.findings { #expect(finding.holds, "\(finding.what): \(finding.detail)") }
                let pids = shop.pids
                try await shop.kill()
                #expect(try await loop.haveEnded(pids, within: .seconds(15)))

                let wanted = recorded.orders.reduce(into: [Wish: Int]()) { wishes, order in
                    let pieces = order.lines.map { ($0.product.description, $0.quantity) }
                    let wish = Wish(country: order.country, pieces: Dictionary(uniqueKeysWithValues: pieces))
                    wishes[wish, default: 0] += 1
                }
                #expect(try await Self.placed(folder) == wanted)
            }
        }

        @Test func `books that do not balance end the replay with code 3`() async throws {
            let year = try #require(SalesFile.beside(), "no sales beside the tests")
            try await withFolder { folder, loop in
                try folder.write(history: try Self.slice(year, bytes: 60_000))
                let shop = try await RunningShop(["--one-process"], in: folder, on: loop)
                _ = try #require(shop.report, "\(shop.errors)")
                // More days than the shop was filled with: it does not sell all that these orders want.
                try folder.write(history: try Self.slice(year, bytes: 120_000))
                let replay = try await shop.command(
                    ["load", "replay", "--duration", "3s", "--time-limit", "60s", "--json"],
                    within: .seconds(400)
                )
                #expect(replay.code == 3, "\(replay.errors.suffix(2000))")
                let report = try JSONDocument.decode(LoadReport.self, from: Array(replay.output.utf8))
                let ledger = try #require(report.findings.first { $0.what.contains("each country") })
                #expect(!ledger.holds && ledger.detail.contains("and should have"), "\(ledger.detail)")
                #expect(report.findings.filter(\.holds).count == 2, "what was placed is right all the same")
                try await shop.kill()
            }
        }
    }
}
