public import Foundation

/// A failure of the set-up, in a sentence.
public struct BenchError: Error, CustomStringConvertible {
    /// What failed.
    public let description: String

    /// An error that says what failed.
    public init(_ description: String) { self.description = description }
}

/// A TCP port of loopback that was free a moment ago.
public func freePort() throws -> Int {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw BenchError("no socket: errno \(errno)") }
    defer { close(socket) }
    var address = loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
        }
    }
    guard bound else { throw BenchError("no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
}

/// Waits until something accepts connections on a port of loopback.
///
/// - Parameters:
///   - port: Where.
///   - child: The program that is to listen there.
///   - name: What to call it if it does not.
///   - seconds: How long to wait.
/// - Throws: ``BenchError`` if nothing does in time, or if the program ended.
public func waitForPort(_ port: Int, of child: Child, named name: String, seconds: Double = 10) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        guard child.process.isRunning else { throw BenchError("\(name) ended at start") }
        if let socket = try? connected(port: port) {
            close(socket)
            return
        }
        usleep(10_000)
    }
    throw BenchError("\(name) does not listen on port \(port)")
}

/// A socket connected to a port of loopback.
func connected(port: Int) throws -> Int32 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port: port)
    let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard isConnected else {
        close(socket)
        throw BenchError("no connection to port \(port): errno \(errno)")
    }
    return socket
}

private func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
}

/// A folder that is gone when the benchmark is done.
public final class Scratch {
    /// Where it is.
    public let url: URL

    /// Makes an empty folder only this user can enter.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "apus-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    /// Writes a text file into it and returns the file's path.
    public func write(_ name: String, _ text: String) throws -> String {
        let file = url.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    /// Removes the folder.
    public func remove() { try? FileManager.default.removeItem(at: url) }
}
