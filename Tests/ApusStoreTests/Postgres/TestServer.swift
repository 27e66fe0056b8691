#if PostgreSQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A PostgreSQL server of one test's own, on loopback: throw-away data, passwords by SCRAM, fsync on.
///
/// It can be killed and frozen; it is gone when the test is.
final class TestServer: Sendable {
    static let binaries = "/usr/lib/postgresql/15/bin"
    /// Its administrator, who owns the database `postgres`.
    static let user = "apus"

    let port: UInt16
    let password: String
    private let folder: String
    private let group: LoopGroup
    private let child = Lock<ChildProcess?>(nil)
    private let disk = Lock<RefusingFolder?>(nil)

    struct Failure: Error { let what: String }

    /// A server that answers.
    ///
    /// - Parameters:
    ///   - settings: Lines for postgresql.conf.
    ///   - certificate: Files of a certificate and its key, which switch TLS on.
    ///   - disk: The folder of its data whose disk can be filled, such as `base` for its tables and `pg_wal` for its log.
    /// - Returns: The server.
    /// - Throws: ``Failure`` with what it said where it did not start.
    static func start(
        _ settings: [String] = [],
        certificate: (certificate: String, key: String)? = nil,
        disk: String? = nil
    ) async throws -> TestServer {
        let server = try TestServer()
        try await server.makeCluster(settings, certificate)
        if let disk { try await server.prepare(disk: disk) }
        try await server.start()
        return server
    }

    private init(password: String = SecureRandom.token(bits: 96)) throws {
        self.password = password
        folder = "/tmp/apus-postgres-\(SecureRandom.token(bits: 64))"
        port = try FreePort.take()
        group = try LoopGroup(count: 1)
        try Files.makeFolder(folder)
    }

    deinit {
        // At once, its own processes included.
        child.withLock { $0 }?.signal(SIGQUIT)
        group.shutdown()
        // The loop that would have noticed its end is gone, and tests in processes of their own wait for ends too.
        if let pid = child.withLock({ $0 })?.pid { waitpid(pid, nil, 0) }
        try? Files.remove(folder)
    }

    /// A URL of its database `postgres` for its administrator.
    var url: String { url() }

    /// A URL for somebody, of some database; its password is the administrator's unless given.
    func url(_ user: String = TestServer.user, password: String? = nil, database: String = "postgres") -> String {
        "postgres://\(user):\(password ?? self.password)@127.0.0.1:\(port)/\(database)"
    }

    /// Runs statements one after the other, from outside of any store; blocks.
    func run(_ texts: String...) throws { try TestDatabase(url).run(texts) }

    /// One whole number, from outside of any store; blocks.
    func number(_ sql: SQL) throws -> Int {
        let session = try TestDatabase(url).session()
        defer { session.close() }
        return try Transaction(session).one(sql)
    }

    /// A server that follows this one, and answers.
    func follower() async throws -> TestServer {
        let follower = try TestServer(password: password)
        try follower.hand(over: [follower.folder])
        try await follower.follow(self)
        return follower
    }

    /// Becomes a copy of another server that follows that one, and answers; what it had is thrown away.
    func follow(_ primary: TestServer) async throws {
        await kill()
        let cluster = "\(folder)/cluster"
        if Files.status(cluster) != nil { try Files.remove(cluster) }
        let copy = try await spawn(
            "pg_basebackup",
            [
                "-h", "127.0.0.1", "-p", "\(primary.port)", "-U", Self.user, "-D", cluster, "-R", "-X", "stream", "-c",
                "fast", "--no-sync",
            ],
            log: "copy.log",
            environment: ["PGPASSWORD": password]
        )
        guard await copy.wait().isSuccess else { throw Failure(what: try Files.readText("\(folder)/copy.log")) }
        let file = "\(cluster)/postgresql.conf"
        try Files.writeAtomically(try Files.readText(file) + "port = \(port)\n", to: file)
        try hand(over: [file])
        try await start()
    }

    /// What it has written to its log.
    func log() throws -> String { try Files.readText("\(folder)/log") }

    // MARK: What is done to it

    /// Starts it again on the same port with the same data, and waits until it answers.
    func start() async throws {
        while true {
            let environment = disk.withLock { $0?.environment } ?? [:]
            let child = try await spawn("postgres", ["-D", "\(folder)/cluster"], log: "log", environment: environment)
            self.child.withLock { $0 = child }
            // One that ends at once found what is left of a killed one, which is about to go.
            while child.exit == nil {
                if (try? run()) != nil { return }
                await Task.yield()
            }
            let log = (try? Files.readText("\(folder)/log")) ?? ""
            guard log.contains("still in use") || log.contains("lock file") else { throw Failure(what: log) }
        }
    }

    /// Kills all of its processes at once, as a machine does that loses its power.
    func kill() async {
        let family = family()
        for pid in family { Glibc.kill(pid, SIGKILL) }
        _ = await child.withLock { $0 }?.wait()
    }

    /// Stops all of its processes where they are: connections stay, nothing answers.
    func freeze() { for pid in family() { Glibc.kill(pid, SIGSTOP) } }

    /// Lets them go on.
    func thaw() { for pid in family() { Glibc.kill(pid, SIGCONT) } }

    /// From now on its disk has no room for what needs more; what is there can be written over.
    func fillDisk() throws { try disk.withLock { try $0?.refuse(.growth) } }

    /// From now on it has.
    func emptyDisk() throws { try disk.withLock { try $0?.relent() } }

    /// Whether it has ended by itself.
    var hasEnded: Bool { child.withLock { $0 }?.exit != nil }

    private func prepare(disk name: String) async throws {
        let loop = group.loops[0]
        let made = try await onLoop(loop) { [folder] in
            try await RefusingFolder("\(folder)/cluster/\(name)", library: "\(folder)/disk.so", on: loop)
        }
        disk.withLock { $0 = made }
    }

    /// The server's process and those it has made.
    private func family() -> [Int32] {
        guard let pid = child.withLock({ $0 })?.pid else { return [] }
        let children = (try? Files.readText("/proc/\(pid)/task/\(pid)/children")) ?? ""
        return [pid] + children.split(separator: " ").compactMap { Int32($0) }
    }

    // MARK: Making it

    private func makeCluster(_ settings: [String], _ certificate: (certificate: String, key: String)?) async throws {
        try Files.writeAtomically(password, to: "\(folder)/password")
        var settings = settings
        if let certificate {
            for (file, name) in [(certificate.certificate, "tls.pem"), (certificate.key, "tls.key")] {
                try Files.writeAtomically(try Files.readText(file), to: "\(folder)/\(name)")
            }
            settings += ["ssl = on", "ssl_cert_file = '\(folder)/tls.pem'", "ssl_key_file = '\(folder)/tls.key'"]
        }
        try hand(over: [folder, "\(folder)/password", "\(folder)/tls.pem", "\(folder)/tls.key"])
        let initdb = try await spawn(
            "initdb",
            [
                "-D", "\(folder)/cluster", "-A", "scram-sha-256", "-U", Self.user, "--no-sync",
                "--pwfile=\(folder)/password", "-E", "UTF8", "--locale=C.UTF-8",
            ],
            log: "initdb.log"
        )
        guard await initdb.wait().isSuccess else { throw Failure(what: try Files.readText("\(folder)/initdb.log")) }
        let file = "\(folder)/cluster/postgresql.conf"
        let lines = [
            "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = ''", "shared_buffers = 16MB",
        ]
        let text = try Files.readText(file) + (lines + settings).map { $0 + "\n" }.joined()
        try Files.writeAtomically(text, to: file)
        try hand(over: [file])
    }

    /// The server refuses to run as root: then what it needs belongs to the user that its package made.
    private func hand(over paths: [String]) throws {
        guard geteuid() == 0, let user = getpwnam("postgres") else { return }
        for path in paths where Files.status(path) != nil {
            guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else { throw Failure(what: path) }
        }
    }

    /// Starts one of the package's programs; it ends with this process.
    private func spawn(
        _ program: String,
        _ arguments: [String],
        log: String,
        environment: [String: String] = [:]
    ) async throws -> ChildProcess {
        let user = geteuid() == 0 ? ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] : []
        let path = "\(folder)/\(log)"
        let loop = group.loops[0]
        return try await onLoop(loop) {
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            defer { for descriptor in [null, output] { close(descriptor) } }
            return try ChildProcess(
                path: "/usr/bin/setpriv",
                arguments: user + ["--pdeathsig", "QUIT", "\(Self.binaries)/\(program)"] + arguments,
                environment: environment.merging(["LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"]) { $1 },
                descriptors: [null, output, output],
                directory: "/",
                on: loop
            )
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips where Debian's package with the server is absent; runs, and fails, where `APUS_TEST_ALL=1` promises it.
    static var needsServer: Self {
        .enabled("install postgresql-15, or run ./apus test") {
            Files.status("\(TestServer.binaries)/postgres") != nil || RealPart.mustRun
        }
    }
}
#endif
