import ApusCore

/// Why a query or a form is refused.
public enum FormFault: UInt8, Error, Sendable, Hashable, CaseIterable {
    /// More bytes than allowed.
    case tooLarge
    /// More fields than allowed.
    case tooManyFields
    /// Not percent-encoded UTF-8, or with a NUL.
    case malformedEncoding
}

/// Names and values of a query or of an `application/x-www-form-urlencoded` body, in the order sent.
///
/// - SeeAlso: WHATWG URL standard, section 5.1; stricter here: what is not UTF-8 is refused, not replaced.
public struct FormFields: Sendable, Hashable {
    /// Bounds on what is parsed.
    public struct Limits: Sendable, Hashable {
        /// Most bytes; 64 KiB unless set.
        public var bytesMax = 64 * 1024
        /// Most fields; 256 unless set.
        public var fieldsMax = 256

        /// Starts from the defaults.
        public init() {}
    }

    /// One name with its value.
    public struct Field: Sendable, Hashable {
        /// The name; may be empty.
        public let name: String
        /// The value; empty where there is no `=`.
        public let value: String
    }

    /// The fields in the order sent; a name may come more than once.
    public let fields: [Field]

    /// Parses `text`: fields apart by `&`, `+` for a space, percent-encoded UTF-8.
    public init(_ text: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(FormFault) {
        guard text.count <= limits.bytesMax else { throw .tooLarge }
        var fields: [Field] = []
        var start = 0
        while start < text.count {
            let stop = text[start...].firstIndex(of: UInt8(ascii: "&")) ?? text.count
            if stop > start {
                guard fields.count < limits.fieldsMax else { throw .tooManyFields }
                let equals = text[start..<stop].firstIndex(of: UInt8(ascii: "=")) ?? stop
                let valueStart = min(equals + 1, stop)
                guard
                    let name = PercentCoding.decodeText(
                        UnsafeRawBufferPointer(rebasing: text[start..<equals]),
                        plusIsSpace: true
                    ),
                    let value = PercentCoding.decodeText(
                        UnsafeRawBufferPointer(rebasing: text[valueStart..<stop]),
                        plusIsSpace: true
                    )
                else { throw .malformedEncoding }
                fields.append(Field(name: name, value: value))
            }
            start = stop + 1
        }
        self.fields = fields
    }

    /// The first value of that name, or `nil`.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Every value of that name, in order.
    public func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
}

extension Problem {
    /// The problem that answers a query or form that is refused: 400, or 413 where it is too large.
    public init(_ fault: FormFault) {
        self.init(fault == .malformedEncoding ? .badRequest : .contentTooLarge, code: "form.\(fault)")
    }
}
