import ApusCore
import ApusObserve
import ApusRuntime

/// A server's part on one loop: its listener, its connections, its spare memory.
//
// `@unchecked Sendable` is sound because only its loop's thread touches it; `Server` reaches it through the loop.
final class ServerWorker: @unchecked Sendable {
    let loop: EventLoop
    let configuration: ServerConfiguration
    let observation: ServerObservation
    /// The limits of the configuration in nanoseconds, so that requests do not convert them.
    let headLimit: Int64
    let bodyLimit: Int64
    let idleLimit: Int64
    /// The access log, unowned: `observation` keeps it.
    let accessLog: Unmanaged<AccessLog>?
    // In raw memory, which Swift does not check for exclusive access on every use.
    let workspaces: UnsafeMutablePointer<WorkspacePool>
    private let date: UnsafeMutablePointer<DateField>
    var connections: UnsafeMutablePointer<ServerConnection>?
    private(set) var connectionCount = 0
    private let serverField: [UInt8]
    private(set) var isDraining = false
    private var emptied: UnsafeContinuation<Void, Never>?

    init(loop: EventLoop, configuration: ServerConfiguration, observation: ServerObservation) {
        self.loop = loop
        self.configuration = configuration
        self.observation = observation
        headLimit = min(configuration.headLimit.nanoseconds, .max / 2)
        bodyLimit = min(configuration.bodyLimit.nanoseconds, .max / 2)
        idleLimit = min(configuration.idleLimit.nanoseconds, .max / 2)
        accessLog = observation.accessLog.map { .passUnretained($0) }
        workspaces = .allocate(capacity: 1)
        workspaces.initialize(to: WorkspacePool())
        date = .allocate(capacity: 1)
        date.initialize(to: DateField(clock: loop.clock))
        serverField = configuration.serverName.map { Array("Server: \($0)\r\n".utf8) } ?? []
    }

    deinit {
        workspaces.pointee.deallocate()
        workspaces.deallocate()
        date.pointee.deallocate()
        date.deinitialize(count: 1)
        date.deallocate()
    }

    @inline(__always)
    func appendServerFields(to output: inout ByteWriter) {
        serverField.withUnsafeBytes { output.append($0) }
        date.pointee.append(to: &output, at: loop.now)
    }

    func add(_ channel: Channel) -> UnsafeMutablePointer<ServerConnection> {
        let connection = UnsafeMutablePointer<ServerConnection>.allocate(capacity: 1)
        connection.initialize(to: ServerConnection(channel: channel, worker: self))
        connection.pointee.isDraining = isDraining
        connection.pointee.next = connections
        connections?.pointee.previous = connection
        connections = connection
        connectionCount += 1
        observation.connections.add(1)
        return connection
    }

    func remove(_ connection: UnsafeMutablePointer<ServerConnection>) {
        if let previous = connection.pointee.previous {
            previous.pointee.next = connection.pointee.next
        } else {
            connections = connection.pointee.next
        }
        connection.pointee.next?.pointee.previous = connection.pointee.previous
        connection.releaseWorkspace()
        connection.pointee.channel.close()
        connection.deinitialize(count: 1)
        connection.deallocate()
        connectionCount -= 1
        observation.connections.subtract(1)
        if connectionCount == 0 { finishEmptying() }
    }

    private func finishEmptying() {
        if let waiter = emptied {
            emptied = nil
            waiter.resume()
        }
    }

    /// Has answers say `Connection: close` from now on, and wakes connections that wait for a next request.
    func beginDraining() {
        isDraining = true
        var cursor = connections
        while let connection = cursor {
            cursor = connection.pointee.next
            connection.pointee.isDraining = true
            if connection.pointee.workspace == nil { connection.pointee.channel.cancelWaiters() }
        }
    }

    /// Ends every connection now.
    func cancelAll() {
        var cursor = connections
        while let connection = cursor {
            cursor = connection.pointee.next
            connection.pointee.keepAlive = false
            connection.pointee.isDraining = true
            connection.pointee.channel.cancelWaiters()
        }
    }

    /// Waits until the last connection has closed.
    func waitUntilEmpty(by deadline: Instant) async {
        if connectionCount == 0 { return }
        let timer = loop.schedule(at: deadline) { [self] in
            cancelAll()
            finishEmptying()
        }
        await withUnsafeContinuation { emptied = $0 }
        loop.cancel(timer)
    }
}
