public import ApusCore

/// Who signs requests to Amazon's services, or to those that speak their protocol.
public struct AWSCredentials: Sendable {
    /// The public half, such as `AKIDEXAMPLE`.
    public var accessKeyID: String
    /// The secret half.
    public var secretAccessKey: Secret<String>
    /// What goes with credentials that end after a while; `nil` with those that do not.
    public var sessionToken: Secret<String>?

    /// Credentials from their parts.
    public init(accessKeyID: String, secretAccessKey: Secret<String>, sessionToken: Secret<String>? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// Those of `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    ///
    /// - Throws: `ConfigurationError` that names what is missing.
    public init(environment: [String: String]) throws(ConfigurationError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard let key = value("AWS_ACCESS_KEY_ID") else {
            throw ConfigurationError(field: "AWS_ACCESS_KEY_ID", value: "", accepted: "the id of an access key")
        }
        guard let secret = value("AWS_SECRET_ACCESS_KEY") else {
            throw ConfigurationError(field: "AWS_SECRET_ACCESS_KEY", value: "", accepted: "the key's secret")
        }
        self.init(
            accessKeyID: key,
            secretAccessKey: Secret(secret),
            sessionToken: value("AWS_SESSION_TOKEN").map { Secret($0) }
        )
    }
}
