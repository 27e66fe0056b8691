import ApusRuntime
import Testing

@testable import Apus

@Suite(.timeLimit(.minutes(5)))
struct HelloTests {
    @Test(arguments: [[], ["--one-process"]])
    func `the smallest example greets`(mode: [String]) async throws {
        try await withSystem(mode, program: "Hello") { system in
            let answer = try await system.get("/hello/Ada")
            #expect(answer.text == "Hello, Ada!\n", "\(system.errors)")
            system.process.signal(15)
            let exit = await system.ends(within: .seconds(20))
            #expect(exit?.code == 0)
        }
    }

    @Test func `the smallest example has less than 40 lines`() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let text = try Files.readText("\(root)/Examples/Hello/Sources/Hello/Hello.swift")
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 < 40)
    }
}
