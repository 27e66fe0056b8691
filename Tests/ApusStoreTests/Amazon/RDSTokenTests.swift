import ApusCore
import ApusHTTP
import ApusStore
import Testing

struct RDSTokenTests {
    private let token = RDSToken(
        host: "prod-instance.us-east-1.rds.amazonaws.com:3306",
        user: "someusername",
        region: "us-east-1",
        credentials: AWSCredentials(accessKeyID: "akid", secretAccessKey: Secret("skid"))
    )
    /// 2016-11-07 17:39:33.
    private let time: Int64 = 1_478_540_373

    /// The case of boto/botocore, tests/unit/test_signers.py, whose parameters stand in another order.
    @Test func `a token is the one that Amazon's own tools make`() {
        let text = token.password(at: time).reveal()
        #expect(text.hasPrefix("prod-instance.us-east-1.rds.amazonaws.com:3306/?Action=connect&DBUser=someusername&"))
        #expect(text.hasSuffix("=d1138cdbc0ca63eec012ec0fc6c2267e03642168f5884a7795320d4c18374c61"))
    }

    @Test func `a token is kept until shortly before its end`() {
        let first = token.password(at: time).reveal()
        let lastGood = time + 900 - 121
        #expect(token.password(at: lastGood).reveal() == first)
        let next = token.password(at: lastGood + 1).reveal()
        #expect(next != first)
        #expect(token.password(at: lastGood + 700).reveal() == next)
    }
}
