/// What a route says of itself: how it is found, what it accepts, and what the OpenAPI document says.
public struct RouteInfo: Sendable {
    /// A named parameter of the query.
    public struct Query: Sendable {
        /// The parameter's name.
        public var name: String
        /// Its schema.
        public var schema: JSONSchema
        /// Whether the request is refused without it.
        public var isRequired: Bool
        /// What it means, in a sentence.
        public var summary: String

        /// A parameter from its parts.
        public init(_ name: String, _ schema: JSONSchema, isRequired: Bool = false, summary: String = "") {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
            self.summary = summary
        }
    }

    /// A field of the request's head.
    public typealias Header = Query

    /// A body's media type and the type its schema is derived from.
    public struct Content: Sendable {
        /// The media type, `application/json` for a Codable type.
        public var mediaType: String
        /// The type to derive a schema from; `nil` for what is not JSON.
        public var type: (any (Decodable & SendableMetatype).Type)?

        /// JSON of a Codable type.
        public static func json(_ type: any (Decodable & SendableMetatype).Type) -> Content {
            Content(mediaType: "application/json", type: type)
        }

        /// Something else, such as `text/html; charset=utf-8`.
        public static func other(_ mediaType: String) -> Content { Content(mediaType: mediaType, type: nil) }
    }

    /// The method.
    public var method: Method
    /// The path.
    public var pattern: RoutePattern
    /// Schemas of the path's parameters, in order.
    public var parameterSchemas: [JSONSchema]
    /// What the route does, in a few words.
    public var summary = ""
    /// The group it belongs to in the document.
    public var tag: String?
    /// Largest request body in bytes, 0 for none; 1 MiB unless set; beyond it 413.
    public var bodyBytesMax = 1 << 20
    /// Query parameters.
    public var queries: [Query] = []
    /// Fields of the request's head that mean something to the route.
    public var headers: [Header] = []
    /// The request's body, if it has one.
    public var request: Content?
    /// The status of success; 200 unless set.
    public var status = Status.ok
    /// The body of success, if it has one.
    public var response: Content?
    /// Statuses answered with a problem document, beside those every route has.
    public var problems: [Status] = []
    /// Whether the document leaves the route out, as it does pages and assets.
    public var isHidden = false

    /// The description of `route`.
    public init<each Parameter: PathParameter>(_ route: Route<repeat each Parameter>, summary: String = "") {
        method = route.method
        pattern = route.pattern
        parameterSchemas = route.parameterSchemas
        self.summary = summary
    }
}
