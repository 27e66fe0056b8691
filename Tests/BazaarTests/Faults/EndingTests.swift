import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct EndingTests {
        @Test(arguments: [[], ["--one-process"]])
        func `nothing outlives a killed supervisor, and the next up on the folder has the orders`(
            mode: [String]
        ) async throws {
            try await withRunningShop(mode) { shop in
                let client = Client(try shop.address, on: shop.loop)
                let buyer = Buyer(1)
                let product = try #require(try await client.catalogue().first { $0.available > 1 })
                await buyer.fill([(product.id, 1)], client)
                #expect(await buyer.checkOut(client).status == 201)
                client.close()
                shop.process.signal(SIGKILL)
                let pids = shop.pids
                let areGone = try await shop.loop.haveEnded(pids, within: .seconds(15))
                #expect(areGone)
                let again = try await RunningShop(mode, in: shop.folder, on: shop.loop)
                #expect(again.report != nil, "\(again.errors)")
                let next = Client(try again.address, on: shop.loop)
                #expect(await buyer.checkOut(next).status == 201)
                #expect(await buyer.look(next)?.status == 200)
                next.close()
                try await again.kill()
            }
        }

        @Test(arguments: [SIGINT, SIGTERM], [[], ["--one-process"]])
        func `a signal drains under load, ends with 0 and leaves nothing`(signal: Int32, mode: [String]) async throws {
            try await withRunningShop(mode) { shop in
                let load = try await Load(readers: 2, writers: 2, of: shop)
                try await load.answers(30)
                let asked = shop.loop.preciseNow()
                shop.process.signal(signal)
                #expect(await shop.ends(within: .seconds(30)).code == 0, "\(shop.errors)")
                let pids = shop.pids
                #expect(pids.allSatisfy { !RunningShop.isAlive($0) })
                await load.stop()
                // What came in before is answered; what comes later finds nobody.
                let early = load.failures.filter { $0.began <= asked }
                #expect(early.isEmpty, "\(early)")
                let left = try Files.list("\(shop.folder.data)/run")
                #expect(left.isEmpty)
            }
        }

        @Test func `a second signal ends everything now, with 130`() async throws {
            try await withRunningShop { shop in
                let pids = shop.pids
                shop.process.signal(SIGINT)
                shop.process.signal(SIGINT)
                // Two that come together are one; then the drain ends with 0.
                let code = await shop.ends(within: .seconds(30)).code
                #expect([0, 130].contains(code), "\(shop.errors)")
                let areGone = try await shop.loop.haveEnded(pids, within: .seconds(15))
                #expect(areGone)
            }
        }

        @Test func `a second up on the folder, and a port in use, are one line that names the fix, with code 1`()
            async throws
        {
            try await withRunningShop { shop in
                let second = try await RunningShop(in: shop.folder, on: shop.loop)
                #expect(await second.ends(within: .seconds(10)).code == 1)
                #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
                #expect(second.errors.contains("in use by process \(shop.process.pid)"), "\(second.errors)")
                #expect(second.errors.contains("--data"), "\(second.errors)")
                try await second.kill()

                let other = try await ShopFolder()
                let port = try #require(try shop.address.port)
                for flag in ["--port", "--dashboard-port"] {
                    let third = try await RunningShop(["\(flag)=\(port)"], in: other, on: shop.loop)
                    #expect(await third.ends(within: .seconds(10)).code == 1)
                    #expect(third.errors.split(separator: "\n").count == 1, "\(third.errors)")
                    #expect(third.errors.contains("\(port)") && third.errors.contains(flag), "\(third.errors)")
                    try await third.kill()
                }
                try await other.remove()
            }
        }
    }
}
