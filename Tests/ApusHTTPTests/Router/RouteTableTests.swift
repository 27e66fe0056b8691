import ApusCore
import ApusHTTP
import Testing

struct ProductID: RawRepresentable, PathParameter, Codable, Hashable { var rawValue: Int }
enum Region: String, PathParameter, Codable, CaseIterable { case uk, eu, other }

struct RouteTableTests {
    static let home = Route(.get, "/")
    static let product = Route(.get, "/products/{id}", ProductID.self)
    static let review = Route(.get, "/products/{id}/reviews/{index}", ProductID.self, Int.self)
    static let newest = Route(.get, "/products/newest")
    static let buy = Route(.post, "/products/{id}", ProductID.self)
    static let region = Route(.get, "/regions/{region}/customers/{name}", Region.self, String.self)
    static let file = Route(.get, "/assets/{path...}", String.self)
    static let clash = Route(.put, "/products/newest/sold")
    static let deep = Route(.get, "/products/{id}/sold", ProductID.self)

    static func table() throws -> RouteTable {
        try RouteTable([
            RouteInfo(home), RouteInfo(product), RouteInfo(review), RouteInfo(newest), RouteInfo(buy),
            RouteInfo(region),
            RouteInfo(file), RouteInfo(clash), RouteInfo(deep),
        ])
    }

    static func match(_ table: RouteTable, _ method: ApusHTTP.Method, _ path: String) -> (RouteOutcome, [String]) {
        Array(path.utf8).withUnsafeBytes { bytes in
            var match = RouteMatch()
            let outcome = table.match(method, bytes, &match)
            return (outcome, (0..<match.count).map { match[$0].string(in: bytes) })
        }
    }

    @Test(arguments: [
        ("/", 0, []), ("", 0, []),
        ("/products/7", 1, ["7"]),
        ("/products/newest", 3, []),
        ("/products/newes", 1, ["newes"]),
        ("/products/newest/reviews/2", 2, ["newest", "2"]),
        ("/products/newest/sold", 8, ["newest"]),
        ("/regions/uk/customers/J%C3%B6rg", 5, ["uk", "J%C3%B6rg"]),
        ("/assets/a/b//c.css", 6, ["a/b//c.css"]),
    ])
    func `a path finds its route, literals first, parameters after`(path: String, route: Int, parameters: [String])
        throws
    {
        let (outcome, found) = Self.match(try Self.table(), .get, path)
        #expect(outcome == .route(route))
        #expect(found == parameters)
    }

    @Test(arguments: [
        "/product", "/products", "/products/", "/products//", "//", "/assets/", "/assets", "/products/7/reviews/",
    ])
    func `a path without a route is not found`(path: String) throws {
        #expect(Self.match(try Self.table(), .get, path) == (.notFound, []))
    }

    @Test func `a path with other methods says which, HEAD falls to GET, OPTIONS answers them all`() throws {
        let table = try Self.table()
        let get: MethodSet = [MethodSet(.get), MethodSet(.head), MethodSet(.options)]
        #expect(Self.match(table, .post, "/products/7/sold").0 == .methodNotAllowed(get))
        #expect(Self.match(table, .put, "/products/7").0 == .methodNotAllowed(get.union(MethodSet(.post))))
        #expect(Self.match(table, .delete, "/products/newest/sold").0 == .methodNotAllowed(get.union(MethodSet(.put))))
        #expect(Self.match(table, .other, "/").0 == .methodNotAllowed(get))
        #expect(Self.match(table, .head, "/products/7").0 == .route(1))
        #expect(Self.match(table, .options, "/products/7").0 == .options(get.union(MethodSet(.post))))
        #expect(Self.match(table, .options, "/nothing").0 == .notFound)
        var writer = ByteWriter()
        get.write(to: &writer)
        #expect(writer.string == "GET, HEAD, OPTIONS")
    }

    @Test func `the same route reads a path and builds it`() throws {
        #expect(Self.home.path() == "/")
        #expect(Self.review.path(ProductID(rawValue: 7), -3) == "/products/7/reviews/-3")
        #expect(Self.region.path(.uk, "a/b ö") == "/regions/uk/customers/a%2Fb%20%C3%B6")
        let table = try Self.table()
        let path = Array(Self.region.path(.eu, "Jörg").utf8)
        try path.withUnsafeBytes { bytes in
            var match = RouteMatch()
            #expect(table.match(.get, bytes, &match) == .route(5))
            let (region, name) = try Self.region.parameters(match, in: bytes)
            #expect(region == .eu)
            #expect(try match.parameter(0, Region.self, in: bytes) == .eu)
            #expect(name == "Jörg")
        }
    }

    @Test(arguments: ["/products/x", "/products/07", "/products/9223372036854775808", "/products/-", "/products/%37x"])
    func `a segment that names no value is not found`(path: String) throws {
        let table = try Self.table()
        Array(path.utf8).withUnsafeBytes { bytes in
            var match = RouteMatch()
            #expect(table.match(.get, bytes, &match) == .route(1))
            let error = #expect(throws: Problem.self) { _ = try Self.product.parameters(match, in: bytes) }
            #expect(error?.status == .notFound)
        }
    }

    @Test func `whole numbers are read as they are written`() {
        for number in [0, 1, -1, 42, Int.max, Int.min] {
            #expect(Array("\(number)".utf8).withUnsafeBytes { Int(pathSegment: $0) } == number)
        }
        for text in ["", "-", "-0", "+1", "00", "1 ", "9223372036854775808", "-9223372036854775809"] {
            #expect(Array(text.utf8).withUnsafeBytes { Int(pathSegment: $0) } == nil)
        }
        #expect(Array("18446744073709551616".utf8).withUnsafeBytes { UInt64(pathSegment: $0) } == nil)
    }

    @Test func `two routes for one method and path are a conflict`() {
        #expect(throws: RouteConflict.self) {
            try RouteTable([RouteInfo(Route(.get, "/a/{x}", Int.self)), RouteInfo(Route(.get, "/a/{y}", String.self))])
        }
    }

    @Test func `random tables agree with a naive search`() throws {
        var random = SeededRandom(seed: 11)
        let words = ["a", "b", "longer-than-eight", "longer-than-nine!", "{p}"]
        for round in 0..<200 {
            var patterns: Set<String> = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let count = Int.random(in: 1...4, using: &random)
                let parts = (0..<count).map { index in
                    (words.randomElement(using: &random) ?? "a").replacing("{p}", with: "{p\(index)}")
                }
                patterns.insert("/" + parts.joined(separator: "/"))
            }
            let list = patterns.sorted()
            let infos = list.map { text in
                var info = RouteInfo(Self.home)
                info.pattern = RoutePattern(text)
                return info
            }
            let table = try RouteTable(infos)
            for _ in 0..<40 {
                let count = Int.random(in: 1...4, using: &random)
                let path =
                    "/"
                    + (0..<count).map { _ in words.dropLast().randomElement(using: &random) ?? "a" }.joined(
                        separator: "/"
                    )
                let outcome = Self.match(table, .get, path).0
                #expect(outcome == naive(list, path), "round \(round), path \(path), patterns \(list)")
            }
        }
    }

    /// The best pattern that matches: at the first difference a literal beats a parameter.
    private func naive(_ patterns: [String], _ path: String) -> RouteOutcome {
        let parts = path.split(separator: "/")
        let fits = patterns.indices.filter { index in
            let pattern = patterns[index].split(separator: "/")
            return pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        let best = fits.min { left, right in
            let pairs = zip(patterns[left].split(separator: "/"), patterns[right].split(separator: "/"))
            for (one, other) in pairs where one.hasPrefix("{") != other.hasPrefix("{") { return other.hasPrefix("{") }
            return false
        }
        return best.map { .route($0) } ?? .notFound
    }
}
