import ApusStore
import Testing

@Suite(.timeLimit(.minutes(5)))
struct RowTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test
    func `invalid UTF-8 is repaired, not passed on`() async throws {
        let store = try await openStore(folder)
        let text: String = try await store.shard(for: 1).one("SELECT CAST(x'61ff62' AS TEXT)")
        #expect(text == "a\u{FFFD}b")
        await store.close()
    }
}
