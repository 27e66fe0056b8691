import ApusCore
import Testing

struct HandoverTests {
    private struct Refused: Error {}

    @Test func `what a body returns or throws is taken as it was`() throws {
        let value = Handover<Int>()
        value.fill { 7 }
        #expect(try value.take() == 7)
        let failure = Handover<Int>()
        failure.fill { throw Refused() }
        #expect(throws: Refused.self) { try failure.take() }
        failure.fail(CancellationError())
        #expect(throws: CancellationError.self) { try failure.take() }
        #expect(throws: CancellationError.self) { try Handover<Int>().take() }
    }
}
