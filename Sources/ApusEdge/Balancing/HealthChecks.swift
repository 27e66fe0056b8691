import ApusCore
import ApusHTTP
import ApusRuntime

/// Asks a loop's replicas for their health, one after the other, for as long as the edge serves.
enum HealthChecks {
    static func run(for worker: EdgeWorker) async {
        guard let path = worker.configuration.healthPath else { return }
        let interval = worker.configuration.healthInterval
        while !Task.isCancelled {
            for state in worker.balancer.replicas {
                let isHealthy = await check(state, path: path, worker: worker)
                if Task.isCancelled { return }
                if isHealthy { state.passedCheck() } else { state.isHealthy = false }
            }
            do { try await worker.loop.sleep(for: interval) } catch { return }
        }
    }

    private static func check(_ state: ReplicaState, path: String, worker: EdgeWorker) async -> Bool {
        let client = Client(state.replica.address, on: worker.loop, connectionsMax: 1)
        defer { client.close() }
        let limit = min(worker.configuration.healthInterval, .seconds(1))
        guard let response = try? await client.send(ClientRequest(.get, path), within: limit, bytesMax: 64 << 10) else {
            return false
        }
        return response.status.isSuccess
    }
}
