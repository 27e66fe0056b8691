import Glibc

@testable import Apus

/// A disk under a running shop that can be made to refuse writes, and to take them again; no privilege is needed.
struct RefusingDisk: Sendable {
    /// How it refuses.
    enum Way: String, Sendable, CaseIterable, CustomStringConvertible {
        /// The kernel refuses every byte, by each process's limit on the size of files: a full disk's nearest relative.
        case limit
        /// Every call that writes fails with `ENOSPC`.
        case full
        /// Every call that writes, or opens for writing, fails with `EROFS`.
        case readOnly

        var description: String { rawValue }
    }

    let way: Way
    private let folder: ShopFolder
    private let loop: EventLoop
    private var library: String { "\(folder.path)/refusing-disk.so" }
    private var note: String { "\(folder.data).errno" }

    /// Makes ready what the processes need from their start.
    init(_ way: Way, _ folder: ShopFolder, on loop: EventLoop) async throws {
        self.way = way
        self.folder = folder
        self.loop = loop
        if way != .limit { try await compile() }
    }

    /// With what environment the shop is started.
    var environment: [String: String] {
        way == .limit ? [:] : ["LD_PRELOAD": library, "REFUSING_DISK": folder.data]
    }

    /// From now on the processes cannot write.
    func refuse(_ pids: [Int32]) async throws {
        switch way {
        case .limit: try await limit(pids, to: "0")
        case .full: try Files.writeAtomically("\(ENOSPC)", to: note)
        case .readOnly: try Files.writeAtomically("\(EROFS)", to: note)
        }
    }

    /// From now on they can.
    func relent(_ pids: [Int32]) async throws {
        if way == .limit { try await limit(pids, to: "unlimited") } else { try Files.remove(note) }
    }

    /// The soft limit alone, so that it can be raised again.
    private func limit(_ pids: [Int32], to bytes: String) async throws {
        for pid in pids { try await run("prlimit", ["--pid=\(pid)", "--fsize=\(bytes):"]) }
    }

    /// Compiles what stands between the processes and the kernel with the compiler that Swift links with.
    private func compile() async throws {
        let source =
            "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
            + "/Fixtures/refusing-disk.c"
        try await run("clang", ["-shared", "-fPIC", "-O1", "-o", library, source])
    }

    private func run(_ name: String, _ arguments: [String]) async throws {
        let folders = (ProcessEnvironment.variables["PATH"] ?? "/usr/bin").split(separator: ":").map(String.init)
        let candidates = folders.map { "\($0)/\(name)" }
        guard let program = candidates.first(where: { (path: String) in access(path, X_OK) == 0 }) else {
            throw SystemError("\(name) in PATH", errno: ENOENT)
        }
        let process = try ChildProcess(
            path: program,
            arguments: arguments,
            environment: ProcessEnvironment.variables,
            on: loop
        )
        let exit = await process.wait()
        guard exit.isSuccess else { throw SystemError("\(name): \(exit)", errno: EINVAL) }
    }
}
