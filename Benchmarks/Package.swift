// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The same rules as in the package that is measured.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A benchmark is a folder in `Sources`: `BenchEdge` becomes the executable `bench-edge`.
let known = [
    "BenchServe", "BenchEdge", "BenchStore", "BenchRPC", "BenchLoad", "BenchObserve", "BenchShop", "BenchCache",
    "BenchReshard", "BenchReplicas",
]
let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Sources")
let present = known.filter { FileManager.default.fileExists(atPath: sources.appending(path: $0).path) }

let package = Package(
    name: "benchmarks",
    products: present.map { bench in
        .executable(
            name: "bench-" + bench.dropFirst("Bench".count).lowercased(),
            targets: [bench]
        )
    },
    dependencies: [.package(name: "apus", path: "..")],
    targets: [
        .target(name: "BenchKit", dependencies: [.product(name: "Apus", package: "apus")], swiftSettings: strict),
        // Peers in C.
        .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "CHiredisPeer", dependencies: ["CHiredis"]),
        .systemLibrary(name: "CMemcached", providers: [.apt(["libmemcached-dev"])]),
    ]
        + present.map { bench in
            .executableTarget(
                name: bench,
                dependencies: ["BenchKit", .product(name: "Apus", package: "apus")]
                    + (bench == "BenchCache" ? ["CHiredisPeer", "CMemcached"] : []),
                swiftSettings: strict
            )
        },
    swiftLanguageModes: [.v6]
)
