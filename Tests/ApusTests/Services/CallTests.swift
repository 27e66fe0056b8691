import Apus
import ApusCore
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CallTests {
    @Test func `a call between two loops gives what a local one gives`() async throws {
        let site = try Site()
        let callee = try await site.callee(0)
        let (caller, handle) = try await site.caller(1)
        #expect(handle is DeskService == false)
        try await site.on(1) { _ in
            #expect(try await handle.add(20, 22) == 42)
            #expect(try await handle.place(.sample()) == Slip(number: 10, pence: 84150))
            #expect(try await handle.place(.sample(lines: 2), by: "Ada") == Slip(number: 2, pence: 0, by: "Ada"))
            try await handle.nothing()
        }
        try await site.end(caller, callee)
    }
}
