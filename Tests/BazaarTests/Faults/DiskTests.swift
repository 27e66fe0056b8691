import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct DiskTests {
        @Test(arguments: RefusingDisk.Way.allCases)
        func `on a disk that is full or read-only pages are served and a checkout says so; later it works, unrestarted`(
            way: RefusingDisk.Way
        ) async throws {
            try await withFolder { folder, loop in
                let disk = try await RefusingDisk(way, folder, on: loop)
                let shop = try await RunningShop(environment: disk.environment, in: folder, on: loop)
                let client = Client(try shop.address, on: loop)
                let catalogue = try await client.catalogue()
                let start = Dictionary(uniqueKeysWithValues: catalogue.map { ($0.id, $0.available) })
                let products = catalogue.filter { $0.available > 1_000 }.map(\.id)

                let early = Buyer(0)
                await early.fill([(products[0], 2), (products[1], 1)], client)
                #expect(await early.checkOut(client).status == 201)
                let filed = try await loop.eventually(within: .seconds(20)) { await early.look(client)?.status == 200 }
                #expect(filed)
                let late = (1...3).map { Buyer($0) }
                for buyer in late { await buyer.fill([(products[0], 1), (products[2], 3)], client) }

                try await disk.refuse(shop.pids)
                for _ in 0..<3 {
                    for buyer in late { Self.check(await buyer.checkOut(client), late[0]) }
                    Self.check(
                        await client.ask(
                            .put,
                            "/api/carts/\(SecureRandom.token())/lines/\(products[3])",
                            json: #"{"quantity":1}"#
                        )
                    )
                    for path in ["/", "/products/\(products[0])", "/api/products", "/api/carts/\(late[0].cart)"] {
                        let outcome = await client.ask(.get, path)
                        #expect(outcome.status == 200, "\(path): \(outcome)")
                    }
                    #expect(await early.look(client)?.status == 200)
                    // What was placed stays placed, also for who asks again.
                    let again = await early.checkOut(client)
                    #expect(again.status == 201, "\(again)")
                }

                try await disk.relent(shop.pids)
                for buyer in late {
                    let outcome = await buyer.checkOut(client)
                    #expect(outcome.status == 201, "\(outcome)")
                }
                let parts = try await shop.parts()
                #expect(parts.allSatisfy { $0.restarts == 0 && $0.state == "ready" }, "\(shop.errors)")
                client.close()
                shop.process.signal(SIGTERM)
                #expect(await shop.ends(within: .seconds(30)).code == 0, "\(shop.errors)")
                try await shop.kill()
                let books = try await ShopBooks(folder)
                books.check(start: start, acknowledged: ([early] + late).compactMap(\.placed), "\(way)")
            }
        }

        /// A write that found no room says so.
        private static func check(_ outcome: Outcome, _ buyer: Buyer? = nil) {
            guard case .answered(let response) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(response.status == .serviceUnavailable, "\(outcome)")
            #expect(response.field("Content-Type") == "application/problem+json")
            #expect(response.field("Retry-After") != nil)
            #expect(response.text.contains("disk is full or read-only"), "\(outcome)")
            #expect(buyer?.placed == nil)
        }
    }
}
