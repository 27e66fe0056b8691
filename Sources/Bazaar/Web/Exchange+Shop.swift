import Apus

/// What the shop's handlers ask of a request and say in an answer.
extension Exchange {
    /// Largest form or document taken, in bytes.
    static let formBytesMax = 16 << 10

    // MARK: Asking

    /// Whether the visitor came over TLS, as the edge tells.
    var isSecure: Bool { text(.xForwardedProto) == "https" }

    /// Who asks, as far as the edge can tell: the address that it was reached from, or the socket's own.
    var clientName: String {
        // The edge puts what it saw behind what the client claims.
        let seen = text(.xForwardedFor)?.split(separator: ",").last.map { Text.trim(String($0)) }
        return seen ?? "\(peerAddress)"
    }

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

    /// Makes sure that a form was sent from one of our own pages where the browser does not say so by itself.
    ///
    /// Whatever comes with Origin or Sec-Fetch-Site has passed the storefront's `OriginCheck`.
    ///
    /// - Throws: A `Problem` with status 403.
    func checkToken(_ form: FormFields, session: Session?) throws {
        if field(.origin) != nil || field(.secFetchSite) != nil { return }
        guard let session, let token = form["token"], Secret(session.formToken).matches(token) else {
            throw Problem(.forbidden, code: "form.token")
        }
    }

    // MARK: What was looked at

    /// Most products remembered as looked at.
    static let seenMax = 8
    private var seenName: StaticString { isSecure ? "__Host-seen" : "seen" }

    /// The products that this visitor looked at, the latest first, as the browser remembers them.
    var seen: [ProductID] {
        guard let cookie = field(.cookie), let value = Cookies.value(of: seenName, in: cookie), value.count <= 400,
            let text = String(validating: value, as: UTF8.self)
        else { return [] }
        return text.split(separator: ".").prefix(Self.seenMax).compactMap { ProductID($0) }
    }

    /// Has the browser remember that this product was looked at.
    func remember(_ id: ProductID) {
        let others = seen.filter { $0 != id }
        let text = ([id] + others).prefix(Self.seenMax).map(\.description).joined(separator: ".")
        if var cookie = SetCookie("\(seenName)", text) {
            cookie.isSecure = isSecure
            cookie.maxAge = Int(CartTable.sessionSeconds)
            set(cookie)
        }
    }

    // MARK: Answering

    /// How long a page is good for.
    enum PageCaching: Sendable, Hashable {
        /// The browser may keep it and asks before it shows it again.
        case checked
        /// It is kept nowhere: addresses, keys, errors.
        case never
    }

    /// Answers with a page that is this visitor's alone.
    func answer(_ status: Status = .ok, page: HTML, caching: PageCaching = .checked) {
        setSafetyFields()
        setField("Vary", "Cookie")
        page.bytes.withUnsafeBytes { bytes in
            guard status == .ok, caching == .checked else {
                setField("Cache-Control", "private, no-store")
                return answer(status, type: "text/html; charset=utf-8", bytes: bytes)
            }
            setField("Cache-Control", "private, no-cache")
            let etag = "\"" + String(XXHash64.hash(bytes), radix: 16) + "\""
            setField("ETag", etag)
            if isKnown(etag) { return answer(.notModified) }
            answer(type: "text/html; charset=utf-8", bytes: bytes)
        }
    }

    /// Answers with a piece of a page that is the same for everybody.
    func answer(fragment: HTML) {
        setSafetyFields()
        setField("Cache-Control", "public, max-age=60")
        fragment.bytes.withUnsafeBytes { answer(type: "text/html; charset=utf-8", bytes: $0) }
    }

    /// Whether the client has what carries this entity tag.
    private func isKnown(_ etag: String) -> Bool {
        var conditions = Conditions()
        conditions.ifNoneMatch = field(.ifNoneMatch)
        return conditions.outcome(method, Validators(etag: etag)) == .notModified
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
        if isKnown(etag) { return answer(.notModified) }
        bytes.withUnsafeBytes { answer(type: type, bytes: $0) }
    }

    /// Sets the session's cookie.
    func setSession(_ session: Session) {
        guard var cookie = SetCookie("\(cookieName)", session.id) else { return }
        cookie.isSecure = isSecure
        cookie.maxAge = Int(CartTable.sessionSeconds)
        set(cookie)
    }

    private func set(_ cookie: SetCookie) {
        var writer = ByteWriter(capacity: 512)
        cookie.write(to: &writer)
        setField("Set-Cookie", writer.string)
    }

    /// What keeps a page's visitors safe: one script, ours; no frames, nothing from elsewhere, no address told to others.
    private func setSafetyFields() {
        setField(
            "Content-Security-Policy",
            """
            default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
            form-action 'self'; base-uri 'none'; frame-ancestors 'none'
            """
        )
        setField("X-Content-Type-Options", "nosniff")
        setField("X-Frame-Options", "DENY")
        setField("Referrer-Policy", "same-origin")
        setField("Cross-Origin-Opener-Policy", "same-origin")
        setField("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    }
}
