/// What a server shows of itself, and asks of its clients.
public struct TLSServerOptions: Sendable, Hashable {
    /// A PEM file with the certificate, followed by those between it and its authority.
    public var certificateFile: String
    /// A PEM file with the certificate's private key.
    public var keyFile: String
    /// A PEM file with the authorities whose clients are let in; `nil` lets clients in without a certificate.
    public var clientAuthoritiesFile: String?

    /// Options of a server that shows a certificate.
    public init(certificateFile: String, keyFile: String, clientAuthoritiesFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientAuthoritiesFile = clientAuthoritiesFile
    }
}

/// Whom a client trusts, and what it shows of itself.
///
/// The server's certificate and its name are always verified (RFC 9525).
public struct TLSClientOptions: Sendable, Hashable {
    /// A PEM file with the authorities to trust; `nil` trusts those of the machine.
    public var authoritiesFile: String?
    /// A PEM file with the certificate to show where a server asks for one.
    public var certificateFile: String?
    /// A PEM file with that certificate's private key.
    public var keyFile: String?

    /// Options of a client.
    public init(authoritiesFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.authoritiesFile = authoritiesFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
