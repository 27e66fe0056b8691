#if PostgreSQL
import ApusCore

/// Connections to servers that are asked again and again what they are.
struct PostgresRollCall {
    /// How long a server may take to answer on a connection that is there.
    private static let askFor: Duration = .milliseconds(250)

    private let places: [PostgresPlace]
    private let schema: String
    private let configuration: StoreConfiguration
    private let clock: any Clock
    private let stopper = ServerStopper()
    private var sessions: [PostgresSession?]
    private var pauses: [ServerPause]
    private(set) var isClosed = false

    init(_ places: [PostgresPlace], schema: String, configuration: StoreConfiguration, clock: any Clock) {
        self.places = places
        self.schema = schema
        self.configuration = configuration
        self.clock = clock
        sessions = places.map { _ in nil }
        pauses = places.map { _ in ServerPause() }
    }

    /// One server's word; blocks until `deadline`, in monotonic nanoseconds.
    ///
    /// - Throws: ``StoreError``; at once for a server that was just out of reach, unless `isInDoubt`.
    mutating func ask(_ index: Int, by deadline: Int64, evenIf isInDoubt: Bool) throws -> PostgresStanding {
        if let standing = try askKept(index, by: deadline) { return standing }
        if !isInDoubt, let error = pauses[index].error(at: clock.now()) { throw error }
        do {
            let link = try PostgresLink.connect(to: places[index], schema: schema, role: .writer, by: deadline)
            let session = PostgresSession(link, configuration: configuration, stopper: stopper, clock: clock)
            session.deadline = deadline
            do {
                let standing = try PostgresStanding.ask(session)
                sessions[index] = session
                pauses[index].succeeded()
                return standing
            } catch {
                session.close()
                throw error
            }
        } catch {
            let error = StoreError(wrapping: error, "connect")
            pauses[index].failed(error, at: clock.now(), chance: UInt64.random(in: 0...511))
            throw error
        }
    }

    private mutating func askKept(_ index: Int, by deadline: Int64) throws -> PostgresStanding? {
        guard let session = sessions[index] else { return nil }
        sessions[index] = nil
        guard session.isAlive else { return nil }
        session.deadline = min(deadline, (clock.now() + Self.askFor).nanoseconds)
        do {
            let standing = try PostgresStanding.ask(session)
            sessions[index] = session
            return standing
        } catch let error as StoreError {
            session.close()
            // One that stands still does so on a new connection too.
            if error.code != .unreachable { throw error }
            return nil
        }
    }

    /// Ends the connections.
    mutating func close() {
        isClosed = true
        for session in sessions { session?.close() }
        sessions = places.map { _ in nil }
    }
}
#endif
