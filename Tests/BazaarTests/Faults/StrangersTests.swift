import ApusTesting
import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    /// Programs that know nothing of the shop's code use it as their users would.
    @Suite struct StrangersTests {
        /// Three loops a process: each has an instance of every service it runs.
        private static let loops = "--loops=3"
        /// Loading the real year takes half a minute on a quiet machine.
        private static let startLimit = Duration.seconds(300)

        /// The scripts beside the test targets.
        private static func script(_ name: String) -> String {
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/"
                + name
        }

        @Test(.needs(.browser))
        func `people buy in Chromium, in one process and split, and a basket outlives the shop's restart`() async throws
        {
            let python = try #require(RealPart.browser.location, "APUS_TEST_ALL=1, but APUS_TEST_BROWSER is not set")
            let sales = try #require(SalesFile.beside(), "no sales beside the tests")
            try await withFolder { folder, loop in
                // The first leaves a basket that the second has to find.
                let basket = "\(folder.path)/basket.json"
                for (mode, word) in [([], "--leave"), (["--one-process"], "--find")] as [([String], String)] {
                    let words = mode + [Self.loops, "--sales-file=\(sales.path)"]
                    let shop = try await RunningShop(words, in: folder, on: loop, within: Self.startLimit)
                    let url = try #require(shop.report?.url, "\(shop.errors)")
                    let script = Self.script("Browser/shop_test.py")
                    try await Self.run([python, script, url, word, basket], on: loop)
                    let pids = shop.pids
                    try await shop.kill()
                    #expect(try await loop.haveEnded(pids, within: .seconds(15)))
                }
            }
        }

        @Test(.needs(.schemathesis), arguments: [[], ["--one-process"]])
        func `a generated client buys, and Schemathesis finds the API as its document says`(mode: [String]) async throws
        {
            let python = try #require(
                RealPart.schemathesis.location,
                "APUS_TEST_ALL=1, but APUS_TEST_SCHEMATHESIS is not set"
            )
            try await withRunningShop(mode + [Self.loops]) { shop in
                let url = try #require(shop.report?.url)
                // Hypothesis takes seeds of any size, and prints the one it used.
                let words = [python, Self.script("API/api_test.py"), url, "\(TestRun.seed)", "20"]
                try await Self.run(words, on: shop.loop)
            }
        }

        /// Runs a script to its end; what it printed is the failure's message.
        private static func run(_ words: [String], on loop: EventLoop) async throws {
            let out = try SocketPair.make(theirsBlocks: true)
            let process = try ChildProcess(
                path: words[0],
                arguments: Array(words.dropFirst()),
                environment: ["PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"],
                descriptors: [out.theirs, out.theirs, out.theirs],
                on: loop
            )
            close(out.theirs)
            let output = try OutputText(out.mine, on: loop)
            let timer = loop.schedule(at: loop.preciseNow() + .seconds(900)) { process.signal(SIGKILL) }
            let exit = await process.wait()
            loop.cancel(timer)
            _ = await output.wait(by: loop.preciseNow() + .seconds(10)) { _ in false }
            await output.close()
            #expect(exit.isSuccess, "\(words.dropFirst().joined(separator: " ")): \(exit)\n\(output.text)")
            print(output.text)
        }
    }
}
