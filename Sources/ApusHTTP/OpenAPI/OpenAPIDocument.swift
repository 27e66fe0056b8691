/// The OpenAPI 3.1 document of a table of routes.
///
/// The same routes give the same bytes: paths in the order of their first route, methods in the order declared, schemas
/// in the order met.
///
/// - SeeAlso: OpenAPI Specification 3.1.1.
public struct OpenAPIDocument: Sendable {
    /// The service's name.
    public var title: String
    /// The service's version.
    public var version: String
    /// What the service is for, or `nil`.
    public var summary: String?
    /// Statuses that every route may answer with a problem document.
    public var commonProblems: [Status] = [.badRequest, .internalServerError, .serviceUnavailable]

    /// A document of that title and version.
    public init(title: String, version: String) {
        self.title = title
        self.version = version
    }

    /// The document as JSON.
    ///
    /// - Throws: ``SchemaError`` where a route's type has no schema.
    public func json(_ routes: [RouteInfo]) throws -> [UInt8] {
        let routes = routes.filter { !$0.isHidden }
        let deriver = SchemaDeriver()
        var operations: [Operation] = []
        for route in routes {
            operations.append(
                Operation(
                    route: route,
                    request: try route.request?.type.map(deriver.schema(of:)),
                    response: try route.response?.type.map(deriver.schema(of:))
                )
            )
        }
        var writer = ByteWriter(capacity: 16 * 1024)
        writer.json { json in
            json.beginObject()
            json.field("openapi", "3.1.1")
            json.key("info")
            json.beginObject()
            json.field("title", title)
            json.field("version", version)
            if let summary { json.field("summary", summary) }
            json.endObject()
            writePaths(operations, to: &json)
            writeComponents(deriver.named, to: &json)
            json.endObject()
        }
        return Array(writer.bytes)
    }

    /// A route with its schemas.
    private struct Operation {
        let route: RouteInfo
        let request: JSONSchema?
        let response: JSONSchema?
    }

    private func writePaths(_ operations: [Operation], to json: inout JSONWriter) {
        var order: [String] = []
        var byPath: [String: [Operation]] = [:]
        for operation in operations {
            let path = operation.route.pattern.description
            if byPath[path] == nil { order.append(path) }
            byPath[path, default: []].append(operation)
        }
        json.key("paths")
        json.beginObject()
        for path in order {
            json.key(string: path)
            json.beginObject()
            for operation in byPath[path] ?? [] where operation.route.method != .connect {
                json.key(string: "\(operation.route.method.spelling)".lowercased())
                write(operation, to: &json)
            }
            json.endObject()
        }
        json.endObject()
    }

    private func write(_ operation: Operation, to json: inout JSONWriter) {
        let route = operation.route
        json.beginObject()
        json.field("operationId", operationID(route))
        if !route.summary.isEmpty { json.field("summary", route.summary) }
        if let tag = route.tag {
            json.key("tags")
            json.beginArray()
            json.value(tag)
            json.endArray()
        }
        writeParameters(route, to: &json)
        if let content = route.request {
            json.key("requestBody")
            json.beginObject()
            json.field("required", true)
            write(content, operation.request, to: &json)
            json.endObject()
        }
        json.key("responses")
        json.beginObject()
        json.key(string: "\(route.status.code)")
        json.beginObject()
        json.field("description", "\(route.status.reason)")
        if let content = route.response { write(content, operation.response, to: &json) }
        json.endObject()
        for status in problems(of: route) {
            json.key(string: "\(status.code)")
            json.beginObject()
            json.field("$ref", "#/components/responses/Problem")
            json.endObject()
        }
        json.endObject()
        json.endObject()
    }

    /// The statuses of a route's problems: its own, those of every route, and those its parts imply; each once, in order.
    private func problems(of route: RouteInfo) -> [Status] {
        var statuses = Set(route.problems + commonProblems)
        if !route.pattern.parameterNames.isEmpty { statuses.insert(.notFound) }
        if route.request != nil { statuses.formUnion([.contentTooLarge, .unprocessableContent]) }
        statuses.remove(route.status)
        return statuses.sorted()
    }

    private func operationID(_ route: RouteInfo) -> String {
        let words = route.pattern.description.split { !$0.isLetter && !$0.isNumber }
        return "\(route.method.spelling)".lowercased()
            + (words.isEmpty ? "Root" : words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined())
    }

    private func writeParameters(_ route: RouteInfo, to json: inout JSONWriter) {
        let names = route.pattern.parameterNames
        let others = route.queries.map { ("query", $0) } + route.headers.map { ("header", $0) }
        guard !names.isEmpty || !others.isEmpty else { return }
        json.key("parameters")
        json.beginArray()
        for (name, schema) in zip(names, route.parameterSchemas) {
            json.beginObject()
            json.field("name", name)
            json.field("in", "path")
            json.field("required", true)
            json.key("schema")
            schema.write(to: &json)
            json.endObject()
        }
        for (place, parameter) in others {
            json.beginObject()
            json.field("name", parameter.name)
            json.field("in", place)
            if !parameter.summary.isEmpty { json.field("description", parameter.summary) }
            if parameter.isRequired { json.field("required", true) }
            json.key("schema")
            parameter.schema.write(to: &json)
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ content: RouteInfo.Content, _ schema: JSONSchema?, to json: inout JSONWriter) {
        json.key("content")
        json.beginObject()
        json.key(string: content.mediaType)
        json.beginObject()
        if let schema {
            json.key("schema")
            schema.write(to: &json)
        }
        json.endObject()
        json.endObject()
    }

    private func writeComponents(_ named: [SchemaDeriver.Named], to json: inout JSONWriter) {
        json.key("components")
        json.beginObject()
        json.key("schemas")
        json.beginObject()
        for entry in named {
            json.key(string: entry.name)
            entry.schema.write(to: &json)
        }
        json.key(string: Self.problemName)
        Self.problem.write(to: &json)
        json.endObject()
        json.key("responses")
        json.beginObject()
        json.key("Problem")
        json.beginObject()
        json.field("description", "What went wrong, as RFC 9457 writes it.")
        json.key("content")
        json.beginObject()
        json.key(Problem.mediaType)
        json.beginObject()
        json.key("schema")
        JSONSchema.reference(Self.problemName).write(to: &json)
        json.endObject()
        json.endObject()
        json.endObject()
        json.endObject()
        json.endObject()
    }

    /// No Swift type has a dot in its name, so no derived schema can take this one.
    private static let problemName = "http.Problem"

    private static let problem = JSONSchema.object([
        .init("type", JSONSchema(.string, format: "uri-reference"), isOptional: true),
        .init("title", JSONSchema(.string)),
        .init("status", JSONSchema(.integer)),
        .init("detail", JSONSchema(.string), isOptional: true),
        .init("instance", JSONSchema(.string, format: "uri-reference"), isOptional: true),
        .init("code", JSONSchema(.string)),
        .init("traceId", JSONSchema(.string), isOptional: true),
    ])
}
