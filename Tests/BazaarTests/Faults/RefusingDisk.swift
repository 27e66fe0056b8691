import ApusTesting

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
    private let loop: EventLoop
    private let data: RefusingFolder?

    /// Makes ready what the processes need from their start.
    init(_ way: Way, _ folder: ShopFolder, on loop: EventLoop) async throws {
        self.way = way
        self.loop = loop
        let library = "\(folder.path)/refusing-disk.so"
        data = way == .limit ? nil : try await RefusingFolder(folder.data, library: library, on: loop)
    }

    /// With what environment the shop is started.
    var environment: [String: String] { data?.environment ?? [:] }

    /// From now on the processes cannot write.
    func refuse(_ pids: [Int32]) async throws {
        switch way {
        case .limit: try await limit(pids, to: "0")
        case .full: try data?.refuse(.everything)
        case .readOnly: try data?.refuse(.readOnly)
        }
    }

    /// From now on they can.
    func relent(_ pids: [Int32]) async throws {
        if way == .limit { try await limit(pids, to: "unlimited") } else { try data?.relent() }
    }

    /// The soft limit alone, so that it can be raised again.
    private func limit(_ pids: [Int32], to bytes: String) async throws {
        for pid in pids { try await Tool.run("prlimit", ["--pid=\(pid)", "--fsize=\(bytes):"], on: loop) }
    }
}
