public import ApusCore
public import ApusHTTP

/// The password that Amazon RDS takes in place of a real one: a signature that is good for a quarter of an hour.
///
/// A connection that is open stays open; a new one needs a token that has not ended. So a token is made afresh a while
/// before its end, and asking costs a few microseconds.
///
/// - SeeAlso: "IAM database authentication" in the Amazon RDS User Guide.
public struct RDSToken: Sendable {
    /// How long a token is good for.
    public static let lifetime: Duration = .seconds(900)
    /// How long before its end a token is replaced.
    public static let margin: Duration = .seconds(120)

    private let signer: SigV4
    private let host: String
    private let user: String
    private let last = Lock<(token: Secret<String>, end: Int64)?>(nil)

    /// Tokens for one user of one database server.
    ///
    /// - Parameters:
    ///   - host: The server's name and port, such as `shop.123.eu-central-1.rds.amazonaws.com:5432`.
    ///   - user: The database's user, who must have been granted `rds_iam`.
    ///   - region: The server's region.
    ///   - credentials: Who signs.
    public init(host: String, user: String, region: String, credentials: AWSCredentials) {
        signer = SigV4(credentials, region: region, service: "rds-db")
        self.host = host
        self.user = user
    }

    /// A token that is good for ``margin`` at least.
    ///
    /// - Parameter seconds: The time, in seconds since 1970.
    /// - Returns: What to give the server as the password, over TLS only.
    public func password(at seconds: Int64) -> Secret<String> {
        last.withLock { last in
            if let known = last, known.end - seconds > Self.margin.components.seconds { return known.token }
            let target = signer.presigned(
                .get,
                "/?Action=connect&DBUser=\(PercentCoding.encode(user))",
                host: host,
                lifetime: Self.lifetime,
                payload: SigV4.emptyPayload,
                at: seconds
            )
            let token = Secret(host + target)
            last = (token, seconds + Self.lifetime.components.seconds)
            return token
        }
    }
}
