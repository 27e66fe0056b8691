#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

/// What clients hear of a server's rows while it is killed and started again is as if there were one copy of each row.
@Suite(.needsServer, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct PostgresHistoryTests {
    @Test
    func `what is heard of a server that is killed and started again is linearizable`() async throws {
        let server = try await TestServer.start()
        try await HistoryLoad.expectLinearizable(url: server.url) {
            await server.kill()
            try await server.start()
        }
    }
}
#endif
