import Apus

/// What the shop's handlers ask of a request and say in an answer.
extension Exchange {
    /// Largest form or document taken, in bytes.
    static let formBytesMax = 16 << 10

    // MARK: Asking

    /// Whether the visitor came over TLS, as the edge tells.
    var isSecure: Bool { text(.xForwardedProto) == "https" }

    /// The session cookie's name.
    ///
    /// Over TLS its prefix makes browsers refuse it from any other host or path.
    private var cookieName: StaticString { isSecure ? "__Host-session" : "session" }

    /// The id in the session cookie, if it looks like one.
    var sessionID: String? {
        guard let cookie = field(.cookie), let value = Cookies.value(of: cookieName, in: cookie),
            let id = String(validating: value, as: UTF8.self), RandomID.isValid(id)
        else { return nil }
        return id
    }

    /// The query's fields.
    ///
    /// - Throws: A `Problem` where it is malformed.
    func queryFields() throws -> FormFields {
        do throws(FormFault) { return try FormFields(query) } catch { throw Problem(error) }
    }

    /// The fields of the form that was sent.
    ///
    /// - Throws: A `Problem`: 415 for another media type, 413, 400; 403 where the form came from elsewhere.
    func form() async throws -> FormFields {
        guard hasMediaType("application/x-www-form-urlencoded") else {
            throw Problem(.unsupportedMediaType, code: "form.mediaType")
        }
        let body = try await body(bytesMax: Self.formBytesMax)
        let parsed = body.withUnsafeBytes { bytes in
            Result { () throws(FormFault) in try FormFields(bytes) }
        }
        switch parsed {
        case .success(let fields): return fields
        case .failure(let fault): throw Problem(fault)
        }
    }

    /// The JSON document that was sent.
    ///
    /// - Throws: A `Problem`: 415 for another media type, 413, 400, 422.
    func document<Value: Decodable>(_ type: Value.Type = Value.self) async throws -> Value {
        guard hasMediaType("application/json") else { throw Problem(.unsupportedMediaType, code: "json.mediaType") }
        let body = try await body(bytesMax: Self.formBytesMax)
        return try body.withUnsafeBytes { try JSONBody().decode(type, from: $0) }
    }

    private func hasMediaType(_ wanted: String) -> Bool {
        guard let type = text(.contentType) else { return false }
        let essence = type.prefix { $0 != ";" }
        return Text.trim(String(essence)).lowercased() == wanted
    }

    /// Makes sure that a form was sent from one of our own pages.
    ///
    /// The browser's word is taken first (Origin, then Sec-Fetch-Site); without it the form needs the session's token.
    ///
    /// - Throws: A `Problem` with status 403.
    func checkOrigin(_ form: FormFields, session: Session?) throws {
        let refusal = Problem(
            .forbidden,
            code: "form.origin",
            detail: "This form did not come from a page of this shop. Please try again."
        )
        if let origin = text(.origin) {
            let host = String(decoding: authority, as: UTF8.self)
            guard origin == "https://" + host || origin == "http://" + host else { throw refusal }
            return
        }
        if let site = text(.secFetchSite) {
            guard site == "same-origin" || site == "none" else { throw refusal }
            return
        }
        guard let session, let token = form["token"], Secret(session.formToken).matches(token) else { throw refusal }
    }

    // MARK: Answering

    /// Answers with a page that is this visitor's alone.
    func answer(_ status: Status = .ok, page: HTML) {
        setSafetyFields()
        setField("Cache-Control", "private, no-cache")
        setField("Vary", "Cookie")
        page.bytes.withUnsafeBytes { answer(status, type: "text/html; charset=utf-8", bytes: $0) }
    }

    /// Sends the browser to another page of the shop.
    func redirect(to path: String) {
        setSafetyFields()
        setField("Location", path)
        answer(.seeOther)
    }

    /// Answers with a value as JSON.
    func answer(_ status: Status = .ok, json value: some Encodable, caching: String = "no-store") throws {
        var writer = ByteWriter(capacity: 1024)
        try JSONBody().encode(value, to: &writer)
        setField("X-Content-Type-Options", "nosniff")
        setField("Cache-Control", caching)
        answer(status, type: "application/json", bytes: writer.bytes)
    }

    /// Answers with something that never changes under its address.
    func answer(asset bytes: [UInt8], type: StaticString, etag: String) {
        setField("X-Content-Type-Options", "nosniff")
        setField("Cache-Control", "public, max-age=31536000, immutable")
        setField("ETag", etag)
        var conditions = Conditions()
        conditions.ifNoneMatch = field(.ifNoneMatch)
        if conditions.outcome(method, Validators(etag: etag)) == .notModified { return answer(.notModified) }
        bytes.withUnsafeBytes { answer(type: type, bytes: $0) }
    }

    /// Sets the session's cookie.
    func setSession(_ session: Session) {
        guard var cookie = SetCookie("\(cookieName)", session.id) else { return }
        cookie.isSecure = isSecure
        cookie.maxAge = Int(CartTable.sessionSeconds)
        var writer = ByteWriter(capacity: 256)
        cookie.write(to: &writer)
        setField("Set-Cookie", writer.string)
    }

    /// What keeps a page's visitors safe: no scripts, no frames, nothing from elsewhere, no address told to others.
    private func setSafetyFields() {
        setField(
            "Content-Security-Policy",
            """
            default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
            frame-ancestors 'none'
            """
        )
        setField("X-Content-Type-Options", "nosniff")
        setField("X-Frame-Options", "DENY")
        setField("Referrer-Policy", "same-origin")
        setField("Cross-Origin-Opener-Policy", "same-origin")
        setField("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    }
}
