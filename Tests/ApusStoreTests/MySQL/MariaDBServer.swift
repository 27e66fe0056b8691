#if MySQL
import ApusCore
import ApusRuntime
import ApusTesting
import Glibc
import Testing

@testable import ApusStore

/// A MariaDB server of one test's own, on loopback: throw-away data, a password, each commit on disk.
///
/// It can be killed and frozen; it is gone when the test is.
final class MariaDBServer: Sendable {
    static let program = "/usr/sbin/mariadbd"
    /// Who may do anything.
    static let user = "apus"

    let port: UInt16
    let password = SecureRandom.token(bits: 96)
    private let folder: String
    private let settings: [String]
    private let group: LoopGroup
    private let child = Lock<ChildProcess?>(nil)
    private let disk = Lock<RefusingFolder?>(nil)

    struct Failure: Error { let what: String }

    /// A server that answers.
    ///
    /// - Parameters:
    ///   - settings: Options of the server, such as `--max-connections=20`.
    ///   - certificate: Files of a certificate and its key, which switch TLS on.
    ///   - hasDisk: Whether its disk can be filled.
    /// - Returns: The server.
    /// - Throws: ``Failure`` with what it said where it did not start.
    static func start(
        _ settings: [String] = [],
        certificate: (certificate: String, key: String)? = nil,
        hasDisk: Bool = false
    ) async throws -> MariaDBServer {
        let server = try MariaDBServer(settings, certificate)
        try await server.install()
        if hasDisk { try await server.prepareDisk() }
        try await server.start()
        return server
    }

    private init(_ settings: [String], _ certificate: (certificate: String, key: String)?) throws {
        folder = "/tmp/apus-mariadb-\(SecureRandom.token(bits: 64))"
        port = try FreePort.take()
        group = try LoopGroup(count: 1)
        try Files.makeFolder(folder)
        var settings = settings
        if let certificate {
            for (file, name) in [(certificate.certificate, "tls.pem"), (certificate.key, "tls.key")] {
                try Files.writeAtomically(try Files.readText(file), to: "\(folder)/\(name)")
            }
            settings += ["--ssl-cert=\(folder)/tls.pem", "--ssl-key=\(folder)/tls.key"]
        }
        self.settings = settings
        try Files.writeAtomically(
            """
            CREATE USER IF NOT EXISTS \(Self.user)@'%' IDENTIFIED BY '\(password)';
            GRANT ALL ON *.* TO \(Self.user)@'%' WITH GRANT OPTION;

            """,
            to: "\(folder)/init.sql"
        )
        for path in [folder, "\(folder)/init.sql", "\(folder)/tls.pem", "\(folder)/tls.key"] { try hand(over: path) }
    }

    deinit {
        child.withLock { $0 }?.signal(SIGKILL)
        group.shutdown()
        // The loop that would have noticed its end is gone, and tests in processes of their own wait for ends too.
        if let pid = child.withLock({ $0 })?.pid { waitpid(pid, nil, 0) }
        try? Files.remove(folder)
    }

    /// Its URL for somebody; the password is the first user's unless given.
    func url(_ user: String = MariaDBServer.user, password: String? = nil, rest: String = "") -> String {
        "mysql://\(user):\(password ?? self.password)@127.0.0.1:\(port)\(rest)"
    }

    /// Runs commands one after the other, from outside of any store; blocks.
    func run(_ texts: String...) throws { try TestMySQL(url()).run(texts) }

    /// One whole number, from outside of any store; blocks.
    func number(_ sql: SQL) throws -> Int { try TestMySQL(url()).number(sql) }

    // MARK: What is done to it

    /// Starts it again on the same port with the same data, and waits until it answers.
    func start() async throws {
        let child = try await spawn(
            Self.program,
            [
                "--no-defaults", "--datadir=\(folder)/data", "--port=\(port)", "--bind-address=127.0.0.1",
                "--socket=\(folder)/socket", "--pid-file=\(folder)/pid", "--init-file=\(folder)/init.sql",
                "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=1",
            ] + settings,
            log: "log",
            environment: disk.withLock { $0?.environment } ?? [:]
        )
        self.child.withLock { $0 = child }
        while child.exit == nil {
            if (try? run()) != nil { return }
            await Task.yield()
        }
        throw Failure(what: (try? Files.readText("\(folder)/log")) ?? "")
    }

    /// Kills it at once, as a machine does that loses its power.
    func kill() async {
        let child = child.withLock { $0 }
        child?.signal(SIGKILL)
        _ = await child?.wait()
    }

    /// Stops it where it is: connections stay, nothing answers.
    func freeze() { child.withLock { $0 }?.signal(SIGSTOP) }

    /// Lets it go on.
    func thaw() { child.withLock { $0 }?.signal(SIGCONT) }

    /// From now on its disk has no room for what needs more; what is there can be written over.
    func fillDisk() throws { try disk.withLock { try $0?.refuse(.growth) } }

    /// From now on it has.
    func emptyDisk() throws { try disk.withLock { try $0?.relent() } }

    /// Whether it has ended by itself.
    var hasEnded: Bool { child.withLock { $0 }?.exit != nil }

    private func prepareDisk() async throws {
        let loop = group.loops[0]
        let made = try await onLoop(loop) { [folder] in
            try await RefusingFolder("\(folder)/data", library: "\(folder)/disk.so", on: loop)
        }
        disk.withLock { $0 = made }
    }

    // MARK: Making it

    private func install() async throws {
        let install = try await spawn(
            "/usr/bin/mariadb-install-db",
            [
                "--no-defaults", "--datadir=\(folder)/data", "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            log: "install.log"
        )
        guard await install.wait().isSuccess else { throw Failure(what: try Files.readText("\(folder)/install.log")) }
    }

    /// The server refuses to run as root: then what it needs belongs to the user that its package made.
    private func hand(over path: String) throws {
        guard geteuid() == 0, Files.status(path) != nil, let user = getpwnam("mysql") else { return }
        guard chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else { throw Failure(what: path) }
    }

    /// Starts one of the package's programs; it ends with this process.
    private func spawn(
        _ program: String,
        _ arguments: [String],
        log: String,
        environment: [String: String] = [:]
    ) async throws -> ChildProcess {
        let user = geteuid() == 0 ? ["--reuid", "mysql", "--regid", "mysql", "--init-groups"] : []
        let path = "\(folder)/\(log)"
        let loop = group.loops[0]
        return try await onLoop(loop) { [folder] in
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            defer { for descriptor in [null, output] { close(descriptor) } }
            return try ChildProcess(
                path: "/usr/bin/setpriv",
                arguments: user + ["--pdeathsig", "KILL", program] + arguments,
                // A server that starts removes what it takes for temporary tables of its own, in a folder shared with others too.
                environment: environment.merging(
                    ["LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/bin", "TMPDIR": folder]
                ) { $1 },
                descriptors: [null, output, output],
                directory: "/",
                on: loop
            )
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips where Debian's package with the server is absent; runs, and fails, where `APUS_TEST_ALL=1` promises it.
    static var needsMariaDB: Self {
        .enabled("install mariadb-server, or run ./apus test") {
            Files.status(MariaDBServer.program) != nil || RealPart.mustRun
        }
    }
}
#endif
