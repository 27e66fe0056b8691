import Apus
import Testing

@testable import struct Apus.Declared
@testable import struct Apus.SystemPlan

private struct Nothing: RequestHandler {
    var routeNames: [String] { [] }
    func handle(_ exchange: Exchange) async throws { exchange.answer(.noContent) }
}

private struct Body: SystemContent {
    let parts: SystemParts
    init(@SystemBuilder _ parts: () -> SystemParts) { self.parts = parts() }
}

@Suite struct SystemPlanTests {
    @Test func `services start first, then web parts, then edges`() throws {
        let body = Body {
            Edge("front", to: "pages")
            Web("pages") { _ in Nothing() }
            Setup("data") { _ in }
            Service(desk) { host in DeskService(actorSystem: host.actors, events: Events()) }
        }
        let plan = try SystemPlan(body.parts)
        #expect(plan.roles.map(\.name) == ["desk", "pages", "front"])
        #expect(plan.setups.map(\.name) == ["data"])
    }

    @Test(arguments: ["", "Pages", "1pages", "a/b", "setup", "a b", String(repeating: "a", count: 33)])
    func `a name that cannot be a part's is refused`(name: String) {
        let body = Body { Web(name) { _ in Nothing() } }
        #expect(throws: ConfigurationError.self) { try SystemPlan(body.parts) }
    }

    @Test func `two parts of one name, an edge to nowhere and no replicas are refused`() {
        let twice = Body {
            Web("a") { _ in Nothing() }
            Web("a") { _ in Nothing() }
        }
        #expect(throws: ConfigurationError.self) { try SystemPlan(twice.parts) }
        let nowhere = Body { Edge(to: "b") }
        #expect(throws: ConfigurationError.self) { try SystemPlan(nowhere.parts) }
        let none = Body { Web("a", replicas: 0) { _ in Nothing() } }
        #expect(throws: ConfigurationError.self) { try SystemPlan(none.parts) }
    }

    @Test func `the number of replicas can be changed, but there is one edge`() throws {
        var plan = try SystemPlan(
            Body {
                Edge(to: "a")
                Web("a") { _ in Nothing() }
            }.parts
        )
        try plan.set(replicas: 5, of: "a")
        #expect(plan["a"]?.replicas == 5)
        #expect(throws: ConfigurationError.self) { try plan.set(replicas: 2, of: "edge") }
        #expect(throws: ConfigurationError.self) { try plan.set(replicas: 2, of: "b") }
        #expect(throws: ConfigurationError.self) { try plan.set(replicas: 65, of: "a") }
    }

    @Test func `stored properties that are blocks and settings are found`() throws {
        struct Shop: System {
            let cache = Cache<String, String>("products", capacity: 10)
            let other = Cache<String, String>("prices", capacity: 10)
            @Setting("shop.title", "The title.") var title: String = "Shop"
            let number = 7
            var body: some SystemContent { Web("a") { _ in Nothing() } }
        }
        let declared = try Declared(Shop())
        #expect(declared.blocks.map(\.name) == ["products", "prices"])
        #expect(declared.settings.map(\.key) == ["shop.title", "cache.url"])
    }

    @Test func `two blocks of one kind and name are refused`() {
        struct Shop: System {
            let cache = Cache<String, String>("products", capacity: 10)
            let other = Cache<String, String>("products", capacity: 10)
            var body: some SystemContent { Web("a") { _ in Nothing() } }
        }
        #expect(throws: ConfigurationError.self) { try Declared(Shop()) }
    }
}
