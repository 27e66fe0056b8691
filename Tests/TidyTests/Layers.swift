/// The layers of the design, lowest first: a target may import what is listed before its own line, and nothing on it.
///
/// That is why a block cannot import another block. What ties two together lives in `Apus`.
let layers: [Set<String>] = [
    ["ApusCore"],
    ["ApusWire", "ApusRuntime"],
    ["ApusObserve"],
    ["ApusHTTP"],
    ["ApusEdge", "ApusCache", "ApusStore", "ApusLoad"],
    ["ApusDashboard"],
    ["Apus"],
    ["ApusTesting"],
    ["Bazaar", "ApusTestSystem", "Hello"],
]

/// Which targets may hold a C library.
///
/// A library has one home, so that it can be replaced in one place.
let homes: [String: Set<String>] = [
    "CSQLite": ["ApusStore"],
    "COpenSSL": ["ApusRuntime"],
    "CPostgres": ["ApusStore"],
    "CMariaDB": ["ApusStore"],
    "CZstd": ["Bazaar"],
    "CLinux": [
        "ApusCore", "ApusRuntime", "ApusObserve", "ApusHTTP", "ApusEdge", "ApusCache", "ApusStore", "ApusLoad",
        "ApusDashboard", "Apus",
    ],
]

/// Wrong arrows: an import of ours that the layers forbid.
func wrongImports(in tree: Tree) -> [Finding] {
    tree.swift.filter { $0.folders.first == "Sources" }.flatMap { file in
        imports(of: file).compactMap { name, line in
            problem(file.target ?? "", importing: name).map { Finding(path: file.path, line: line, what: $0) }
        }
    }
}

/// Wrong arrows already in the manifest, and targets that no layer names.
func wrongDependencies(in tree: Tree) -> [Finding] {
    manifestTargets(in: tree).filter { !$0.isTest && !$0.name.hasPrefix("C") }.flatMap { target in
        target.dependencies.compactMap { problem(target.name, importing: $0) }.map {
            Finding(path: "Package.swift", line: 0, what: $0)
        }
    }
}

private func problem(_ target: String, importing name: String) -> String? {
    if let home = homes[name] {
        return home.contains(target) ? nil : "\(target) imports \(name), whose home is \(home.sorted())"
    }
    guard name.hasPrefix("Apus") || name == "Bazaar" else { return nil }
    guard let own = layers.firstIndex(where: { $0.contains(target) }) else { return "\(target) is in no layer" }
    guard let other = layers.firstIndex(where: { $0.contains(name) }) else { return "\(name) is in no layer" }
    if name == "ApusTesting" { return "\(target) imports ApusTesting, which is for tests only" }
    return other < own ? nil : "\(target) imports \(name): arrows point down only"
}

/// The modules a file imports, each with its line.
func imports(of file: TextFile) -> [(name: String, line: Int)] {
    file.lines.enumerated().compactMap { index, line in
        guard line.utf8.count < 120, line.contains("import "),
            let match = line.firstMatch(
                of: /^(?:@\w+(?:\(\w+\))? )*(?:public |package |internal |private )?import (?:\w+ )?(\w+)/
            )
        else { return nil }
        return (String(match.1), index + 1)
    }
}

/// A target as `Package.swift` declares it.
struct ManifestTarget: Equatable {
    let name: String
    let dependencies: [String]
    let isTest: Bool
}

/// Reads the targets out of the manifest's text: names and dependencies are literals there.
func manifestTargets(in tree: Tree) -> [ManifestTarget] {
    guard let manifest = tree["Package.swift"]?.text else { return [] }
    let declaration =
        /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "(\w+)"(?:,\s*dependencies: \[([^\]]*)\])?/
    return manifest.matches(of: declaration).map { match in
        let names = (match.3 ?? "").matches(of: /"(\w+)"/).map { String($0.1) }
        return ManifestTarget(name: String(match.2), dependencies: names, isTest: match.1 == "testTarget")
    }
}
