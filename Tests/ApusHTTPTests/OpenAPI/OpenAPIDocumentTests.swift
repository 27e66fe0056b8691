import ApusHTTP
import FoundationEssentials
import Testing

struct OpenAPIDocumentTests {
    enum Size: String, Codable, CaseIterable { case small, large }
    enum Grade: Int, Codable, CaseIterable { case low = 1, high = 2 }
    struct Money: Codable, SchemaProviding {
        var pence: Int
        init(from decoder: any Decoder) throws {
            pence = try decoder.singleValueContainer().decode(Int.self)
            guard pence > 0 else { throw ParseError(.malformedContentLength) }
        }
        init(pence: Int) { self.pence = pence }
        static let jsonSchema = JSONSchema(.integer, minimum: 1)
        static let schemaSample = Money(pence: 1)
    }
    struct Category: Codable {
        var name: String
        var children: [Category]
    }
    struct Product: Codable {
        var id: ProductID
        var name: String
        var price: Money
        var size: Size?
        var grade: Grade
        var tags: [String]
        var stock: [String: Int]
        var category: Category
        var other: Category
        var added: Date
        var weight: Double?
    }
    struct Unclear: Codable {
        enum Choice: Codable { case one(Int), two }
        var choice: Choice
    }
    struct NewReview: Codable { var stars: Int }

    static func routes() -> [RouteInfo] {
        var list = RouteInfo(Route(.get, "/products"), summary: "Lists products")
        list.queries = [
            .init("page", JSONSchema(.integer, minimum: 1), summary: "Which page"),
            .init("q", JSONSchema(.string), isRequired: true),
        ]
        list.response = .json([Product].self)
        list.tag = "catalogue"
        var one = RouteInfo(Route(.get, "/products/{id}", ProductID.self))
        one.response = .json(Product.self)
        var review = RouteInfo(Route(.post, "/products/{id}/reviews/{region}", ProductID.self, Region.self))
        review.request = .json(NewReview.self)
        review.status = .created
        review.problems = [.conflict]
        var page = RouteInfo(Route(.get, "/"))
        page.response = .other("text/html")
        var hidden = RouteInfo(Route(.get, "/assets/{path...}", String.self))
        hidden.isHidden = true
        return [list, review, one, page, hidden]
    }

    static func document() throws -> [UInt8] { try OpenAPIDocument(title: "Shop", version: "1.0").json(routes()) }
    static func tree() throws -> JSONTree { try JSONDecoder().decode(JSONTree.self, from: Data(document())) }

    @Test func `the document is JSON, says 3.1, and is the same every time`() throws {
        let bytes = try Self.document()
        #expect(throws: Never.self) { try bytes.withUnsafeBytes { try JSONScanner().check($0) } }
        #expect(try Self.tree()["openapi"]?.text == "3.1.1")
        #expect(try Self.tree()["info"]?["title"]?.text == "Shop")
        for _ in 0..<3 { #expect(try Self.document() == bytes) }
    }

    @Test func `every reference resolves`() throws {
        let tree = try Self.tree()
        var found = 0
        tree.visit { node in
            guard let reference = node["$ref"]?.text else { return }
            found += 1
            let target = reference.split(separator: "/").dropFirst().reduce(tree as JSONTree?) { $0?[String($1)] }
            #expect(reference.hasPrefix("#/") && target != nil, "\(reference)")
        }
        #expect(found > 10)
    }

    @Test func `path parameters are those of the path, operations have one name each, and there is a response`() throws
    {
        let paths = try #require(try Self.tree()["paths"]?.members)
        #expect(Set(paths.keys) == ["/products", "/products/{id}", "/products/{id}/reviews/{region}", "/"])
        var names: Set<String> = []
        for (path, item) in paths {
            let holes = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                String($0.dropFirst().dropLast())
            }
            for (method, operation) in item.members ?? [:] {
                #expect(["get", "put", "post", "delete", "options", "head", "patch", "trace"].contains(method))
                let parameters = operation["parameters"]?.elements ?? []
                #expect(parameters.filter { $0["in"]?.text == "path" }.compactMap { $0["name"]?.text } == holes)
                #expect(
                    parameters.allSatisfy {
                        $0["schema"] != nil && ($0["in"]?.text == "query" || $0["required"]?.flag == true)
                    }
                )
                let name = operation["operationId"]?.text ?? ""
                #expect(!name.isEmpty && !names.contains(name))
                names.insert(name)
                let responses = operation["responses"]?.members ?? [:]
                #expect(responses.keys.allSatisfy { Int($0) != nil })
                #expect(responses.values.allSatisfy { $0["$ref"] != nil || $0["description"] != nil })
            }
        }
        let review = paths["/products/{id}/reviews/{region}"]?["post"]
        #expect(
            Set(review?["responses"]?.members?.keys ?? [:].keys) == [
                "201", "400", "404", "409", "413", "422", "500", "503",
            ]
        )
        #expect(
            review?["requestBody"]?["content"]?["application/json"]?["schema"]?["$ref"]?.text
                == "#/components/schemas/NewReview"
        )
    }

    @Test func `schemas follow from the types`() throws {
        let deriver = SchemaDeriver()
        let schema = try deriver.schema(of: [Product].self)
        #expect(schema == .array(of: .reference("Product")))
        #expect(deriver.named.map(\.name) == ["Product", "Category"])
        let product = try #require(deriver.named.first?.schema)
        let byName = Dictionary(uniqueKeysWithValues: product.properties.map { ($0.name, $0) })
        #expect(
            product.properties.map(\.name) == [
                "id", "name", "price", "size", "grade", "tags", "stock", "category", "other", "added", "weight",
            ]
        )
        #expect(byName["id"]?.schema == JSONSchema(.integer, format: "int64"))
        #expect(byName["price"]?.schema == JSONSchema(.integer, minimum: 1))
        #expect(byName["size"]?.isOptional == true)
        #expect(byName["size"]?.schema.choices == [.string("small"), .string("large")])
        #expect(byName["grade"]?.schema.choices == [.integer(1), .integer(2)])
        #expect(byName["stock"]?.schema == .dictionary(of: JSONSchema(.integer, format: "int64")))
        #expect(byName["other"]?.schema == .reference("Category"))
        #expect(byName["added"]?.schema.format == "date-time")
        #expect(deriver.named.last?.schema.properties.last?.schema == .array(of: .reference("Category")))
    }

    @Test func `a type without a derivable schema is named`() {
        let error = #expect(throws: SchemaError.self) { _ = try SchemaDeriver().schema(of: Unclear.self) }
        #expect(error?.type.contains("Choice") == true)
        #expect(error?.path == ["choice"])
    }

    @Test func `an optional element may be null`() throws {
        let schema = try SchemaDeriver().schema(of: [Category?].self)
        var writer = ByteWriter()
        writer.json { schema.write(to: &$0) }
        #expect(
            writer.string
                == ##"{"type":"array","items":{"anyOf":[{"$ref":"#/components/schemas/Category"},{"type":"null"}]}}"##
        )
    }
}

/// JSON as a tree, to look around in.
indirect enum JSONTree: Decodable {
    case object([String: JSONTree])
    case array([JSONTree])
    case string(String)
    case number(Double)
    case bool(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let flag = try? single.decode(Bool.self) {
            self = .bool(flag)
        } else if let text = try? single.decode(String.self) {
            self = .string(text)
        } else if let number = try? single.decode(Double.self) {
            self = .number(number)
        } else if let elements = try? single.decode([JSONTree].self) {
            self = .array(elements)
        } else {
            self = .object(try single.decode([String: JSONTree].self))
        }
    }

    subscript(name: String) -> JSONTree? { members?[name] }
    var members: [String: JSONTree]? { if case .object(let members) = self { members } else { nil } }
    var elements: [JSONTree]? { if case .array(let elements) = self { elements } else { nil } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }

    func visit(_ body: (JSONTree) -> Void) {
        body(self)
        for child in members?.values.map({ $0 }) ?? elements ?? [] { child.visit(body) }
    }
}
