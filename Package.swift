// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every target: Swift 6, explicit existentials, explicit imports, no warnings.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "apus",
    products: [
        .library(name: "Apus", targets: ["Apus"]),
        .library(name: "ApusTesting", targets: ["ApusTesting"]),
        .executable(name: "bazaar", targets: ["Bazaar"]),
    ],
    // Engines that need a C library. `traits: []` in a system's own manifest leaves all of them out.
    traits: [
        .trait(name: "PostgreSQL", description: "The store's engine for postgres:// by libpq."),
        .trait(name: "MySQL", description: "The store's engine for mysql:// by MariaDB Connector/C."),
        .default(enabledTraits: ["PostgreSQL", "MySQL"]),
    ],
    targets: [
        // C libraries: module maps and shim headers, no logic.
        .target(name: "CLinux"),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

        // Values everyone shares.
        .target(name: "ApusCore", dependencies: ["CLinux"], swiftSettings: strict),
        // The compact binary form of values between processes.
        .target(name: "ApusWire", dependencies: ["ApusCore"], swiftSettings: strict),
        // Event loops, sockets, timers, processes: the only place that makes system calls.
        .target(name: "ApusRuntime", dependencies: ["ApusCore", "CLinux", "COpenSSL"], swiftSettings: strict),
        // Metrics, logs, traces.
        .target(name: "ApusObserve", dependencies: ["ApusCore", "ApusRuntime", "CLinux"], swiftSettings: strict),
        // HTTP/1.1 as state machines; server, client and router on top.
        .target(
            name: "ApusHTTP",
            dependencies: ["ApusCore", "ApusRuntime", "ApusObserve", "CLinux"],
            swiftSettings: strict
        ),

        // Blocks. A block does not import another block.
        .target(
            name: "ApusEdge",
            dependencies: ["ApusCore", "ApusRuntime", "ApusObserve", "ApusHTTP", "CLinux"],
            swiftSettings: strict
        ),
        .target(
            name: "ApusCache",
            dependencies: ["ApusCore", "ApusWire", "ApusRuntime", "ApusObserve", "CLinux"],
            swiftSettings: strict
        ),
        .target(
            name: "ApusStore",
            dependencies: [
                "ApusCore", "ApusRuntime", "ApusObserve", "ApusHTTP", "CSQLite", "CLinux",
                .target(name: "CPostgres", condition: .when(traits: ["PostgreSQL"])),
                .target(name: "CMariaDB", condition: .when(traits: ["MySQL"])),
            ],
            swiftSettings: strict
        ),

        // Tools around a running system: honest load, and the page that shows it.
        .target(
            name: "ApusLoad",
            dependencies: ["ApusCore", "ApusRuntime", "ApusObserve", "ApusHTTP", "CLinux"],
            swiftSettings: strict
        ),
        .target(
            name: "ApusDashboard",
            dependencies: ["ApusCore", "ApusRuntime", "ApusObserve", "ApusHTTP", "ApusLoad", "CLinux"],
            swiftSettings: strict
        ),

        // What a system's author imports.
        .target(
            name: "Apus",
            dependencies: [
                "ApusCore", "ApusWire", "ApusRuntime", "ApusObserve", "ApusHTTP", "ApusEdge", "ApusCache", "ApusStore",
                "ApusLoad", "ApusDashboard", "CLinux",
            ],
            swiftSettings: strict
        ),
        // Clocks to turn, simulated network, real parts. Only tests import it.
        .target(name: "ApusTesting", dependencies: ["Apus"], exclude: ["Fixtures"], swiftSettings: strict),

        // The reference system.
        .executableTarget(name: "Bazaar", dependencies: ["Apus", "CZstd"], swiftSettings: strict),

        // Small systems that tests start as processes: one with ways to break it, and the example.
        .executableTarget(
            name: "Hello",
            dependencies: ["Apus"],
            path: "Examples/Hello/Sources/Hello",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "ApusTestSystem",
            dependencies: ["Apus"],
            path: "Tests/ApusTestSystem",
            swiftSettings: strict
        ),

        // Tests: a folder a module.
        .testTarget(name: "ApusCoreTests", dependencies: ["ApusCore", "ApusTesting"], swiftSettings: strict),
        .testTarget(name: "ApusWireTests", dependencies: ["ApusWire", "ApusTesting"], swiftSettings: strict),
        .testTarget(name: "ApusRuntimeTests", dependencies: ["ApusRuntime", "ApusTesting"], swiftSettings: strict),
        .testTarget(
            name: "ApusObserveTests",
            dependencies: ["ApusObserve", "ApusTesting"],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ApusHTTPTests",
            dependencies: ["ApusHTTP", "ApusTesting", "CZstd"],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ApusEdgeTests",
            dependencies: ["ApusEdge", "ApusHTTP", "ApusTesting"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ApusCacheTests",
            dependencies: ["ApusCache", "ApusTesting"],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ApusStoreTests",
            dependencies: [
                "ApusStore", "ApusHTTP", "ApusTesting", "CSQLite",
                .target(name: "CPostgres", condition: .when(traits: ["PostgreSQL"])),
                .target(name: "CMariaDB", condition: .when(traits: ["MySQL"])),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "ApusLoadTests", dependencies: ["ApusLoad", "ApusTesting"], swiftSettings: strict),
        .testTarget(name: "ApusDashboardTests", dependencies: ["ApusDashboard", "ApusTesting"], swiftSettings: strict),
        .testTarget(
            name: "ApusTests",
            dependencies: ["Apus", "ApusDashboard", "ApusTesting", "ApusTestSystem", "Hello"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "BazaarTests",
            dependencies: ["Bazaar", "Apus", "ApusDashboard", "ApusTesting"],
            swiftSettings: strict
        ),
        .testTarget(name: "TidyTests", dependencies: ["ApusTesting"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
