import Glibc
import Testing

@testable import Apus
@testable import Bazaar

extension Faults {
    @Suite struct DamageTests {
        /// A shop that has sold something and has ended.
        private static func sold(in folder: ShopFolder, on loop: EventLoop) async throws {
            let shop = try await RunningShop(in: folder, on: loop)
            let client = Client(try shop.address, on: loop)
            defer { client.close() }
            let buyer = Buyer(0)
            let product = try #require(try await client.catalogue().first { $0.available > 1 })
            await buyer.fill([(product.id, 1)], client)
            #expect(await buyer.checkOut(client).status == 201)
            shop.process.signal(SIGTERM)
            #expect(await shop.ends(within: .seconds(30)).code == 0, "\(shop.errors)")
            try await shop.kill()
        }

        private static func damage(_ path: String) throws {
            for suffix in ["-wal", "-shm"] { try Files.remove(path + suffix) }
            try Files.writeAtomically(Array(repeating: 0xA5, count: 20_000), to: path)
        }

        @Test(arguments: 0..<4, [[], ["--one-process"]])
        func `up names a damaged shard and its fix in one line; the others serve, unless it cannot start without it`(
            shard: Int,
            mode: [String]
        ) async throws {
            try await withFolder { folder, loop in
                try await Self.sold(in: folder, on: loop)
                let path = "\(folder.store)/shard-000\(shard).sqlite"
                let sound = try Files.read(path, bytesMax: 1 << 28)
                try Self.damage(path)
                let shop = try await RunningShop(mode, in: folder, on: loop)
                if shop.report == nil { #expect(await shop.ends(within: .seconds(10)).code == 1) }
                let lines = shop.errors.split(separator: "\n")
                #expect(lines.count == 1, "\(shop.errors)")
                #expect(lines.first?.contains("\(path) is damaged") == true, "\(shop.errors)")
                #expect(lines.first?.contains("restore it from a backup") == true, "\(shop.errors)")
                if shop.report != nil {
                    let client = Client(try shop.address, on: loop)
                    var statuses: [Int] = []
                    for department in Category.allCases {
                        let path = "/api/products?department=\(department.rawValue)"
                        statuses.append(await client.ask(.get, path).status ?? 0)
                    }
                    #expect(statuses.contains(200), "\(statuses)")
                    #expect(statuses.allSatisfy { [200, 500].contains($0) }, "\(statuses)")
                    // The file put back serves again, unrestarted.
                    try Files.writeAtomically(sound, to: path)
                    let isBack = try await loop.eventually(within: .seconds(30)) {
                        for department in Category.allCases {
                            let path = "/api/products?department=\(department.rawValue)"
                            if await client.ask(.get, path).status != 200 { return false }
                        }
                        return true
                    }
                    #expect(isBack, "\(shop.errors)")
                    client.close()
                }
                try await shop.kill()
                _ = try await loop.haveEnded(shop.pids, within: .seconds(5))
            }
        }

        @Test(arguments: ["apus-data.json", "store-bazaar/map.json"])
        func `up names a damaged marker or map and its fix in one line, with code 1`(name: String) async throws {
            try await withFolder { folder, loop in
                try await Self.sold(in: folder, on: loop)
                let path = "\(folder.data)/\(name)"
                try Files.writeAtomically("{\"format\":", to: path)
                let shop = try await RunningShop(in: folder, on: loop)
                #expect(await shop.ends(within: .seconds(10)).code == 1)
                #expect(shop.errors.split(separator: "\n").count == 1, "\(shop.errors)")
                #expect(shop.errors.contains(path) && shop.errors.contains("backup"), "\(shop.errors)")
                try await shop.kill()
            }
        }

        @Test func `up on a folder that may not be written names it and the fix in one line, with code 1`() async throws
        {
            try await withFolder { folder, loop in
                try await Self.sold(in: folder, on: loop)
                let disk = try await RefusingDisk(.readOnly, folder, on: loop)
                try await disk.refuse([])
                let shop = try await RunningShop(environment: disk.environment, in: folder, on: loop)
                #expect(await shop.ends(within: .seconds(10)).code == 1)
                #expect(shop.errors.split(separator: "\n").count == 1, "\(shop.errors)")
                #expect(shop.errors.contains(folder.data) && shop.errors.contains("read-only disk"), "\(shop.errors)")
                try await shop.kill()
            }
        }
    }
}
