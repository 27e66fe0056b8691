import ApusCache
import ApusCore
import ApusEdge
import ApusRuntime

/// Something a system's body lists: ``Edge``, ``Web``, ``Service``, ``SharedCache``, ``Setup``.
public protocol SystemContent {
    /// The parts it stands for.
    var parts: SystemParts { get }
}

/// A list of parts, as a system's body gives it.
public struct SystemParts: SystemContent {
    var list: [Part] = []

    init(_ list: [Part]) { self.list = list }

    /// Itself.
    public var parts: SystemParts { self }
}

/// Collects what a system's body lists; `if` and `for` work as usual.
@resultBuilder
public enum SystemBuilder {
    /// One line of the body.
    public static func buildExpression(_ content: some SystemContent) -> SystemParts { content.parts }
    /// All lines, in order.
    public static func buildBlock(_ parts: SystemParts...) -> SystemParts { buildArray(parts) }
    /// An `if` without `else`.
    public static func buildOptional(_ parts: SystemParts?) -> SystemParts { parts ?? SystemParts([]) }
    /// An `if` that holds.
    public static func buildEither(first: SystemParts) -> SystemParts { first }
    /// An `else`.
    public static func buildEither(second: SystemParts) -> SystemParts { second }
    /// A `for`.
    public static func buildArray(_ parts: [SystemParts]) -> SystemParts { SystemParts(parts.flatMap(\.list)) }
}

/// A part of a system, apart from the types of its author.
struct Part: Sendable {
    /// What kind of part it is.
    enum Kind: String, Sendable, Codable {
        case setup, service, web, edge
        case cache = "cache-server"
        /// Whether more than one process may run it.
        var mayScale: Bool { self == .service || self == .web }
        /// What is started first, and drained last.
        var order: Int {
            switch self {
            case .setup: 0
            case .cache: 1
            case .service: 2
            case .web: 3
            case .edge: 4
            }
        }
    }

    let name: String
    let kind: Kind
    /// How many processes run it.
    var replicas: Int
    /// Which part an edge sends requests to.
    var target: String?
    let content: Content

    enum Content: Sendable {
        case setup(@Sendable (SetupSite) async throws -> Void)
        /// Says on one loop that it has the service.
        case service(offer: @Sendable (Host) -> Void, jobs: [Every])
        /// Makes the server, its handlers on all loops.
        case web(serve: @Sendable ([Host], RoleHealth) async throws -> any Serving, jobs: [Every])
        case edge(EdgeConfiguration)
        case cache(CacheServerConfiguration)
    }
}

/// What a system declares, checked.
struct SystemPlan: Sendable {
    var parts: [Part]

    /// - Throws: ``ConfigurationError`` for a body that makes no sense.
    init(_ parts: SystemParts) throws(ConfigurationError) {
        self.parts = parts.list
        var names: Set<String> = [Self.setupName]
        for part in self.parts {
            // A setup has no process and no socket of its own, so it may be called anything.
            guard part.kind == .setup || Self.isName(part.name) else {
                throw ConfigurationError(
                    field: "name of a part",
                    value: part.name,
                    accepted: "1 to 32 lower-case letters, digits and hyphens, a letter first"
                )
            }
            guard names.insert(part.name).inserted else {
                throw ConfigurationError(field: "name of a part", value: part.name, accepted: "a name of its own")
            }
            try Self.check(replicas: part.replicas, of: part.name)
        }
        let caches = self.parts.filter { $0.kind == .cache }
        guard caches.count < 2 else {
            throw ConfigurationError(
                field: "cache servers of the system",
                value: caches.map(\.name).joined(separator: ", "),
                accepted: "one"
            )
        }
        for part in self.parts where part.kind == .edge {
            guard self.parts.contains(where: { $0.kind == .web && $0.name == part.target }) else {
                let known = self.parts.filter { $0.kind == .web }.map(\.name).joined(separator: ", ")
                throw ConfigurationError(field: "target of \(part.name)", value: part.target ?? "", accepted: known)
            }
        }
    }

    /// Where a part listens that inherits its sockets from the supervisor.
    static func listens(_ part: Part, _ platform: PlatformSettings, _ runFolder: String) -> SocketAddress {
        part.kind == .cache ? SharedCache.address(of: part.name, in: runFolder) : platform.edgeAddress
    }

    /// What the process is called that runs the setups.
    static let setupName = "setup"

    /// The cache server, if the system has one of its own.
    var cache: Part? { parts.first { $0.kind == .cache } }
    var setups: [Part] { parts.filter { $0.kind == .setup } }
    /// What runs, in the order in which it is started.
    var roles: [Part] { parts.filter { $0.kind != .setup }.sorted { $0.kind.order < $1.kind.order } }

    subscript(name: String) -> Part? { parts.first { $0.name == name } }

    /// Takes the number of replicas of one part.
    ///
    /// - Throws: ``ConfigurationError`` for an unknown part or a number out of range.
    mutating func set(replicas: Int, of name: String) throws(ConfigurationError) {
        guard let index = parts.firstIndex(where: { $0.name == name && $0.kind != .setup }) else {
            let known = roles.map(\.name).joined(separator: ", ")
            throw ConfigurationError(field: "--replicas", value: name, accepted: "one of \(known)")
        }
        try Self.check(replicas: replicas, of: name)
        guard parts[index].kind.mayScale || replicas == 1 else {
            let what = parts[index].kind == .edge ? "an edge" : "a cache server"
            throw ConfigurationError(field: "--replicas", value: "\(name)=\(replicas)", accepted: "1 for \(what)")
        }
        parts[index].replicas = replicas
    }

    private static func check(replicas: Int, of name: String) throws(ConfigurationError) {
        guard (1...64).contains(replicas) else {
            throw ConfigurationError(field: "replicas of \(name)", value: "\(replicas)", accepted: "1 to 64")
        }
    }

    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (97...122).contains(first), name.utf8.count <= 32 else { return false }
        return name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }
}
