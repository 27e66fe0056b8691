public import ApusRuntime
import Glibc

/// A folder whose disk can be made to refuse writes, and to take them again, under processes that were started with
/// ``environment``; no privilege is needed.
///
/// A small library stands between them and the kernel. What a program does past its C library, such as by `io_uring`, it
/// does not see.
public struct RefusingFolder: Sendable {
    /// What is refused, and how.
    public enum Refusal: String, Sendable {
        /// Whatever writes fails with `ENOSPC`.
        case everything = "28"
        /// What makes a file, or makes one longer, fails with `ENOSPC`: the rest has its room already.
        case growth = "28 grow"
        /// Whatever writes, or opens for writing, fails with `EROFS`.
        case readOnly = "30"
    }

    /// Without links, as the kernel names what is open.
    private let folder: String
    private let library: String

    /// Makes ready what the processes need from their start.
    ///
    /// Only on the loop's own thread.
    ///
    /// - Parameters:
    ///   - folder: Where writes are to be refused.
    ///   - library: The file to compile into; the processes read it.
    ///   - loop: Watches the compiler.
    /// - Throws: An error where there is no `clang` in `PATH`, or it fails.
    public init(_ folder: String, library: String, on loop: EventLoop) async throws {
        self.folder = folder
        self.library = library
        let source = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        let arguments = ["-shared", "-fPIC", "-O1", "-o", library, "\(source)/Fixtures/refusing-disk.c"]
        // The compiler that Swift links with.
        try await Tool.run("clang", arguments, on: loop)
    }

    /// With what environment the processes are started.
    public var environment: [String: String] { ["LD_PRELOAD": library, "REFUSING_DISK": folder] }

    private var note: String { "\(folder).errno" }

    /// From now on the processes cannot write.
    ///
    /// - Throws: `SystemError`.
    public func refuse(_ refusal: Refusal) throws {
        // Whoever the processes belong to reads it.
        try Files.writeAtomically(refusal.rawValue, to: note, mode: 0o644)
    }

    /// From now on they can.
    ///
    /// - Throws: `SystemError`.
    public func relent() throws { try Files.remove(note) }
}
