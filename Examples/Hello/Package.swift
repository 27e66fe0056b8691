// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "hello",
    products: [.executable(name: "hello", targets: ["Hello"])],
    dependencies: [
        // A clone on this machine. Once yours is public, a URL takes its place:
        // .package(url: "https://example.org/apus.git", branch: "main")
        .package(name: "apus", path: "../..")
    ],
    targets: [
        .executableTarget(name: "Hello", dependencies: [.product(name: "Apus", package: "apus")])
    ],
    swiftLanguageModes: [.v6]
)
