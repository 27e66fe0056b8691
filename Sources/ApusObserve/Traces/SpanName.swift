import ApusCore

/// Text that lives as long as the process: the name of a span or of an attribute.
///
/// A literal costs nothing. Text made at run time, such as a route's, is copied once by ``init(_:)-(String)``: make it when
/// the route is declared, not in each request. At most 4,096 of those are kept; beyond, names read `other`.
public struct SpanName: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    let address: UInt
    let count: Int

    /// A name from a literal.
    public init(stringLiteral: StaticString) {
        precondition(stringLiteral.hasPointerRepresentation, "a name has more than one character")
        address = UInt(bitPattern: stringLiteral.utf8Start)
        count = stringLiteral.utf8CodeUnitCount
    }

    /// A name made at run time; the same text gives the same name.
    public init(_ text: String) {
        let known = Self.made.withLock { made -> SpanName? in
            if let known = made[text] { return known }
            guard made.count < 4096 else { return nil }
            let bytes = Array(text.utf8)
            let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
            copy.update(from: bytes, count: bytes.count)
            let name = SpanName(address: UInt(bitPattern: copy), count: bytes.count)
            made[text] = name
            return name
        }
        self = known ?? "other"
    }

    private init(address: UInt, count: Int) {
        self.address = address
        self.count = count
    }

    private static let made = Lock<[String: SpanName]>([:])

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
    }

    /// The name as text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }

    /// Compares the text.
    public static func == (left: SpanName, right: SpanName) -> Bool {
        left.count == right.count && (left.address == right.address || left.bytes.elementsEqual(right.bytes))
    }

    /// Hashes the text.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes) }
}

extension SpanName {
    /// `http.request.method`, such as GET.
    public static let httpRequestMethod: SpanName = "http.request.method"
    /// `http.response.status_code`, such as 200.
    public static let httpResponseStatusCode: SpanName = "http.response.status_code"
    /// `http.route`, such as `/products/{id}`.
    public static let httpRoute: SpanName = "http.route"
    /// `url.path`.
    public static let urlPath: SpanName = "url.path"
    /// `server.address`.
    public static let serverAddress: SpanName = "server.address"
    /// `server.port`.
    public static let serverPort: SpanName = "server.port"
    /// `client.address`.
    public static let clientAddress: SpanName = "client.address"
    /// `error.type`: a low-cardinality name of what went wrong.
    public static let errorType: SpanName = "error.type"
    /// `db.system.name`, such as sqlite.
    public static let dbSystemName: SpanName = "db.system.name"
    /// `db.operation.name`, such as SELECT.
    public static let dbOperationName: SpanName = "db.operation.name"
    /// `db.namespace`: database or shard.
    public static let dbNamespace: SpanName = "db.namespace"
    /// `rpc.system`.
    public static let rpcSystem: SpanName = "rpc.system"
    /// `rpc.service`.
    public static let rpcService: SpanName = "rpc.service"
    /// `rpc.method`.
    public static let rpcMethod: SpanName = "rpc.method"
}
