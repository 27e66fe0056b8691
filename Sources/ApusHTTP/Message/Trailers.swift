/// Parses a trailer section that was collected from ``ChunkedDecoder``.
public enum Trailers {
    /// Fills `table` with the fields of a trailer section: field lines, without the empty line after them.
    ///
    /// Fields that frame, route, authenticate or control a message are refused: whoever merges trailers into the head
    /// would otherwise act on them.
    ///
    /// - Throws: ``ParseError``.
    /// - SeeAlso: RFC 9110, section 6.5.1.
    public static func parse(_ bytes: UnsafeRawBufferPointer, table: HeaderTable) throws(ParseError) {
        table.removeAll()
        guard let base = bytes.baseAddress else { return }
        guard bytes.count <= 65_535 else { throw ParseError(.trailersTooLarge) }
        var facts = FieldFacts()
        var offset = 0
        while offset < bytes.count {
            let next = FieldParser.parseLine(
                base,
                offset,
                bytes.count,
                table,
                KnownNames.shared,
                HeaderTable.fieldsMax,
                &facts
            )
            guard next > 0 else {
                throw ParseError(
                    ParseError.Code(rawValue: UInt8(truncatingIfNeeded: -next)) ?? .malformedTrailer
                )
            }
            offset = next
        }
        for index in 0..<table.count where isForbidden(table[index].id) { throw ParseError(.forbiddenTrailer) }
    }

    /// Whether a field of that name must not come after the body.
    public static func isForbidden(_ name: HeaderName) -> Bool {
        if name.isHopByHop { return true }
        switch name {
        case .host, .contentLength, .expect, .range, .ifMatch, .ifNoneMatch, .ifRange, .ifModifiedSince,
            .ifUnmodifiedSince, .authorization, .wwwAuthenticate, .cookie, .setCookie, .contentType, .contentEncoding,
            .contentRange, .cacheControl, .age, .date, .expires, .location, .retryAfter, .vary, .forwarded,
            .xForwardedFor, .xForwardedHost, .xForwardedProto, .xRealIP, .via, .origin, .idempotencyKey:
            return true
        default: return false
        }
    }
}
