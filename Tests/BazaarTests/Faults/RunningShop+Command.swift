import ApusTesting
import Glibc
import Testing

@testable import Apus

extension RunningShop {
    /// What a command came to.
    struct CommandResult: Sendable {
        let code: Int32
        let output: String
        let errors: String
    }

    /// Runs another command of the program on this shop's data, with the shop's engines and file of sales in its environment.
    ///
    /// - Parameters:
    ///   - words: The command and what it is told.
    ///   - limit: How long it may take; then it is killed.
    /// - Returns: Its exit code, and what it wrote.
    /// - Throws: What keeps its process from starting.
    func command(_ words: [String], within limit: Duration) async throws -> CommandResult {
        let out = try SocketPair.make(theirsBlocks: true)
        let err = try SocketPair.make(theirsBlocks: true)
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let child = try ChildProcess(
            path: Self.program,
            arguments: words + ["--data", folder.data],
            environment: folder.storage.environment.merging(["SALES_FILE": folder.sales]) { _, given in given },
            descriptors: [null, out.theirs, err.theirs],
            on: loop
        )
        close(out.theirs)
        close(err.theirs)
        let (output, errors) = (try OutputText(out.mine, on: loop), try OutputText(err.mine, on: loop))
        let timer = loop.schedule(at: loop.preciseNow() + limit) { child.signal(SIGKILL) }
        let exit = await child.wait()
        loop.cancel(timer)
        for text in [output, errors] {
            _ = await text.wait(by: loop.preciseNow() + .seconds(10)) { _ in false }
            await text.close()
        }
        return CommandResult(code: exit.code, output: output.text, errors: errors.text)
    }
}
