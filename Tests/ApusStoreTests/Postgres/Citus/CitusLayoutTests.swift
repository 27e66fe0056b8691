#if PostgreSQL
import ApusCore
import Testing

@testable import ApusStore

/// What Citus is told of the tables that a store declares.
@Suite struct CitusLayoutTests {
    private struct Region: ShardKey {
        let name: String
        let number: Int
        var directoryName: String? { name }
        var shardValue: ShardValue { .integer(Int64(number)) }
        static func read(_ row: inout RowReader) throws -> Region {
            Region(name: try row.next(), number: try row.next())
        }
    }

    @Test
    func `tables of one type of key lie together, and those that follow with what they follow`() throws {
        let layout = try CitusLayout(
            [
                StoreTable(
                    "lines",
                    primaryKey: ["buyer", "order", "line"],
                    follows: "orders",
                    by: ["buyer", "order"]
                ),
                StoreTable("customers", primaryKey: ["number"], key: ["region", "number"], distributedBy: "number") {
                    try Region.read(&$0)
                },
                StoreTable("orders", primaryKey: ["buyer", "id"], key: ["region", "buyer"], distributedBy: "buyer") {
                    try Region.read(&$0)
                },
                StoreTable("carts", primaryKey: ["id"], key: ["id"]) { try $0.next(Int.self) },
                StoreTable("names", primaryKey: ["name"], key: ["name"]) { try $0.next(String.self) },
                StoreTable.reference("countries"),
            ] + UniqueIndex<String, Int>("by_mail").tables
        )
        #expect(layout.tables.map(\.name).first == "countries")
        #expect(layout.tables.map(\.name).last == "lines")
        #expect(layout["countries"]?.kind == .reference)
        #expect(layout["customers"]?.kind == .distributed(by: "number", group: "customers"))
        #expect(layout["orders"]?.kind == .distributed(by: "buyer", group: "customers"))
        #expect(layout["lines"]?.kind == .distributed(by: "buyer", group: "customers"))
        #expect(layout["carts"]?.kind == .distributed(by: "id", group: "carts"))
        #expect(layout["names"]?.kind == .distributed(by: "name", group: "names"))
        // An index's rows lie by themselves, whatever other keys are of its types.
        #expect(layout["by_mail"]?.kind == .distributed(by: "entry", group: "by_mail"))
        #expect(layout["by_mail_claims"]?.kind == .distributed(by: "token", group: "by_mail_claims"))
    }

    private static let orders = StoreTable("orders", primaryKey: ["number"], key: ["number"]) { try $0.next(Int.self) }

    @Test(arguments: [
        ([StoreTable("a", primaryKey: ["x", "y"], key: ["x", "y"], Region.read)], "distributedBy:"),
        ([StoreTable("a", primaryKey: ["x"], key: ["y"]) { try $0.next(Int.self) }], "such as (y, x)"),
        (
            [StoreTable("a", primaryKey: ["x"], key: ["x"], distributedBy: "y") { try $0.next(Int.self) }],
            "such as (y, x)"
        ),
        ([orders, StoreTable("lines", primaryKey: ["id"], follows: "orders", by: ["order"])], "such as (order, id)"),
        ([StoreTable("b", primaryKey: ["y"], follows: "a", by: ["y"])], "whole primary key"),
    ])
    func `a declaration that Citus cannot follow is refused with the fix`(tables: [StoreTable], fix: String) {
        do {
            _ = try CitusLayout(tables)
            Issue.record("accepted")
        } catch {
            #expect(error.field == "tables")
            #expect(error.description.contains(fix), "\(error)")
        }
    }

    @Test(arguments: [
        ("Citus 11.3.0 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit", 11, 3),
        ("Citus 14.0.0 on aarch64", 14, 0), ("Citus Enterprise 10.2.9 on x86_64", 10, 2),
    ])
    func `a version is read from its text`(text: String, major: Int, minor: Int) throws {
        let version = try #require(Citus.version(text))
        #expect(version == (major, minor))
        #expect(Citus.version("PostgreSQL 15") == nil)
    }
}
#endif
