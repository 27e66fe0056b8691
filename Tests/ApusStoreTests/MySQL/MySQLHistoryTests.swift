#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Testing

/// What clients hear of a server's rows while it is killed and started again is as if there were one copy of each row.
@Suite(.needsMariaDB, .serialized, .ownThread, .timeLimit(.minutes(10)))
struct MySQLHistoryTests {
    @Test(arguments: [[], ["--log-bin=binlog", "--server-id=1", "--sync-binlog=1"]])
    func `what is heard of a server that is killed and started again is linearizable`(settings: [String]) async throws {
        let server = try await MariaDBServer.start(settings)
        try await HistoryLoad.expectLinearizable(url: server.url()) {
            await server.kill()
            try await server.start()
        }
    }
}
#endif
