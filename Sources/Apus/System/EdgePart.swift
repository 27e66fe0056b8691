public import ApusEdge

/// The part that takes the system's requests from outside and spreads them over the replicas of a web part.
///
/// It listens on `--port`, and on loopback unless `--host` says otherwise. A system has one edge process.
public struct Edge: SystemContent {
    /// The part.
    public let parts: SystemParts

    /// An edge.
    ///
    /// - Parameters:
    ///   - name: What it is called; `edge` unless said.
    ///   - target: The name of the web part it is in front of.
    ///   - configuration: How it treats clients and replicas.
    public init(_ name: String = "edge", to target: String, configuration: EdgeConfiguration = EdgeConfiguration()) {
        parts = SystemParts([
            Part(name: name, kind: .edge, replicas: 1, target: target, content: .edge(configuration))
        ])
    }
}
