import ApusCore
import ApusObserve
import ApusRuntime

/// Where logs go: standard output, as containers and journals want it, or files where that is a terminal or holds a document.
struct LogPlace: Sendable {
    let sink: LineSink
    /// The file, or `nil` for standard output.
    let path: String?

    private static let fileBytesMax: Int64 = 16 << 20

    init(_ start: UpStart) throws {
        guard start.isJSON || StandardStreams.isOutputTerminal else {
            sink = .standardOutput
            path = nil
            return
        }
        let path = "\(start.folder.path)/log"
        if let status = Files.status(path), status.size > Self.fileBytesMax {
            try Files.writeAtomically(try Files.read(path), to: "\(path).1")
            try Files.remove(path)
        }
        self.path = path
        sink = try LineSink(path: path)
    }

    /// Has the process log there.
    func apply(_ observe: ObserveConfiguration) { observe.apply(sink: sink) }
}
