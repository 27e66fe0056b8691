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
                // The tests beside this one use the cores too: the middle one of the times is the system's own.
                var times: [Duration] = []
                for name in ["storefront", "catalogue", "carts", "orders"] {
                    for replica in 0..<2 {
                        times.append(try await Self.kill(name, replica, of: shop).took)
                        try await load.answers(100)
                    }
                }
                #expect(times.sorted()[times.count / 2] < .seconds(2), "\(times.map(\.seconds))")
                await load.stop()
                #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.count): \(load.failures.prefix(5))")
                #expect(Set(load.answered.keys) == ["page", "products", "product", "cart", "order"])
            }
        }

        @Test func `an edge that is killed breaks its connections, and serves new ones within 2 s`() async throws {
            try await withRunningShop { shop in
                let load = try await Load(readers: 4, writers: 0, of: shop)
                try await load.answers(50)
                var kills: [(at: Instant, took: Duration)] = []
                for _ in 0..<3 {
                    kills.append(try await Self.kill("edge", 0, of: shop))
                    try await load.answers(50)
                }
                await load.stop()
                let times = kills.map(\.took).sorted()
                #expect(times[1] < .seconds(2), "\(times.map(\.seconds))")
                let others = load.failures.filter { failure in
                    !kills.contains { failure.began <= $0.at && failure.ended >= $0.at }
                }
                #expect(others.isEmpty, "\(others.prefix(5))")
                #expect(load.failures.count <= 4 * kills.count, "\(load.failures)")
            }
        }

        @Test func `a replica that is killed fails no write, for each may be repeated or carries its key`() async throws
        {
            try await withRunningShop { shop in
                let load = try await Load(readers: 0, writers: 4, of: shop)
                try await load.answers(20, within: .seconds(20))
                for name in ["storefront", "carts", "orders"] {
                    try await Self.kill(name, 0, of: shop)
                    try await load.answers(20, within: .seconds(20))
                }
                await load.stop()
                #expect(load.failures.isEmpty, "\(load.failures.count) of \(load.count): \(load.failures.prefix(5))")
            }
        }

        /// Kills a replica, and waits until another process serves in its place.
        ///
        /// - Returns: When it was killed, and how long the other one took to serve.
        @discardableResult
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
