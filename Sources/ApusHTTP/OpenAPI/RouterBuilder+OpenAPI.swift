extension RouterBuilder {
    /// Serves the OpenAPI document of the routes declared so far; call it last.
    ///
    /// The document is built once, here, and served with an entity tag.
    ///
    /// - Parameters:
    ///   - document: Title, version and what else the document says of the whole.
    ///   - path: Where it is served.
    /// - Throws: ``SchemaError`` where a route's type has no schema.
    public mutating func openAPI(_ document: OpenAPIDocument, at path: String = "/openapi.json") throws {
        file(path, type: MediaType.json, bytes: try document.json(routes))
    }
}
