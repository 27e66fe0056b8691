import ApusCore
import ApusObserve
import ApusRuntime
import Glibc

/// `serve NAME --replica N`: one replica of one part, as the supervisor starts it; `serve setup` runs the setups.
enum ServeCommand {
    /// The descriptor on which the supervisor is heard, and from which on listening sockets are inherited.
    static let controlDescriptor: Int32 = 3
    static let firstListener: Int32 = 4
    /// Says that there is a supervisor, and how many sockets are inherited.
    static let controlVariable = "APUS_CONTROL"

    static func run(_ invocation: Invocation) throws -> Never {
        let configuration = try invocation.configure()
        let plan = try invocation.plan()
        guard let name = invocation.arguments.operands.first else { throw UsageError("serve needs the name of a part") }
        let parts: [Part]
        if name == SystemPlan.setupName {
            parts = []
        } else if let part = plan[name], part.kind != .setup {
            parts = [part]
        } else {
            let names = plan.roles.map(\.name)
            let hint = Spelling.nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
            throw UsageError("\(invocation.system) has no part \"\(name)\"\(hint)")
        }
        let replica = try number("replica", invocation)
        let generation = try number("generation", invocation)
        guard let control = invocation.environment[Self.controlVariable], let listeners = Int(control) else {
            throw UsageError("serve is started by up; run \(invocation.system) up")
        }
        guard let folder = Files.resolve(invocation.dataFolder) else {
            throw StartFailure("the data folder \(invocation.dataFolder) is missing")
        }
        let run = RunFolder(dataFolder: folder)
        // The setups run before the cache server, and it holds nothing itself.
        let usesCache = !parts.isEmpty && parts.first?.kind != .cache
        let cacheURL = usesCache ? plan.cache.map { SharedCache.url(of: $0.name, in: run.sockets) } : nil
        let signals = try Signals.block([SIGINT, SIGTERM, SIGHUP])
        invocation.observe.apply()
        let isEdge = parts.first?.kind == .edge
        Listener.inherit(
            (0..<Int32(listeners)).map { Self.firstListener + $0 },
            at: parts.first.map { SystemPlan.listens($0, invocation.platform, run.sockets) }
                ?? invocation.platform.edgeAddress
        )
        let loops = invocation.platform.loops == 0 ? LoopGroup.coreCount : invocation.platform.loops
        Program.run(loopCount: loops) { group in
            let site = ProcessSite(
                system: invocation.system,
                role: name,
                replica: replica,
                generation: generation,
                group: group,
                blocking: BlockingPool(),
                dataFolder: folder,
                runFolder: run.sockets,
                configuration: configuration,
                platform: invocation.platform,
                observe: invocation.observe(role: name, replica: replica),
                accessLog: isEdge && invocation.platform.logAccess ? AccessLog(to: .standardOutput) : nil,
                cacheURL: cacheURL
            )
            let role = SupervisedRole(
                site: site,
                parts: parts,
                plan: plan,
                blocks: OpenBlocks(invocation.declared),
                signals: signals
            )
            return await role.run()
        }
    }

    private static func number(_ option: String, _ invocation: Invocation) throws(UsageError) -> Int {
        guard let text = invocation.arguments.value(option) else { return 0 }
        guard let number = Int(text), number >= 0 else {
            throw UsageError("--\(option) takes a number, not \"\(text)\"")
        }
        return number
    }
}
