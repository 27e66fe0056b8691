/// Files that may be longer than ``linesMax``, each with its reason.
let longFiles: [String: String] = [:]

/// The length from which a file needs a listed reason.
let linesMax = 500

/// Who may call the operating system, each with its reason.
///
/// Everyone else goes through `ApusRuntime`.
let systemCallers: [String: String] = [
    "Sources/ApusRuntime/": "it is the layer that makes system calls",
    "Sources/ApusCore/": "clock, randomness and the lock, below the runtime",
    "Sources/ApusObserve/Logs/": "a log line is one write, also where no loop runs",
    "Sources/ApusObserve/Metrics/ProcessMetrics.swift": "reads /proc of its own process",
    "Sources/ApusStore/": "the file lock of a shard and the data folder",
    "Sources/Apus/": "the supervisor: processes, signals, the lock of a data folder",
    "Sources/ApusTesting/": "starts real parts",
]

/// System calls as `CLinux` names them; atomics, clocks and errno are not among them.
private let systemCalls = [
    "socket", "bind_inet", "connect_inet", "bind_unix", "connect_unix", "accept", "send", "send_more", "recv", "peek",
    "open", "spawn", "epoll_create", "epoll_add", "epoll_wait", "lock_file", "pidfd_open", "pidfd_signal", "signalfd",
    "mkdir", "stat", "fcntl_int",
]

/// A place where code says what the style forbids.
private func places(_ files: [TextFile], _ words: [String], _ find: (String) -> String?) -> [Finding] {
    files.filter { $0.mentions(words) }.flatMap { file in
        file.swift.code.enumerated().compactMap { index, line in
            find(line).map { Finding(path: file.path, line: index + 1, what: $0) }
        }
    }
}

/// Calls that hide a failure, a wait or a thread from whoever reads the code.
func forbiddenWords(in tree: Tree) -> [Finding] {
    let words = ["try!", "Task.sleep", "@MainActor", "fatalError(", "Date()", "DispatchQueue"]
    return places(tree.product, words) { line in
        if line.contains("try!") { return "try! hides an error: throw it, or say by precondition why it cannot happen" }
        if line.contains(/\bTask\.sleep\b/.wordBoundaryKind(.simple)) {
            return "Task.sleep cannot be simulated: use the loop's timers"
        }
        if line.contains("@MainActor") { return "there is no main actor on a server: use a loop" }
        if line.contains(/\bfatalError\(\s*\)/.wordBoundaryKind(.simple)) {
            return "fatalError without a sentence that says what was broken"
        }
        if line.contains(/\bDate\(\)/.wordBoundaryKind(.simple)) { return "Date() cannot be simulated: use a Clock" }
        if line.contains(/\bDispatchQueue\b/.wordBoundaryKind(.simple)) {
            return "DispatchQueue brings threads nobody counts: use a loop or BlockingPool"
        }
        return nil
    }
}

/// Environment reads outside the files made for them.
func environmentReads(in tree: Tree) -> [Finding] {
    let files = tree.product.filter { !$0.path.hasSuffix("+Environment.swift") }
    return places(files, ["getenv", "ProcessInfo", "environ"]) { line in
        line.contains(/\b(getenv|ProcessInfo|environ)\b/.wordBoundaryKind(.simple))
            ? "the environment is read in files named …+Environment.swift, once, and handed on" : nil
    }
}

/// System calls outside the layers that own them.
func systemCallsElsewhere(in tree: Tree) -> [Finding] {
    let calls = systemCalls.map { "apus_\($0)(" }
    return places(tree.product.filter { !$0.isListed(in: systemCallers) }, calls) { line in
        calls.first { line.contains($0) }.map { "\($0)) is a system call: go through ApusRuntime" }
    }
}

/// Promises the compiler cannot check, given without a word on what keeps them.
func unexplainedPromises(in tree: Tree) -> [Finding] {
    let words = ["@unchecked Sendable", "nonisolated(unsafe)"]
    return tree.swift.filter { $0.folders.first == "Sources" && $0.mentions(words) }.flatMap { file -> [Finding] in
        let swift = file.swift
        return swift.code.indices.filter { index in
            guard words.contains(where: swift.code[index].contains) else { return false }
            return !swift.hasComment[max(0, index - 8)...index].contains(true)
        }.map { Finding(path: file.path, line: $0 + 1, what: "say in a comment what guards this") }
    }
}

/// Files nobody can read in a sitting.
func longFiles(in tree: Tree) -> [Finding] {
    tree.swift.filter { $0.lines.count > linesMax && longFiles[$0.path] == nil && !$0.path.contains("/Generated/") }.map
    {
        Finding(path: $0.path, line: 0, what: "\($0.lines.count) lines, at most \(linesMax) without a listed reason")
    }
}

/// Words of work not done.
func unfinishedWork(in tree: Tree) -> [Finding] {
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    return tree.files.filter { !$0.path.hasSuffix(".json") && $0.mentions(words) }.flatMap { file in
        file.lines.enumerated().compactMap { index, line in
            words.first { line.split { !$0.isLetter && !$0.isNumber }.contains(Substring($0)) }.map {
                Finding(path: file.path, line: index + 1, what: "\($0): do it now or open an issue")
            }
        }
    }
}

/// Paths that mean something on one machine only.
func strangePaths(in tree: Tree) -> [Finding] {
    let paths = ["../" + "shared", "/work" + "/", "/root" + "/", "/home" + "/"]
    return tree.files.filter { $0.mentions(paths) }.flatMap { file in
        file.lines.enumerated().compactMap { index, line in
            paths.first { line.contains($0) }.map {
                Finding(path: file.path, line: index + 1, what: "\($0) is not part of this repository")
            }
        }
    }
}

/// Folders of tests in other languages, each with who starts them.
let scriptFolders: [String: String] = [
    "Tests/API/": "Python, started by StrangersTests",
    "Tests/Cache/": "Python, started by CacheServerTests",
    "Tests/Browser/": "Python, started by StrangersTests and BrowserTests",
]

/// Folders of code that are no target, and targets without code.
func strayFolders(in tree: Tree) -> [Finding] {
    let declared = Set(manifestTargets(in: tree).map(\.name))
    let present = Set(tree.files.filter { !$0.isListed(in: scriptFolders) }.compactMap(\.target))
    return present.subtracting(declared).sorted().map { Finding(path: $0, line: 0, what: "no target of Package.swift") }
        + declared.subtracting(present).sorted().map { Finding(path: $0, line: 0, what: "a target without a file") }
}
