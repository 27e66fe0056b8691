import ApusCore
import ApusHTTP
import ApusLoad
import ApusRuntime
import BenchKit
import Foundation

/// Visitors who all ask for the same page, in a process of their own.
enum PageVisitors {
    /// Sends them.
    ///
    /// - Returns: Visits.
    /// - Throws: ``BenchError`` where a page was not answered as it should be.
    static func start(_ page: Page, url: String, clients: Int, seconds: Double) throws -> Double {
        let words = ["/proc/\(getpid())/exe", "ask", url, page.rawValue, "\(clients)", "\(seconds)"]
        let output = Child.output(of: words, on: .others)
        let answer = output.split(whereSeparator: \.isWhitespace)
        guard answer.count == 3, answer[0] == "APUS", let visits = Double(answer[1]), answer[2] == "0", visits > 0
        else { throw BenchError("visitors of \(page.rawValue) failed: \(output)") }
        return visits
    }

    /// The process: prints how many visits there were, and how many failed.
    static func run(_ words: [String]) -> Never {
        Program.run(loopCount: 1) { group in
            do {
                guard words.count == 4, let page = Page(rawValue: words[1]), let clients = Int(words[2]),
                    let seconds = Double(words[3])
                else { throw BenchError("ask URL PAGE CLIENTS SECONDS") }
                let report = try await visit(
                    page,
                    try LoadTarget(url: words[0]),
                    clients: clients,
                    for: .seconds(seconds),
                    on: group
                )
                StandardStreams.write("APUS \(report.finished) \(report.all.failed)\n")
                return 0
            } catch {
                StandardStreams.writeError("bench: \(error)\n")
                return 1
            }
        }
    }

    private static func visit(
        _ page: Page,
        _ target: LoadTarget,
        clients: Int,
        for duration: Duration,
        on group: LoopGroup
    ) async throws -> LoadReport {
        let loop = group.loops[0]
        let client = Client(target.address, on: loop, host: target.host)
        defer { client.close() }
        let site = LoadSite(
            target: target,
            client: client,
            loop: loop,
            blocking: BlockingPool(),
            duration: duration,
            seed: 1,
            say: { _ in }
        )
        let scenario = Scenario(page.rawValue) { site in
            let guide = try await Guide(site)
            return Mix([Journey(page.rawValue) { try await guide.show(page, to: $0) }])
        }
        let mix = try await LoadRun.prepare(scenario, site)
        let run = LoadRun(
            LoadPlan(.closed(clients: clients, duration)),
            mix,
            target: target,
            scenario: scenario.name
        )
        return try await run.run(on: group.loops)
    }
}

/// Knows what there is to ask for.
private struct Guide: Sendable {
    private struct Products: Decodable {
        struct Product: Decodable {
            let id: String
            let department: String
            let available: Int
        }
        let products: [Product]
    }
    private struct Departments: Decodable {
        struct Department: Decodable { let id: String }
        let departments: [Department]
    }

    private let origin: String
    /// Whoever is in stock, some of each department.
    private let products: Feed<String>
    private let departments: Feed<String>
    private let words = Feed(["lantern", "heart", "christmas", "bag", "lunch%20box", "cake%20stand", "mug", "clock"])
    private let slips = Feed(["lantren", "hart", "chrismas", "candel", "umbrela"])
    /// The cookie of somebody with a product in the basket.
    private var basket = ""
    /// The cookie of somebody who has bought, and the order's path.
    private var buyer = ""
    private var order = ""

    init(_ site: LoadSite) async throws {
        origin = "http://\(site.target.host)"
        func read<Value: Decodable>(_ path: String) async throws -> Value {
            try JSONDecoder().decode(Value.self, from: Data(try await site.client.send(ClientRequest(.get, path)).body))
        }
        let list: Departments = try await read("/api/departments")
        var ids: [String] = []
        for department in list.departments {
            let page: Products = try await read("/api/products?department=\(department.id)&limit=50")
            ids += page.products.filter { $0.available > 50 }.map(\.id)
        }
        guard !ids.isEmpty else { throw BenchError("the shop has nothing in stock") }
        products = Feed(ids)
        departments = Feed(list.departments.map(\.id))
        basket = try await session(site, with: ids[0])
        buyer = try await session(site, with: ids[0])
        let request = post("/checkout", form: Self.address(key: "bench-\(SecureRandom.token())"), cookie: buyer)
        guard let path = try await site.client.send(request).field("Location"), path.hasPrefix("/orders/") else {
            throw BenchError("the checkout sold nothing")
        }
        order = path
    }

    /// The cookie of a new session with `product` in its basket.
    private func session(_ site: LoadSite, with product: String) async throws -> String {
        let answer = try await site.client.send(post("/basket/lines", form: "product=\(product)&quantity=1"))
        guard let cookie = answer.field("Set-Cookie") else { throw BenchError("the basket began no session") }
        return String(cookie.prefix { $0 != ";" })
    }

    private func post(_ path: String, form: String, cookie: String = "") -> ClientRequest {
        var fields = [(name: "Content-Type", value: "application/x-www-form-urlencoded"), ("Origin", origin)]
        if !cookie.isEmpty { fields.append(("Cookie", cookie)) }
        return ClientRequest(.post, path, fields: fields, body: Array(form.utf8))
    }

    private func get(_ path: String, cookie: String = "") -> ClientRequest {
        ClientRequest(.get, path, fields: cookie.isEmpty ? [] : [("Cookie", cookie)])
    }

    private static func address(key: String) -> String {
        "key=\(key)&name=Ada%20Lovelace&email=ada%40example.com&street=12%20St%20James%27s%20Square&town=London"
            + "&postcode=SW1Y%204JH&country=United%20Kingdom"
    }

    /// One visit.
    func show(_ page: Page, to visitor: Visitor) async throws {
        switch page {
        case .home: try await visitor.send(get("/"), as: "page")
        case .department:
            try await visitor.send(get("/departments/\(departments.next(for: visitor))"), as: "page")
        case .product: try await visitor.send(get("/products/\(products.next(for: visitor))"), as: "page")
        case .search: try await visitor.send(get("/search?q=\(words.next(for: visitor))"), as: "page")
        case .slip: try await visitor.send(get("/search?q=\(slips.next(for: visitor))"), as: "page")
        case .basket: try await visitor.send(get("/basket", cookie: basket), as: "page")
        case .form: try await visitor.send(get("/checkout", cookie: basket), as: "page")
        case .order: try await visitor.send(get(order, cookie: buyer), as: "page")
        case .add: try await add(visitor)
        case .buy:
            try await add(visitor)
            let form = Self.address(key: "bench-\(SecureRandom.token(bits: 64))")
            try await visitor.send(post("/checkout", form: form), as: "page", expecting: .redirection)
        }
    }

    private func add(_ visitor: Visitor) async throws {
        let form = "product=\(products.next(for: visitor))&quantity=1"
        try await visitor.send(post("/basket/lines", form: form), as: "page", expecting: .redirection)
    }
}
