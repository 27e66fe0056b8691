import ApusCore
import ApusHTTP
import ApusRuntime
import Glibc
import Testing

/// A folder with files, gone when the test is over.
private final class Folder: Sendable {
    let path: String
    let pool = BlockingPool(threadsMax: 2)

    init() throws {
        path = "/tmp/apus-files-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(path + "/site/inner")
        try write("site/index.html", "<p>home")
        try write("site/style.css", "p{}")
        try write("site/inner/index.html", "<p>inner")
        try write("site/.secret", "hidden")
        try write("outside.txt", "outside")
        try Files.writeAtomically(Self.large, to: path + "/site/large.bin")
        symlink("../outside.txt", path + "/site/link.txt")
        symlink(path, path + "/site/up")
        symlink("style.css", path + "/site/same.css")
        mkfifo(path + "/site/pipe", 0o600)
    }

    deinit {
        pool.shutdown()
        try? Files.remove(path)
    }

    func write(_ name: String, _ text: String) throws { try Files.writeAtomically(text, to: "\(path)/\(name)") }

    static let large: [UInt8] = {
        var random = SeededRandom(seed: 1)
        return (0..<300_001).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }()

    func router(_ options: FileOptions = FileOptions(), at prefix: String = "/") throws -> RouterBuilder {
        var router = RouterBuilder()
        try router.files(at: prefix, in: path + "/site", on: pool, options: options)
        return router
    }
}

@Suite(.timeLimit(.minutes(5)))
struct FileServingTests {
    typealias Fields = [(name: String, value: String)]

    @Test func `a file comes with type, length, validators and leave to keep it`() async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { client, _ async throws in
            let style = try await client.ask(.get, "/style.css")
            #expect(style.text == "p{}")
            #expect(style.field("content-type") == "text/css; charset=utf-8")
            #expect(style.field("content-length") == "3")
            #expect(style.field("accept-ranges") == "bytes")
            #expect(style.field("cache-control") == "no-cache")
            #expect(style.field("etag")?.hasPrefix("\"") == true)
            #expect(style.field("last-modified")?.hasSuffix(" GMT") == true)
            #expect(try await client.ask(.get, "/").text == "<p>home")
            #expect(try await client.ask(.get, "/inner/").text == "<p>inner")
            let moved = try await client.ask(.get, "/inner?a=b")
            #expect(moved.status == .permanentRedirect)
            #expect(moved.field("location") == "/inner/?a=b")
        }
    }

    @Test func `HEAD has the same fields, no body, and leaves the connection usable`() async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { client, address async throws in
            let get = try await client.ask(.get, "/large.bin")
            let head = try await client.ask(.head, "/large.bin")
            #expect(head.body.isEmpty)
            for name in ["content-length", "etag", "last-modified", "content-type", "accept-ranges"] {
                #expect(head.field(name) == get.field(name))
            }
            #expect(head.field("connection") == nil)
            // A range is for GET alone.
            #expect(try await client.ask(.head, "/large.bin", [("Range", "bytes=0-1")]).status == .ok)
        }
    }

    @Test(arguments: [4 << 10, 64 << 10, 1 << 20])
    func `a large file comes whole, whatever the size of its parts`(partBytes: Int) async throws {
        let folder = try Folder()
        var options = FileOptions()
        options.partBytes = partBytes
        try await withRouter(folder.router(options)) { client, _ async throws in
            #expect(try await client.ask(.get, "/large.bin").body == Folder.large)
        }
    }

    @Test func `ranges are served exactly and refused with the length`() async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { client, _ async throws in
            let size = Folder.large.count
            for (field, range) in [
                ("bytes=0-0", 0..<1), ("bytes=100000-200000", 100_000..<200_001), ("bytes=-5", size - 5..<size),
                ("bytes=65535-65536", 65_535..<65_537), ("bytes=299999-", 299_999..<size),
            ] {
                let part = try await client.ask(.get, "/large.bin", [("Range", field)])
                #expect(part.status == .partialContent)
                #expect(part.body == Array(Folder.large[range]))
                #expect(part.field("content-range") == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
            }
            let none = try await client.ask(.get, "/large.bin", [("Range", "bytes=300001-")])
            #expect(none.status == .rangeNotSatisfiable)
            #expect(none.field("content-range") == "bytes */300001")
            #expect(none.isProblem("file.range"))
            #expect(try await client.ask(.get, "/large.bin", [("Range", "bytes=0-1,5-6")]).body == Folder.large)
        }
    }

    @Test func `conditions spare the body, and If-Range mixes no two states`() async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { client, _ async throws in
            let first = try await client.ask(.get, "/style.css")
            let etag = try #require(first.field("etag"))
            let date = try #require(first.field("last-modified"))
            func status(_ fields: Fields) async throws -> UInt16 {
                try await client.ask(.get, "/style.css", fields).status.code
            }
            #expect(try await status([("If-None-Match", etag)]) == 304)
            #expect(try await status([("If-None-Match", "W/\(etag), \"x\"")]) == 304)
            #expect(try await status([("If-None-Match", "\"x\""), ("If-Modified-Since", date)]) == 200)
            #expect(try await status([("If-Modified-Since", date)]) == 304)
            #expect(try await status([("If-Match", "\"x\"")]) == 412)
            #expect(try await status([("If-Range", etag), ("Range", "bytes=0-0")]) == 206)
            #expect(try await status([("If-Range", "\"x\""), ("Range", "bytes=0-0")]) == 200)
            let notModified = try await client.ask(.get, "/style.css", [("If-None-Match", etag)])
            #expect(notModified.field("etag") == etag)
            #expect(notModified.body.isEmpty)
            // Replaced by one of the same length: another state, although the second may be the same.
            try folder.write("site/style.css", "q{}")
            #expect(try await status([("If-None-Match", etag)]) == 200)
            #expect(try await status([("If-Range", etag), ("Range", "bytes=0-0")]) == 200)
        }
    }

    @Test(arguments: [
        "/link.txt", "/up/outside.txt", "/up/site/style.css", "/same.css", "/pipe", "/.secret", "/inner//index.html",
        "//style.css", "/style.css/", "/style.css/x", "/absent", "/inner/absent/", "/%00",
        "/" + String(repeating: "a", count: 300), "/..%2foutside.txt", "/%2e%2e/outside.txt", "/../outside.txt",
        "/inner/..%5c..%5coutside.txt", "/inner/%2E%2E/%2e%2e/outside.txt", "/%ff",
    ])
    func `nothing outside, hidden, linked or strange is served`(target: String) async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { client, _ async throws in
            let answer = try await client.ask(.get, target)
            #expect([400, 404].contains(answer.status.code), "\(answer.status.code) \(answer.text)")
            #expect(!answer.text.contains("outside"))
        }
    }

    @Test(arguments: ["?", "?a=%0d%0aSet-Cookie:%20x=y", "?\u{7F}", "?a\tb", "?\u{E9}", "?a=b#c"])
    func `a folder's redirect cannot be made to say anything else`(query: String) async throws {
        let folder = try Folder()
        try await withRouter(folder.router()) { _, address in
            guard let loop = EventLoop.current else { return }
            let raw = try await RawClient(address, on: loop)
            await raw.send("GET /inner\(query) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let answer = await raw.read()
            #expect(answer.hasPrefix("HTTP/1.1 308") || answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
            #expect(!answer.contains("\r\nSet-Cookie"))
            raw.close()
        }
    }

    @Test func `a file that shrinks while it is sent ends the connection, not the server`() async throws {
        let folder = try Folder()
        var options = FileOptions()
        options.partBytes = 4 << 10
        try await withRouter(folder.router(options)) { client, address async throws in
            guard let loop = EventLoop.current else { return }
            let size = 64 << 20
            truncate(folder.path + "/site/large.bin", size)
            let slow = try await RawClient(address, on: loop)
            await slow.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await slow.channel.readable(by: loop.now + .seconds(10))
            truncate(folder.path + "/site/large.bin", 10)
            let answer = await slow.read()
            #expect(answer.utf8.count < size)
            slow.close()
            #expect(try await client.ask(.get, "/style.css").text == "p{}")
        }
    }

    @Test func `a program's own bytes are served like a file`() async throws {
        var router = RouterBuilder()
        router.file("/app.js", bytes: Array("let a = 1".utf8), cacheControl: "public, max-age=60")
        router.file("/big", bytes: Folder.large)
        router.file("/empty", bytes: [])
        try await withRouter(router) { client, _ async throws in
            let script = try await client.ask(.get, "/app.js")
            #expect(script.field("content-type") == "text/javascript; charset=utf-8")
            #expect(script.field("cache-control") == "public, max-age=60")
            let etag = try #require(script.field("etag"))
            #expect(try await client.ask(.get, "/app.js", [("If-None-Match", etag)]).status == .notModified)
            #expect(try await client.ask(.get, "/app.js", [("Range", "bytes=4-4")]).text == "a")
            #expect(try await client.ask(.get, "/big").body == Folder.large)
            #expect(try await client.ask(.get, "/empty").body.isEmpty)
            #expect(try await client.ask(.get, "/empty", [("Range", "bytes=0-")]).status == .rangeNotSatisfiable)
            #expect(try await client.ask(.post, "/app.js").status == .methodNotAllowed)
        }
    }

    @Test func `an absent folder and senseless options are refused at start`() throws {
        let folder = try Folder()
        #expect(throws: SystemError.self) { try FileHandler(folder: folder.path + "/absent", on: folder.pool) }
        #expect(throws: SystemError.self) { try FileHandler(folder: folder.path + "/outside.txt", on: folder.pool) }
        var options = FileOptions()
        options.partBytes = 1
        #expect(throws: ConfigurationError.self) { try options.checked() }
        options = FileOptions()
        options.cacheControl = "a\r\nb: c"
        #expect(throws: ConfigurationError.self) { try options.checked() }
    }
}
