#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A process that dies while Citus is told of tables, and what is sent when one lives.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct CitusFaultTests {
    private static func open(_ name: String, _ url: String, clock: any Clock = SystemClock()) async throws -> Store {
        try await CitusShop.open(
            name,
            url + "?citus",
            migrations: [CitusShop.customers, CitusShop.carts],
            tables: CitusShop.tables + CitusShop.cartTables,
            clock: clock
        )
    }

    private static func install(_ name: String, _ url: String) throws {
        try TestDatabase(url).run(FakeCitus("\(name)_0").installation())
    }

    @Test
    func `kill -9 at any step between a table and its spreading leaves whole steps, and the next process goes on`()
        async throws
    {
        let server = try await TestServer.start()
        let counter = DeadlyClock()
        try Self.install("count", server.url)
        await (try await Self.open("count", server.url, clock: counter)).close()
        #expect(counter.count > 20)
        var partly = 0
        for look in 1...counter.count {
            let (name, url) = ("killed\(look)", server.url)
            try Self.install(name, url)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [name = name as String, url = url as String, look = look as Int] in
                await (try await Self.open(name, url, clock: DeadlyClock(at: look))).close()
                // It may have looked less often this time.
                kill(getpid(), SIGKILL)
            }
            let left = try FakeCitus.asked("\(name)_0", url).count
            #expect([0, 4, 6].contains(left))
            if left == 4 { partly += 1 }
            await (try await Self.open(name, url)).close()
            #expect(try FakeCitus.asked("\(name)_0", url) == CitusShop.asked + CitusShop.askedForCarts)
        }
        #expect(partly > 0)
    }

    @Test
    func `every statement that the library sends of one key has the column that its table is spread by`() async throws {
        let server = try await TestServer.start(["log_statement = 'all'", "log_line_prefix = ''"])
        try Self.install("mail", server.url)
        let shop = MailShop("mail")
        try await shop.store.open(BlockSite(url: server.url + "?citus", dataFolder: "/tmp"))
        #expect(
            try FakeCitus.asked("mail_0", server.url) == [
                "customers by id with none", "customers_by_mail by entry with none",
                "customers_by_mail_claims by token with none",
            ]
        )
        let before = try server.log().utf8.count
        for id in 0..<4 { try await shop.join(id, "\(id)@example.org") }
        _ = await code { try await shop.join(9, "3@example.org") }
        try await shop.move(1, from: "1@example.org", to: "one@example.org")
        try await shop.leave(2, "2@example.org")
        #expect(try await shop.owner("one@example.org") == 1)
        #expect(try await shop.owner("2@example.org") == nil)
        await shop.store.close()

        var seen: [String: Int] = [:]
        let log = String(decoding: Array(try server.log().utf8.dropFirst(before)), as: UTF8.self)
        // Statements of several lines go on behind a tab.
        let sent = log.replacing("\n\t", with: " ").split(separator: "\n").filter { $0.contains("execute apus_") }
        for (table, column) in [
            ("customers", "id"), ("customers_by_mail", "entry"), ("customers_by_mail_claims", "token"),
        ] {
            let named = try Regex("\\b(FROM|INTO|UPDATE) \"?\(table)\"?( |$)")
            let filter = try Regex("\\b\(column)\"? = |INTO [^ ]+ \\([^)]*\\b\(column)\\b")
            for statement in sent where statement.firstMatch(of: named) != nil {
                #expect(statement.firstMatch(of: filter) != nil, "\(statement)")
                seen[table, default: 0] += 1
            }
        }
        #expect((seen["customers"] ?? 0) >= 6)
        #expect((seen["customers_by_mail"] ?? 0) >= 14)
        #expect((seen["customers_by_mail_claims"] ?? 0) >= 6)
        await server.kill()
    }
}
#endif
