import ApusCore
import ApusRuntime

/// Signs requests as Amazon's services want them.
///
/// - SeeAlso: AWS Signature Version 4, "Create a signed AWS API request" in the IAM User Guide.
public struct SigV4: Sendable {
    /// Who signs.
    public let credentials: AWSCredentials
    /// Where, such as `eu-central-1`.
    public let region: String
    /// For which service, such as `s3`, `kinesis` or `rds-db`.
    public let service: String

    /// A signer for one service in one region.
    public init(_ credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The digest of an empty body, in hexadecimal.
    public static let emptyPayload = Hex.encode(SHA256.digest([]))

    private static let algorithm = "AWS4-HMAC-SHA256"

    /// S3 takes paths as they are; other services resolve dots and encode once more what was encoded.
    private var takesPathsAsTheyAre: Bool { service == "s3" }

    // MARK: Signing

    /// The same request with `X-Amz-Date`, `Authorization` and, where there is one, the session's token.
    ///
    /// All fields of the request are signed.
    ///
    /// - Parameters:
    ///   - request: What to sign; its target is encoded as it will be sent.
    ///   - host: The `Host` field it will be sent with.
    ///   - seconds: The time, in seconds since 1970.
    /// - Returns: What to send.
    public func signed(_ request: ClientRequest, host: String, at seconds: Int64) -> ClientRequest {
        var signed = request
        let payload = Hex.encode(SHA256.digest(request.body))
        signed.fields.append(("X-Amz-Date", Self.stamp(seconds)))
        if service == "s3" { signed.fields.append(("X-Amz-Content-Sha256", payload)) }
        if let token = credentials.sessionToken { signed.fields.append(("X-Amz-Security-Token", token.reveal())) }
        let (canonical, names) = canonicalRequest(
            "\(signed.method.spelling)",
            target: signed.target,
            fields: signed.fields + [("Host", host)],
            payload: payload
        )
        let signature = signature(of: canonical, at: seconds)
        let credential = "\(credentials.accessKeyID)/\(scope(seconds))"
        signed.fields.append(
            (
                "Authorization",
                "\(Self.algorithm) Credential=\(credential), SignedHeaders=\(names), Signature=\(signature)"
            )
        )
        return signed
    }

    /// A target that carries its signature in the query, and may be used by whoever has it until it ends.
    ///
    /// - Parameters:
    ///   - method: What it may be used for.
    ///   - target: Path and query, encoded.
    ///   - host: The host it is for.
    ///   - lifetime: How long it is good for, 1 s to 7 days.
    ///   - payload: The body's digest in hexadecimal, or `UNSIGNED-PAYLOAD`.
    ///   - seconds: The time, in seconds since 1970.
    /// - Returns: The target with the parameters that begin with `X-Amz-`.
    public func presigned(
        _ method: Method = .get,
        _ target: String,
        host: String,
        lifetime: Duration,
        payload: String = "UNSIGNED-PAYLOAD",
        at seconds: Int64
    ) -> String {
        var query = [
            ("X-Amz-Algorithm", Self.algorithm),
            ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(seconds))"),
            ("X-Amz-Date", Self.stamp(seconds)),
            ("X-Amz-Expires", "\(min(max(lifetime.components.seconds, 1), 604_800))"),
        ]
        if let token = credentials.sessionToken { query.append(("X-Amz-Security-Token", token.reveal())) }
        query.append(("X-Amz-SignedHeaders", "host"))
        let added = query.map { "\($0.0)=\(PercentCoding.encode($0.1))" }.joined(separator: "&")
        let whole = target + (target.contains("?") ? "&" : "?") + added
        let (canonical, _) = canonicalRequest(
            "\(method.spelling)",
            target: whole,
            fields: [("Host", host)],
            payload: payload
        )
        return "\(whole)&X-Amz-Signature=\(signature(of: canonical, at: seconds))"
    }

    // MARK: Steps

    /// Step 1: the request in the one form that both sides can make, and the names of its signed fields.
    func canonicalRequest(
        _ method: String,
        target: String,
        fields: [(name: String, value: String)],
        payload: String
    ) -> (text: String, names: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var values: [String: [String]] = [:]
        for field in fields { values[field.name.lowercased(), default: []].append(Self.squeezed(field.value)) }
        let names = values.keys.sorted()
        let lines = names.map { "\($0):\((values[$0] ?? []).joined(separator: ","))\n" }.joined()
        let signed = names.joined(separator: ";")
        let text = [
            method, canonicalPath(parts.first ?? "/"), Self.canonicalQuery(parts.count > 1 ? parts[1] : ""), lines,
            signed, payload,
        ].joined(separator: "\n")
        return (text, signed)
    }

    /// Step 2: what is signed.
    func stringToSign(_ canonical: String, at seconds: Int64) -> String {
        let digest = Hex.encode(SHA256.digest(Array(canonical.utf8)))
        return "\(Self.algorithm)\n\(Self.stamp(seconds))\n\(scope(seconds))\n\(digest)"
    }

    /// Steps 3 and 4: a key for the day, region and service, and the signature.
    func signature(of canonical: String, at seconds: Int64) -> String {
        var key = Array("AWS4\(credentials.secretAccessKey.reveal())".utf8)
        for part in [String(Self.stamp(seconds).prefix(8)), region, service, "aws4_request"] {
            key = SHA256.authenticationCode(Array(part.utf8), key: key)
        }
        return Hex.encode(SHA256.authenticationCode(Array(stringToSign(canonical, at: seconds).utf8), key: key))
    }

    private func scope(_ seconds: Int64) -> String {
        "\(Self.stamp(seconds).prefix(8))/\(region)/\(service)/aws4_request"
    }

    /// A time as `20150830T123600Z`.
    static func stamp(_ seconds: Int64) -> String {
        let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = HTTPDate.civil(second < 0 ? day - 1 : day)
        let time = second < 0 ? second + 86_400 : second
        func two(_ number: some BinaryInteger) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(date.year)\(two(date.month))\(two(date.day))T\(two(time / 3600))\(two(time / 60 % 60))\(two(time % 60))Z"
    }

    /// Without spaces at the ends, and with one where several stood.
    private static func squeezed(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }

    private func canonicalPath(_ path: Substring) -> String {
        if takesPathsAsTheyAre { return path.isEmpty ? "/" : String(path) }
        var kept: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
        }
        let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
        let text = kept.map { PercentCoding.encode(String($0)) }.joined(separator: "/")
        return text.isEmpty ? "/" : "/\(text)\(isFolder ? "/" : "")"
    }

    private static func canonicalQuery(_ query: Substring) -> String {
        query.split(separator: "&").map { pair -> (name: String, value: String) in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (encodedAfresh(halves[0]), halves.count > 1 ? encodedAfresh(halves[1]) : "")
        }
        .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
        .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// Decoded, and encoded again the one way that both sides agree on.
    private static func encodedAfresh(_ text: Substring) -> String {
        let decoded = PercentCoding.decodeText(text)
        return PercentCoding.encode(decoded ?? String(text))
    }
}
