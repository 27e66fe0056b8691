import ApusCore
import Testing

@testable import ApusDashboard

@Suite struct AccessGuardTests {
    private let guarding = AccessGuard(token: Secret("0123456789abcdef"), port: 8090)

    private func claim(
        host: String = "127.0.0.1:8090",
        origin: String? = nil,
        authorization: String? = nil,
        cookie: String? = nil
    ) -> AccessGuard.Claim {
        .init(host: host, origin: origin, authorization: authorization, cookie: cookie)
    }

    @Test(arguments: ["evil.example", "127.0.0.1", "127.0.0.1:80", "localhost:8091", "", "127.0.0.1:8090.evil.example"])
    func `a host of others is refused, reading and changing`(host: String) {
        #expect(throws: AccessGuard.Refusal.foreignHost) { try guarding.checkRead(claim(host: host)) }
        #expect(throws: AccessGuard.Refusal.foreignHost) {
            try guarding.checkChange(claim(host: host, authorization: "Bearer 0123456789abcdef"))
        }
    }

    @Test func `a change wants the token`() throws {
        #expect(try guarding.checkChange(claim(authorization: "Bearer 0123456789abcdef")) == false)
        for wrong in [nil, "Bearer", "Bearer 0123456789abcdeX", "Basic 0123456789abcdef", "Bearer  0123456789abcdef"] {
            #expect(throws: AccessGuard.Refusal.noToken) {
                try guarding.checkChange(claim(authorization: wrong))
            }
        }
    }

    @Test func `a cookie counts only with an origin of ours`() throws {
        let cookie = "other=1; apus-8090=0123456789abcdef"
        #expect(try guarding.checkChange(claim(origin: "http://127.0.0.1:8090", cookie: cookie)))
        #expect(
            try guarding.checkChange(claim(host: "localhost:8090", origin: "http://localhost:8090", cookie: cookie))
        )
        #expect(throws: AccessGuard.Refusal.foreignOrigin) { try guarding.checkChange(claim(cookie: cookie)) }
        for origin in ["http://evil.example", "null", "https://127.0.0.1:8090", "http://127.0.0.1:8091"] {
            #expect(throws: AccessGuard.Refusal.foreignOrigin) {
                try guarding.checkChange(claim(origin: origin, cookie: cookie))
            }
        }
        #expect(throws: AccessGuard.Refusal.noToken) {
            try guarding.checkChange(claim(origin: "http://127.0.0.1:8090", cookie: "apus-8091=0123456789abcdef"))
        }
    }

    @Test func `a foreign origin is refused also with the token`() {
        #expect(throws: AccessGuard.Refusal.foreignOrigin) {
            try guarding.checkChange(claim(origin: "http://evil.example", authorization: "Bearer 0123456789abcdef"))
        }
    }
}
