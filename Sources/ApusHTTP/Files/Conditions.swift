/// What identifies one state of a resource.
public struct Validators: Sendable, Hashable {
    /// The entity tag with its quotation marks, `W/` before it if weak; `nil` if there is none.
    public var etag: String?
    /// Seconds after 1970 of the last change, or `nil`.
    public var lastModified: Int64?

    /// Validators from their parts.
    public init(etag: String? = nil, lastModified: Int64? = nil) {
        self.etag = etag
        self.lastModified = lastModified
    }
}

/// What the conditions of a request come to.
public enum ConditionOutcome: Sendable, Hashable {
    /// Answer as if there were no conditions.
    case proceed
    /// Answer 304 without a body.
    case notModified
    /// Answer 412.
    case preconditionFailed
}

/// The conditional fields of a request, as bytes of its head; `nil` for each that is absent.
///
/// - SeeAlso: RFC 9110, section 13.
public struct Conditions {
    /// The value of `If-Match`.
    public var ifMatch: UnsafeRawBufferPointer?
    /// The value of `If-None-Match`.
    public var ifNoneMatch: UnsafeRawBufferPointer?
    /// The value of `If-Modified-Since`.
    public var ifModifiedSince: UnsafeRawBufferPointer?
    /// The value of `If-Unmodified-Since`.
    public var ifUnmodifiedSince: UnsafeRawBufferPointer?
    /// The value of `If-Range`.
    public var ifRange: UnsafeRawBufferPointer?

    /// No conditions.
    public init() {}

    /// The conditions in `table`, whose offsets are into `head`.
    public init(_ table: HeaderTable, in head: UnsafeRawBufferPointer) {
        ifMatch = table.value(of: .ifMatch)?.bytes(in: head)
        ifNoneMatch = table.value(of: .ifNoneMatch)?.bytes(in: head)
        ifModifiedSince = table.value(of: .ifModifiedSince)?.bytes(in: head)
        ifUnmodifiedSince = table.value(of: .ifUnmodifiedSince)?.bytes(in: head)
        ifRange = table.value(of: .ifRange)?.bytes(in: head)
    }

    /// Weighs the conditions in the order of RFC 9110, section 13.2.2.
    public func outcome(_ method: Method, _ current: Validators) -> ConditionOutcome {
        if let ifMatch {
            guard EntityTags.list(ifMatch, contains: current.etag, strongly: true) else { return .preconditionFailed }
        } else if let date = ifUnmodifiedSince.flatMap(HTTPDate.parse), let modified = current.lastModified {
            guard modified <= date else { return .preconditionFailed }
        }
        let reads = method == .get || method == .head
        if let ifNoneMatch {
            if EntityTags.list(ifNoneMatch, contains: current.etag, strongly: false) {
                return reads ? .notModified : .preconditionFailed
            }
        } else if reads, let date = ifModifiedSince.flatMap(HTTPDate.parse), let modified = current.lastModified {
            if modified <= date { return .notModified }
        }
        return .proceed
    }

    /// Whether a `Range` field applies: there is no `If-Range`, or it names the present state exactly.
    public func rangeApplies(_ current: Validators) -> Bool {
        guard let ifRange else { return true }
        if let date = HTTPDate.parse(ifRange) { return current.lastModified == date }
        guard let etag = current.etag, !etag.hasPrefix("W/") else { return false }
        return etag.utf8.elementsEqual(ifRange)
    }
}

/// Compares entity tags.
///
/// - SeeAlso: RFC 9110, section 8.8.3.
enum EntityTags {
    /// Whether a list of entity tags, or `*`, contains `etag`; what is no list contains nothing.
    static func list(_ list: UnsafeRawBufferPointer, contains etag: String?, strongly: Bool) -> Bool {
        if list.count == 1, list[0] == UInt8(ascii: "*") { return etag != nil }
        guard let etag else { return false }
        var wanted = Array(etag.utf8)
        let isWeak = etag.hasPrefix("W/")
        if isWeak {
            if strongly { return false }
            wanted.removeFirst(2)
        }
        var offset = 0
        while offset < list.count {
            if list[offset] == UInt8(ascii: ",") || FieldParser.isSpace(list[offset]) {
                offset += 1
                continue
            }
            var weak = false
            if offset + 1 < list.count, list[offset] == UInt8(ascii: "W"), list[offset + 1] == UInt8(ascii: "/") {
                weak = true
                offset += 2
            }
            guard offset < list.count, list[offset] == 0x22,
                let end = list[(offset + 1)...].firstIndex(of: 0x22)
            else { return false }
            if !(weak && strongly), list[offset...end].elementsEqual(wanted) { return true }
            offset = end + 1
        }
        return false
    }
}
