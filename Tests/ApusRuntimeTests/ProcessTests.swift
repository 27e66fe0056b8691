import ApusCore
import ApusRuntime
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ProcessTests {
    @Test(arguments: [("exit 0", Int32(0)), ("exit 7", 7), ("kill -9 $$", 137)])
    func `a child's end is heard with its code`(script: String, code: Int32) async throws {
        let exit = try await onLoop { group in
            let child = try ChildProcess(
                path: "/bin/sh",
                arguments: ["-c", script],
                environment: [:],
                on: group.loops[0]
            )
            return await child.wait()
        }
        #expect(exit.code == code)
    }

    @Test func `a child that ignores SIGTERM is killed at the deadline`() async throws {
        let exit = try await onLoop { group in
            let loop = group.loops[0]
            let folder = try TemporaryFolder()
            let child = try ChildProcess(
                path: "/bin/sh",
                arguments: ["-c", "trap '' TERM; : > \(folder.path)/deaf; while :; do sleep 1; done"],
                environment: ["PATH": "/bin:/usr/bin"],
                on: loop
            )
            while Files.status("\(folder.path)/deaf") == nil { try await loop.sleep(for: .milliseconds(2)) }
            return await child.terminate(by: loop.now + .milliseconds(50))
        }
        #expect(exit.code == 137)
    }

    @Test func `a program that is not there is an error, not a child`() async throws {
        try await onLoop { group in
            #expect(throws: SystemError("start /no/such", errno: 2)) {
                _ = try ChildProcess(path: "/no/such", arguments: [], environment: [:], on: group.loops[0])
            }
        }
    }

    @Test func `blocking calls run beside the loop, and a full pool refuses`() async throws {
        let pool = BlockingPool(threadsMax: 2, waitersMax: 0)
        await #expect(throws: BlockingPool.Overloaded.self) { try await pool.run { 1 } }
        let open = BlockingPool(threadsMax: 2)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...100 { group.addTask { try await open.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 5050)
        open.shutdown()
        pool.shutdown()
    }
}

struct FilesTests {
    @Test func `a file is written whole, read back, copied and removed`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a"
        try Files.writeAtomically("grüße", to: path)
        #expect(try Files.readText(path) == "grüße")
        #expect(Files.status(path)?.mode == 0o600)
        #expect(throws: SystemError.self) { try Files.read(path, bytesMax: 3) }
        try Files.copyFolder(folder.path, to: "\(folder.path)-copy")
        #expect(try Files.list("\(folder.path)-copy") == ["a"])
        try Files.remove("\(folder.path)-copy")
        #expect(Files.status("\(folder.path)-copy") == nil)
    }

    @Test func `one holder at a time has a file's lock`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/lock"
        let held = try FileLock.take(path)
        #expect(held != nil)
        #expect(try FileLock.take(path) == nil)
        held?.release()
        #expect(try FileLock.take(path) != nil)
    }
}
