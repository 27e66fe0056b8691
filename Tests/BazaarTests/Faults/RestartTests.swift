import ApusDashboard
import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct RestartTests {
        @Test func `a rolling restart under load, by SIGHUP, fails nothing`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 3, writers: 2, of: shop)
                try await load.answers(50)
                shop.process.signal(SIGHUP)
                let isDone = try await shop.loop.eventually(within: .seconds(60)) {
                    try await shop.parts().allSatisfy { $0.restarts == 1 && $0.state == "ready" }
                }
                #expect(isDone, "\(shop.errors)")
                let before = shop.pids.dropFirst()
                let areGone = try await shop.loop.haveEnded(before, within: .seconds(30))
                #expect(areGone)
                try await load.answers(50)
                await load.stop()
                Self.checkNothingFailed(load)
            }
        }

        @Test func `each part restarted by the administration under load fails nothing`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 3, writers: 2, of: shop)
                for name in ["catalogue", "carts", "orders", "storefront", "edge"] {
                    let answer = try await shop.administer(.post, "/api/parts/\(name)/restart")
                    #expect(answer.status == .ok, "\(name): \(answer.text)")
                    try await load.answers(30)
                }
                await load.stop()
                Self.checkNothingFailed(load)
            }
        }

        @Test func `SIGTERM to any process of a part under load fails nothing`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 3, writers: 2, of: shop)
                for name in ["catalogue", "carts", "orders", "storefront", "edge"] {
                    let pid = try #require(try await shop.parts().first { $0.name == name }?.pid)
                    kill(pid, SIGTERM)
                    let isBack = try await shop.loop.eventually(within: .seconds(30)) {
                        let now = try await shop.parts().first { $0.name == name }
                        return now?.state == "ready" && now?.pid != pid
                    }
                    #expect(isBack, "\(name): \(shop.errors)")
                    try await load.answers(30)
                }
                await load.stop()
                Self.checkNothingFailed(load)
            }
        }

        private static func checkNothingFailed(_ load: Load) {
            #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.count): \(load.failures.prefix(5))")
            #expect(load.buyers.contains { $0.placed != nil })
        }
    }
}
