/// Why a value could not be written or read.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A cause one can act on; more may be added, so callers keep a default branch.
    @nonexhaustive
    public enum Code: Sendable, Hashable {
        /// The bytes end inside a value.
        case truncated
        /// The writer did not send a field that the reader cannot do without.
        case missingField
        /// A length says more than there is, or a number does not fit its type.
        case malformedNumber
        /// Text that is not UTF-8.
        case malformedText
        /// Bytes that are no value of the type, such as an unknown case of an enumeration.
        case malformedValue
        /// Values nested more than ``WireReader/depthMax`` deep.
        case tooDeep
        /// Bytes are left after the value.
        case trailingBytes
        /// The type asks for something the format does not have.
        case unsupported
    }
    /// Who has to act.
    public enum Fault: Sendable, Hashable {
        /// Whoever wrote the bytes: another version, or a stranger.
        case writer
        /// The author of the type.
        case type
    }
    /// What to match on, never the text.
    public let code: Code
    /// Whose mistake it was.
    public var fault: Fault { code == .unsupported ? .type : .writer }
    /// False: the same bytes never read better the second time.
    public var isRetryable: Bool { false }
    /// The fields that lead to the mistake, outermost first; never a value.
    public private(set) var path: [String]
    /// Sizes and names for the log.
    public let detail: String

    /// An error at the value itself.
    public init(_ code: Code, detail: String = "") {
        self.code = code
        self.path = []
        self.detail = detail
    }

    /// The same error, one field further out.
    public func under(_ field: String) -> WireError {
        var error = self
        error.path.insert(field, at: 0)
        return error
    }

    /// One line: path, code, detail.
    public var description: String {
        let place = path.isEmpty ? "value" : path.joined(separator: ".")
        return detail.isEmpty ? "\(place): \(code)" : "\(place): \(code), \(detail)"
    }

    /// What `error` means in this module's terms.
    static func of(_ error: any Error) -> WireError {
        if let error = error as? WireError { return error }
        guard let error = error as? DecodingError else {
            return WireError(.malformedValue, detail: "refused by the type: \(type(of: error))")
        }
        switch error {
        case .keyNotFound(let key, _): return WireError(.missingField).under(key.stringValue)
        case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
            var text = ""
            for character in context.debugDescription.prefix(160) where !character.isNewline { text.append(character) }
            return WireError(.malformedValue, detail: text)
        @unknown default: return WireError(.malformedValue)
        }
    }
}
