import Glibc
public import Testing

/// A real program or server that some tests need; its raw value is the environment variable that says where it is.
///
/// `./apus test` starts or builds all of them. A plain `swift test` skips the tests of those that are absent, and says so.
public enum RealPart: String, Sendable, CaseIterable {
    /// A URL of nginx as a plain origin: `/`, `/echo`, `/stub_status`.
    case nginx = "APUS_TEST_NGINX"
    /// A URL of HAProxy answering by itself.
    case haproxy = "APUS_TEST_HAPROXY"
    /// A URL of a Prometheus server.
    case prometheus = "APUS_TEST_PROMETHEUS"
    /// A URL of an OTLP receiver: `POST /v1/traces`, `GET /spans`, `DELETE /spans`.
    case otlp = "APUS_TEST_OTLP"
    /// A URL of a Redis server, `redis://127.0.0.1:PORT`.
    case redis = "APUS_TEST_REDIS"
    /// A URL of three masters of a Redis Cluster, `redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT`.
    case redisCluster = "APUS_TEST_REDIS_CLUSTER"
    /// A URL of a memcached, `memcached://127.0.0.1:PORT`.
    case memcached = "APUS_TEST_MEMCACHED"
    /// A URL of a PostgreSQL database whose user may make schemas and databases.
    case postgres = "APUS_TEST_POSTGRES"
    /// A URL of a MariaDB server whose user may make databases, `mysql://user:password@127.0.0.1:PORT`.
    case mariadb = "APUS_TEST_MARIADB"
    /// The path of a release build of Bazaar.
    case bazaar = "APUS_TEST_BAZAAR"
    /// The path of a build of `Examples/Hello`.
    case hello = "APUS_TEST_HELLO"
    /// The path of a Python with Playwright, which starts Debian's Chromium.
    case browser = "APUS_TEST_BROWSER"
    /// The path of a Python with Schemathesis and a generator of clients.
    case schemathesis = "APUS_TEST_SCHEMATHESIS"
    /// The path of a Python with the clients of Redis and memcached.
    case cachePython = "APUS_TEST_CACHE_PYTHON"
    /// The folder with release builds of the benchmarks.
    case benchmarks = "APUS_TEST_BENCHMARKS"

    /// Where the part is: a URL or a path, or nil where it is absent.
    public var location: String? { environment(rawValue) }

    /// Whether absent parts are a failure: `APUS_TEST_ALL=1` promises that all are there.
    public static var mustRun: Bool { environment("APUS_TEST_ALL") == "1" }
}

extension Trait where Self == ConditionTrait {
    /// Skips, with the reason, where the part is absent; runs, and fails, where `APUS_TEST_ALL=1` promises it.
    public static func needs(_ part: RealPart) -> Self {
        .enabled("set \(part.rawValue), or run ./apus test") { part.location != nil || RealPart.mustRun }
    }
}

/// What a run of the tests was asked to do.
public enum TestRun {
    /// The seed of this run's random choices: `APUS_TEST_SEED`, or a fresh one.
    ///
    /// Print it where a test fails; `./apus test --seed N` repeats the run.
    public static let seed: UInt64 = environment("APUS_TEST_SEED").flatMap { UInt64($0) } ?? .random(in: 0..<1 << 48)

    /// How many rounds a test with faults runs: `APUS_TEST_ROUNDS`, 3 unless set; `./apus test` has 20, `--long` 200.
    public static let rounds = environment("APUS_TEST_ROUNDS").flatMap { Int($0) } ?? 3

    /// The URL of the server that the reference system's tests keep their rows on: `APUS_TEST_SHOP_STORE`; `nil` for files.
    public static let shopStore = environment("APUS_TEST_SHOP_STORE")

    /// The URL of the cache that they share: `APUS_TEST_SHOP_CACHE`; `nil` for the system's own.
    public static let shopCache = environment("APUS_TEST_SHOP_CACHE")

    /// What a sanitizer was told, for processes that get an environment of their own: built with it, they are to hear it too.
    public static let sanitizerOptions = Dictionary(
        uniqueKeysWithValues: ["ASAN_OPTIONS", "TSAN_OPTIONS"].compactMap { name in environment(name).map { (name, $0) }
        }
    )

    /// How many seeds a fuzz test tries: `APUS_TEST_SEEDS`, 100 unless set; `./apus test` has 500, `--long` 20,000.
    public static let seeds = environment("APUS_TEST_SEEDS").flatMap { Int($0) } ?? 100
}

private func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}
