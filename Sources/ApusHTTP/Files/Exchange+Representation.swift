/// What a handler can answer with: its type, its length and the state it is in.
struct Representation: Sendable {
    var type: StaticString
    var length: UInt64
    var validators: Validators
    var cacheControl: String
}

extension Exchange {
    /// Weighs conditions and range, and begins the answer.
    ///
    /// - Returns: The bytes to write, then ``endStreaming(trailers:)`` is due; `nil` where all is answered (304, HEAD).
    /// - Throws: A ``Problem`` with 412 or 416.
    /// - SeeAlso: RFC 9110, sections 13.2.2 and 14.2.
    func begin(_ representation: Representation) throws -> Range<UInt64>? {
        let conditions = Conditions(workspace.pointee.table, in: live.headBytes)
        let outcome = conditions.outcome(method, representation.validators)
        if outcome == .preconditionFailed { throw Problem(.preconditionFailed, code: "file.changed") }
        var wanted = ByteRangeRequest.whole
        if outcome == .proceed, method == .get, let field = field(.range),
            conditions.rangeApplies(representation.validators)
        {
            wanted = ByteRangeRequest(field, length: representation.length)
        }
        if wanted != .whole { addContentRange(wanted, length: representation.length) }
        if wanted == .unsatisfiable { throw Problem(.rangeNotSatisfiable, code: "file.range") }
        addValidators(representation)
        if outcome == .notModified {
            answer(.notModified)
            return nil
        }
        var range = 0..<representation.length
        if case .part(let part) = wanted { range = part }
        let status: Status = wanted == .whole ? .ok : .partialContent
        beginStreaming(status, type: representation.type, length: Int(clamping: range.upperBound - range.lowerBound))
        guard method != .head else {
            endStreaming()
            return nil
        }
        return range
    }

    private func addContentRange(_ range: ByteRangeRequest, length: UInt64) {
        let fields = workspace.pointee.fields
        fields.pointee.append("Content-Range: ")
        range.writeContentRange(length: length, to: &fields.pointee)
        fields.pointee.append("\r\n")
    }

    private func addValidators(_ representation: Representation) {
        if let etag = representation.validators.etag { setField("ETag", etag) }
        if let seconds = representation.validators.lastModified {
            let fields = workspace.pointee.fields
            fields.pointee.append("Last-Modified: ")
            fields.pointee.append(httpDate: seconds)
            fields.pointee.append("\r\n")
        }
        setField("Accept-Ranges", "bytes")
        if !representation.cacheControl.isEmpty { setField("Cache-Control", representation.cacheControl) }
    }
}
