import ApusDashboard
import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct ReplicaKillTests {
        @Test
        func `a replica that is killed under load fails nothing that may be repeated and serves again within 2 s`()
            async throws
        {
            try await withRunningShop { shop in
                let load = try await Load(readers: 4, writers: 0, of: shop)
                try await load.answers(100)
                for name in ["storefront", "catalogue", "carts", "orders"] {
                    for replica in 0..<2 {
                        let took = try await Self.kill(name, replica, of: shop).took
                        #expect(took < .seconds(2), "\(name)/\(replica) took \(took.seconds) s")
                        try await load.answers(100)
                    }
                }
                await load.stop()
                #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.count): \(load.failures.prefix(5))")
                #expect(Set(load.answered.keys) == ["page", "products", "product", "cart", "order"])
            }
        }

        @Test func `an edge that is killed breaks its connections, and serves new ones within 2 s`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 4, writers: 0, of: shop)
                try await load.answers(50)
                let (killed, took) = try await Self.kill("edge", 0, of: shop)
                #expect(took < .seconds(2), "it took \(took.seconds) s")
                try await load.answers(50)
                await load.stop()
                let later = load.failures.filter { $0.began > killed }
                #expect(later.isEmpty, "\(later.prefix(5))")
                #expect(load.failures.count <= 4, "\(load.failures)")
            }
        }

        @Test func `a write fails only if it was under way at the replica that was killed`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 0, writers: 4, of: shop)
                try await load.answers(20, within: .seconds(20))
                var kills: [Instant] = []
                for name in ["storefront", "carts", "orders"] {
                    kills.append(try await Self.kill(name, 0, of: shop).at)
                    try await load.answers(20, within: .seconds(20))
                }
                await load.stop()
                // Its answer was lost, or the repeated request met the first one still at work.
                let isExcused = { (failure: Load.Failure) in
                    kills.contains { failure.began <= $0 && failure.ended >= $0 }
                }
                let others = load.failures.filter { !isExcused($0) }
                #expect(others.isEmpty, "\(others.count) of \(load.count): \(others.prefix(5))")
                #expect(load.failures.count <= 4 * kills.count)
            }
        }

        /// Kills a replica, and waits until another process serves in its place.
        ///
        /// - Returns: When it was killed, and how long the other one took to serve.
        private static func kill(_ name: String, _ replica: Int, of shop: RunningShop) async throws -> (
            at: Instant, took: Duration
        ) {
            let part = try await shop.parts().first { $0.name == name && $0.replica == replica }
            let pid = try #require(part?.pid)
            #expect(Glibc.kill(pid, SIGKILL) == 0)
            let killed = shop.loop.preciseNow()
            let isBack = try await shop.loop.eventually(within: .seconds(15)) {
                let now = try await shop.parts().first { $0.name == name && $0.replica == replica }
                return now?.state == "ready" && now?.pid != pid
            }
            #expect(isBack, "\(name)/\(replica) does not come back")
            return (killed, shop.loop.preciseNow() - killed)
        }
    }
}
