import ApusCore
import ApusRuntime
import Foundation
import Testing

@testable import ApusHTTP

struct SigV4Tests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let req: String
        let creq: String
        let sts: String
        let authz: String
        var testDescription: String { name }
    }
    struct Suite: Decodable {
        let accessKey: String
        let secretKey: String
        let region: String
        let service: String
        let cases: [Case]
    }

    static let suite: Suite? = {
        do {
            return try JSONDecoder().decode(Suite.self, from: Data(Fixture.bytes("sigv4-cases.json")))
        } catch {
            Issue.record("the table cannot be read: \(error)")
            return nil
        }
    }()
    /// 2015-08-30 12:36:00.
    static let time: Int64 = 1_440_938_160

    private func signer(token: String? = nil) throws -> SigV4 {
        let suite = try #require(Self.suite)
        let credentials = AWSCredentials(
            accessKeyID: suite.accessKey,
            secretAccessKey: Secret(suite.secretKey),
            sessionToken: token.map { Secret($0) }
        )
        return SigV4(credentials, region: suite.region, service: suite.service)
    }

    @Test func `the table has its cases`() { #expect(Self.suite?.cases.count == 23) }

    @Test(arguments: suite?.cases ?? [])
    func `each step is as Amazon's own suite has it`(row: Case) throws {
        let parts = row.req.components(separatedBy: "\n\n")
        var lines = parts[0].split(separator: "\n").map(String.init)
        // A target may hold spaces here, as the suite gives it before it is encoded.
        let start = lines.removeFirst().split(separator: " ").map(String.init)
        let target = start.dropFirst().dropLast().joined(separator: " ")
        var fields = lines.map { line in
            let halves = line.split(separator: ":", maxSplits: 1).map(String.init)
            return (name: halves[0], value: halves.count > 1 ? halves[1] : "")
        }
        // The suite has one case whose token is added while signing.
        let token = row.creq.split(separator: "\n").first { $0.hasPrefix("x-amz-security-token:") }
        if let token, !row.req.contains("Security-Token") {
            fields.append(("X-Amz-Security-Token", String(token.dropFirst(21))))
        }
        let body = Array((parts.count > 1 ? parts[1] : "").utf8)
        let signer = try signer()
        let (canonical, names) = signer.canonicalRequest(
            start[0],
            target: target,
            fields: fields,
            payload: Hex.encode(SHA256.digest(body))
        )
        #expect(canonical == row.creq)
        #expect(signer.stringToSign(canonical, at: Self.time) == row.sts)
        #expect(row.authz.contains("SignedHeaders=\(names), "))
        #expect(row.authz.hasSuffix("Signature=\(signer.signature(of: canonical, at: Self.time))"))
    }

    @Test func `a signed request carries the time, the token and the signature`() throws {
        let plain = try signer().signed(ClientRequest(.get, "/"), host: "example.amazonaws.com", at: Self.time)
        #expect(plain.fields.map(\.name) == ["X-Amz-Date", "Authorization"])
        let vanilla = try #require(Self.suite?.cases.first { $0.name == "get-vanilla" })
        #expect(plain.fields.last?.value == vanilla.authz)
        let lent = try signer(token: "lent").signed(ClientRequest(.get, "/"), host: "h", at: Self.time)
        #expect(lent.fields.contains { $0 == ("X-Amz-Security-Token", "lent") })
    }

    /// The example of "Authenticating Requests: Using Query Parameters" in the Amazon S3 API Reference.
    @Test func `a target is signed as in S3's own example`() {
        let credentials = AWSCredentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        )
        let target = SigV4(credentials, region: "us-east-1", service: "s3").presigned(
            .get,
            "/test.txt",
            host: "examplebucket.s3.amazonaws.com",
            lifetime: .seconds(86_400),
            at: 1_369_353_600
        )
        #expect(
            target.hasSuffix(
                "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
            )
        )
    }

    @Test func `credentials come from the environment, and what is missing is named`() throws {
        let both = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": ""]
        let credentials = try AWSCredentials(environment: both)
        #expect(credentials.accessKeyID == "a" && credentials.sessionToken == nil)
        #expect("\(credentials)".contains("[redacted]"))
        let error = #expect(throws: ConfigurationError.self) {
            try AWSCredentials(environment: ["AWS_ACCESS_KEY_ID": "a"])
        }
        #expect(error?.field == "AWS_SECRET_ACCESS_KEY")
    }
}
