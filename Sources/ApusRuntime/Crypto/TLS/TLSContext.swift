import COpenSSL

// `@unchecked Sendable` is sound because OpenSSL counts references to a context atomically, and nothing here changes it
// after `init`.
/// What connections of one kind share: certificates, authorities, sessions that can be taken up again.
///
/// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) by OpenSSL 3, with its default ciphers. Compression and renegotiation are off.
public final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    let isServer: Bool

    /// A context for a server's connections.
    ///
    /// - Throws: ``TLSError`` with code `configuration`, which names the file.
    public init(server options: TLSServerOptions) throws(TLSError) {
        pointer = try Self.make(TLS_server_method())
        isServer = true
        try use(certificate: options.certificateFile, key: options.keyFile)
        if let file = options.clientAuthoritiesFile {
            try trust(file)
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        // A session is taken up again only by this program's own name.
        let name: StaticString = "apus"
        _ = SSL_CTX_set_session_id_context(pointer, name.utf8Start, UInt32(name.utf8CodeUnitCount))
    }

    /// A context for a client's connections.
    ///
    /// - Throws: ``TLSError`` with code `configuration`, which names the file.
    public init(client options: TLSClientOptions = TLSClientOptions()) throws(TLSError) {
        pointer = try Self.make(TLS_client_method())
        isServer = false
        if let file = options.authoritiesFile {
            try trust(file)
        } else if SSL_CTX_set_default_verify_paths(pointer) != 1 {
            throw TLSError(.configuration, "this machine has no list of authorities; install ca-certificates")
        }
        if let certificate = options.certificateFile {
            try use(certificate: certificate, key: options.keyFile ?? certificate)
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    }

    deinit { SSL_CTX_free(pointer) }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        guard let context = SSL_CTX_new(method) else {
            throw TLSError(.configuration, "OpenSSL cannot start: \(OpenSSLErrors.take())")
        }
        _ = apus_ssl_min_version(context, TLS1_2_VERSION)
        _ = SSL_CTX_set_options(context, apus_ssl_options())
        apus_ssl_write_in_parts(context)
        return context
    }

    private func use(certificate: String, key: String) throws(TLSError) {
        ERR_clear_error()
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
            throw TLSError(.configuration, "no certificate in \(certificate): \(OpenSSLErrors.take())")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError(.configuration, "no private key for \(certificate) in \(key): \(OpenSSLErrors.take())")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            throw TLSError(.configuration, "the key in \(key) is not that of \(certificate)")
        }
    }

    private func trust(_ file: String) throws(TLSError) {
        ERR_clear_error()
        guard SSL_CTX_load_verify_file(pointer, file) == 1 else {
            throw TLSError(.configuration, "no certificates of authorities in \(file): \(OpenSSLErrors.take())")
        }
    }
}

/// What OpenSSL left in the calling thread's queue of errors.
enum OpenSSLErrors {
    /// The reason of the last error, in OpenSSL's words; empties the queue.
    static func take() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return "unknown" }
        guard let reason = ERR_reason_error_string(code) else { return "error \(code)" }
        return String(cString: reason)
    }
}
