/// What went wrong, for a program and for a person: an `application/problem+json` document.
///
/// Thrown by handlers; says nothing that the caller may not know.
///
/// - SeeAlso: RFC 9457.
public struct Problem: Error, Sendable, Hashable {
    /// The value of an extension member.
    public enum Value: Sendable, Hashable {
        /// A JSON string.
        case string(String)
        /// A JSON number.
        case integer(Int)
        /// A JSON true or false.
        case flag(Bool)
        /// A JSON array of strings.
        case strings([String])
    }

    /// One extension member.
    public struct Member: Sendable, Hashable {
        /// The member's name, none of those the document has itself.
        public var name: String
        /// Its value.
        public var value: Value

        /// A member from its parts.
        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The media type of the document.
    public static let mediaType: StaticString = "application/problem+json"

    /// The response's status.
    public var status: Status
    /// What a program matches on, such as `cart.empty`; never changes its meaning.
    public var code: String
    /// The problem in a few words, the same every time; the status's reason unless set.
    public var title: String
    /// This occurrence in a sentence, or `nil`.
    public var detail: String?
    /// A URI of the kind of problem; `nil` is `about:blank`.
    public var type: String?
    /// A URI reference of this occurrence, such as the request's path, or `nil`.
    public var instance: String?
    /// The trace to look up in the logs, or `nil`.
    public var traceID: String?
    /// What else a program may want to know, in the order written.
    public var members: [Member] = []

    /// A problem with that status; the title is the status's reason unless given.
    public init(
        _ status: Status,
        code: String,
        title: String? = nil,
        detail: String? = nil,
        members: [Member] = []
    ) {
        self.status = status
        self.code = code
        self.title = title ?? "\(status.reason)"
        self.detail = detail
        self.members = members
    }

    /// The problem that answers a request refused by the parser.
    public init(_ error: ParseError) {
        self.init(error.status, code: "http.\(error.code)")
    }

    /// Appends the document.
    public func write(to writer: inout ByteWriter) {
        writer.json { json in
            json.beginObject()
            if let type { json.field("type", type) }
            json.field("title", title)
            json.field("status", Int(status.code))
            if let detail { json.field("detail", detail) }
            if let instance { json.field("instance", instance) }
            json.field("code", code)
            if let traceID { json.field("traceId", traceID) }
            for member in members where !Self.ownNames.contains(member.name) {
                json.key(string: member.name)
                switch member.value {
                case .string(let text): json.value(text)
                case .integer(let number): json.value(number)
                case .flag(let flag): json.value(flag)
                case .strings(let texts):
                    json.beginArray()
                    for text in texts { json.value(text) }
                    json.endArray()
                }
            }
            json.endObject()
        }
    }

    private static let ownNames = ["type", "title", "status", "detail", "instance", "code", "traceId"]
}
