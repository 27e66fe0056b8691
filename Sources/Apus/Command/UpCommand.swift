import ApusCore
import ApusDashboard
import ApusObserve
import ApusRuntime
import Glibc

/// `up`: starts the system and stays until it has drained.
enum UpCommand {
    static func run(_ invocation: Invocation) throws -> Never {
        let configuration = try invocation.configure()
        let plan = try invocation.plan()
        let folder = try DataFolder.take(
            invocation.dataFolder,
            system: invocation.system,
            isFresh: invocation.arguments.has("fresh"),
            report: SystemProgram.complain
        )
        let run = RunFolder(dataFolder: folder.path)
        try run.prepare()
        // Before any other thread is started: a signal that some thread does not block would end the process there.
        let signals = try Signals.block([SIGINT, SIGTERM, SIGHUP])
        let start = UpStart(
            invocation: invocation,
            configuration: configuration,
            plan: plan,
            folder: folder,
            run: run,
            signals: signals,
            token: SecureRandom.token()
        )
        let isWhole = invocation.arguments.has("one-process")
        let loops = invocation.platform.loops == 0 ? LoopGroup.coreCount : invocation.platform.loops
        Program.run(loopCount: isWhole ? loops : 1) { group in
            let code =
                isWhole
                ? await OneProcess(start: start, group: group).run()
                : await SplitSystem(start: start, loop: group.loops[0]).run()
            run.clear()
            folder.release()
            return code
        }
    }
}

/// What `up` knows when it begins.
struct UpStart: Sendable {
    let invocation: Invocation
    let configuration: Configuration
    let plan: SystemPlan
    let folder: DataFolder
    let run: RunFolder
    let signals: Signals
    let token: String

    var system: String { invocation.system }
    var platform: PlatformSettings { invocation.platform }
    var isJSON: Bool { invocation.arguments.has("json") }

    /// The administration's URL with the token in it: whoever opens it may change things.
    func tokened(_ url: String) -> String { "\(url)/?token=\(token)" }

    /// The dashboard of the system; it keeps a day in the data folder.
    func dashboard(of source: any DashboardSource, on loop: EventLoop) -> Dashboard {
        Dashboard(
            of: source,
            folder: platform.dashboardHistory && platform.dashboardGather ? "\(folder.path)/dashboard" : nil,
            gathers: platform.dashboardGather,
            on: loop
        )
    }

    /// Serves the dashboard, and leaves word where it is.
    ///
    /// - Throws: ``StartFailure`` such as for a port in use.
    func administer(_ dashboard: Dashboard) async throws -> DashboardServer {
        let server: DashboardServer
        do {
            server = try await DashboardServer.start(
                dashboard,
                token: token,
                port: UInt16(platform.dashboardPort),
                loads: "\(folder.path)/loads"
            )
        } catch {
            throw StartFailure(wrapping: error, doing: "the dashboard, with --dashboard-port")
        }
        try run.write(
            RunFolder.Facts(
                pid: Program.pid,
                administration: server.url,
                token: token,
                started: SystemClock().wallNanoseconds()
            )
        )
        return server
    }
}
