import ApusCore
import ApusRuntime

/// The settings that every system has.
struct PlatformSettings: Sendable {
    @Setting("port", "The port of the edge; 0 for any free one.", accepted: "0 to 65535", check: isPort)
    var port: Int = 8080
    @Setting(
        "host",
        "The IPv4 address the edge listens on; 0.0.0.0 for all.",
        accepted: "an IPv4 address",
        check: isHost
    )
    var host: String = "127.0.0.1"
    @Setting(
        "dashboard.port",
        "The port of the administration, on loopback; 0 for any free one.",
        accepted: "0 to 65535",
        check: isPort
    )
    var dashboardPort: Int = 8090
    @Setting(
        "data",
        "The folder where the data lives; .apus/NAME in the current folder unless set.",
        variable: "APUS_DATA"
    )
    var data: String = ""
    @Setting("config", "A file of settings; apus.json in the data folder unless set.", variable: "APUS_CONFIG")
    var config: String = ""
    @Setting(
        "loops",
        "Event loops a process; 0 for one a core.",
        variable: "APUS_LOOPS",
        accepted: "0 to 256",
        check: { (0...256).contains($0) }
    )
    var loops: Int = 0
    @Setting(
        "log.level",
        "The least level that is logged.",
        accepted: "trace, debug, info, warning or error",
        check: { LogLevel(name: $0) != nil }
    )
    var logLevel: String = "info"
    @Setting(
        "log.format",
        "How log lines look: json, human, or auto for human on a terminal.",
        accepted: "auto, json or human",
        check: { ObserveConfiguration.LogFormat(rawValue: $0) != nil }
    )
    var logFormat: String = "auto"
    @Setting("log.access", "Whether the edge logs a line for each request.")
    var logAccess: Bool = true
    @Setting(
        "drain.delay",
        "How long the edge serves on after /readyz says that the system drains; for balancers outside.",
        accepted: "0 s to 10 s",
        check: { (.zero ... .seconds(10)).contains($0) }
    )
    var drainDelay: Duration = .zero

    static func isPort(_ port: Int) -> Bool { (0...65_535).contains(port) }
    static func isHost(_ host: String) -> Bool { SocketAddress("\(host):0") != nil && host != "localhost" }

    var declarations: [SettingDeclaration] {
        [
            _port.declaration, _host.declaration, _dashboardPort.declaration, _data.declaration, _config.declaration,
            _loops.declaration, _logLevel.declaration, _logFormat.declaration, _logAccess.declaration,
            _drainDelay.declaration,
        ]
    }

    /// Where the edge listens.
    var edgeAddress: SocketAddress { SocketAddress("\(host):\(port)") ?? .loopback(port: UInt16(port)) }
}
