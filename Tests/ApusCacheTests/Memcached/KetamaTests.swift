import Foundation
import Testing

@testable import ApusCache

struct KetamaTests {
    struct Table: Decodable {
        struct Server: Decodable {
            let host: String
            let port: Int
            let weight: Int
        }
        struct Case: Decodable {
            let key: String
            let hash: UInt32
            let point: UInt32?
            let server: String
        }
        let servers: [Server]
        let cases: [Case]
        let spy: [Case]

        var all: [Ketama.Server] { servers.map { Ketama.Server(host: $0.host, port: $0.port, weight: $0.weight) } }
    }

    private func table() throws -> Table {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
        let path = folder.joined(separator: "/") + "/Fixtures/ketama.json"
        return try JSONDecoder().decode(Table.self, from: Data(contentsOf: URL(filePath: path)))
    }

    @Test(arguments: [Ketama.Placement.ketama, .spy])
    func `keys go where clients in other languages send them`(placement: Ketama.Placement) throws {
        let table = try table()
        let circle = Ketama(table.all, placement: placement)
        let cases = placement == .ketama ? table.cases : table.spy
        #expect(cases.count == 99)
        for row in cases {
            let key = Array(row.key.utf8)
            #expect(Ketama.hash(key) == row.hash)
            if let point = row.point { #expect(circle.point(for: row.hash) == point) }
            let server = try #require(circle.server(for: key))
            #expect(table.servers[server].host == row.server, "\(row.key)")
        }
    }

    @Test func `a server more takes keys from all, and no other key moves`() {
        let four = (1...4).map { Ketama.Server(host: "10.0.0.\($0)", port: 11_211) }
        let (before, after) = (Ketama(Array(four.prefix(3))), Ketama(four))
        var moved = 0
        for number in 0..<10_000 {
            let key = Array("key \(number)".utf8)
            let (old, new) = (before.server(for: key), after.server(for: key))
            if old != new {
                moved += 1
                #expect(new == 3)
            }
        }
        #expect((1_500...3_500).contains(moved), "\(moved) of 10,000 keys moved")
    }

    @Test func `a circle without servers has nobody for a key`() {
        #expect(Ketama([]).server(for: [1]) == nil && Ketama([]).point(for: 7) == nil)
    }
}
