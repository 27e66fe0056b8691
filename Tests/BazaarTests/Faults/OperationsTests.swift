import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    /// What the page on operations says, done.
    @Suite struct OperationsTests {
        /// The shell block below a heading of `Documentation/operations.md`.
        private static func block(under heading: String) throws -> String {
            let root = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
            let page = try Files.readText(
                root.joined(separator: "/") + "/Documentation/operations.md",
                bytesMax: 1 << 20
            )
            let section = try #require(page.firstRange(of: "## \(heading)\n")).upperBound
            let start = try #require(page[section...].firstRange(of: "```sh\n")).upperBound
            let end = try #require(page[start...].firstRange(of: "```")).lowerBound
            return String(page[start..<end])
        }

        private static func shell(_ script: String, on loop: EventLoop) async throws -> (code: Int32, text: String) {
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            let output = try SocketPair.make(theirsBlocks: true)
            let process = try ChildProcess(
                path: "/bin/sh",
                arguments: ["-euc", script],
                environment: ProcessEnvironment.variables,
                descriptors: [null, output.theirs, output.theirs],
                on: loop
            )
            close(output.theirs)
            close(null)
            let text = try OutputText(output.mine, on: loop)
            let code = await process.wait().code
            await text.close()
            return (code, text.text)
        }

        /// Does what the page says, with this build, and with folders of a test's own in the place of the page's.
        private static func follow(_ script: String, _ folder: ShopFolder, on loop: EventLoop) async throws {
            #expect(script.contains("/backup"))
            let program = RunningShop.program.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            let script = script.replacing("/var/lib/bazaar", with: folder.data)
                .replacing("/restored", with: "\(folder.path)/restored")
                .replacing("/backup", with: "\(folder.path)/backup")
            let done = try await shell("PATH=\(program.joined(separator: "/")):$PATH\n\(script)", on: loop)
            #expect(done.code == 0, "\(done.text)")
        }

        /// Has a shop sell, does meanwhile what the page says, and ends it.
        ///
        /// - Returns: Who had bought before.
        private static func backUp(
            _ heading: String,
            _ folder: ShopFolder,
            on loop: EventLoop
        ) async throws -> [Buyer] {
            let shop = try await RunningShop(in: folder, on: loop)
            let load = try await Load(readers: 1, writers: 2, of: shop)
            var before = load.buyers.filter { $0.placed != nil }
            while before.isEmpty {
                try await load.answers(20)
                before = load.buyers.filter { $0.placed != nil }
            }
            try await follow(try block(under: heading), folder, on: loop)
            try await load.answers(20)
            await load.stop()
            #expect(load.failures.isEmpty, "\(load.failures.prefix(3))")
            try await shop.kill()
            _ = try await loop.haveEnded(shop.pids, within: .seconds(5))
            return before
        }

        /// Starts a shop on restored data, which knows what was bought.
        private static func check(
            _ data: String,
            _ before: [Buyer],
            _ folder: ShopFolder,
            on loop: EventLoop
        ) async throws {
            let restored = try await RunningShop(["--data=\(data)"], in: folder, on: loop)
            #expect(restored.report != nil, "\(restored.errors)")
            let client = Client(try restored.address, on: loop)
            for buyer in before {
                let outcome = await buyer.checkOut(client)
                #expect(outcome.status == 201, "an order that was acknowledged before the backup: \(outcome)")
            }
            client.close()
            try await restored.kill()
        }

        @Test func `the backup of the page, taken while the shop sells, is a shop when it is restored`() async throws {
            try await withFolder { folder, loop in
                let before = try await Self.backUp("Backup", folder, on: loop)
                // Its second line starts the shop in front of whoever reads it.
                let script = try Self.block(under: "Restore").split(separator: "\n")[0]
                #expect(script.hasPrefix("bazaar store restore"))
                try await Self.follow(String(script), folder, on: loop)
                try await Self.check("\(folder.path)/restored", before, folder, on: loop)
            }
        }

        @Test func `copies of the files, made as the page says, are a shop when they are put back`() async throws {
            try await withFolder { folder, loop in
                let before = try await Self.backUp("Copies of the files", folder, on: loop)
                try await Self.check("\(folder.path)/backup", before, folder, on: loop)
            }
        }

        @Test func `what the administration measures is what promtool accepts`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 1, writers: 1, of: shop)
                try await load.answers(10)
                await load.stop()
                let text = try await shop.administer(.get, "/metrics").text
                #expect(text.contains("edge_requests_total{part=\"edge\",replica=\"0\",upstream=\"storefront/"))
                let file = "\(shop.folder.path)/metrics"
                try Files.writeAtomically(text, to: file)
                let check = try await Self.shell("promtool check metrics <\(file)", on: shop.loop)
                #expect(check.code == 0, "\(check.text)")
            }
        }

        @Test func `a log line and a line of access have the fields that the page names`() async throws {
            try await withRunningShop { shop in
                let client = Client(try shop.address, on: shop.loop)
                #expect(await client.ask(.get, "/api/products?limit=1").status == 200)
                client.close()
                let log = "\(shop.folder.data)/log"
                let isWritten = try await shop.loop.eventually(within: .seconds(20)) {
                    try Files.readText(log, bytesMax: 1 << 20).contains("/api/products")
                }
                #expect(isWritten)
                let lines = try Files.readText(log, bytesMax: 1 << 20).split(separator: "\n")
                let access = try #require(lines.first { $0.contains("/api/products") })
                for field in ["path", "status", "duration_ms", "bytes", "upstream", "request_id", "trace_id"] {
                    #expect(access.contains("\"\(field)\":"), "\(access)")
                }
                let event = try #require(lines.first { $0.contains("the shop is filled") })
                for field in ["timestamp", "level", "logger", "message"] {
                    #expect(event.contains("\"\(field)\":"), "\(event)")
                }
            }
        }
    }
}
