public import ApusCore

/// How a RESP client is bounded.
public struct RESPClientConfiguration: Sendable, Hashable {
    /// How long a command may take, its wait for a connection included; 1 second unless set or said with the command.
    public var commandLimit: Duration = .seconds(1)
    /// How long it may take to connect, secure the connection and be let in; 2 seconds unless set.
    public var connectLimit: Duration = .seconds(2)
    /// How long a server may say nothing after a command's time was up, before its connection is dropped; 1 second unless set.
    public var silenceLimit: Duration = .seconds(1)
    /// How long a connection that is listened on may be silent before it counts as lost; 2 seconds unless set.
    ///
    /// It is asked for a sign of life three times in that time. What a near cache promises of its age rests on this bound.
    public var lossLimit: Duration = .seconds(2)
    /// Most replies that are awaited on one connection; 16,384 unless set.
    public var outstandingMax = 16_384
    /// Most bytes of commands that a connection has not taken; 64 MiB unless set.
    public var unsentBytesMax = 64 << 20
    /// Longest reply, in bytes; 64 MiB unless set, at most 512 MiB.
    public var replyBytesMax = 64 << 20
    /// Most connections for exclusive use, of each loop to each server; 8 unless set.
    public var exclusiveMax = 8
    /// Most callers that wait for one of those; 1,024 unless set.
    public var exclusiveWaitersMax = 1024
    /// Most messages that a subscription keeps for its reader; 1,024 unless set.
    public var messagesMax = 1024
    /// How long nobody tries again after it first failed to connect; 20 ms unless set, and twice as long after each failure.
    public var pauseFirst: Duration = .milliseconds(20)
    /// The longest such pause; 2 seconds unless set.
    public var pauseLongest: Duration = .seconds(2)
    /// The name that the server's list of clients shows; `apus` unless set.
    public var clientName = "apus"

    /// Starts from the defaults.
    public init() {}

    /// The configuration itself.
    ///
    /// - Throws: `ConfigurationError` for what makes no sense.
    public func checked() throws(ConfigurationError) -> Self {
        func refuse(_ field: String, _ value: some Any, _ accepted: String) -> ConfigurationError {
            ConfigurationError(field: field, value: "\(value)", accepted: accepted)
        }
        let durations = [
            ("commandLimit", commandLimit), ("connectLimit", connectLimit), ("silenceLimit", silenceLimit),
            ("lossLimit", lossLimit), ("pauseFirst", pauseFirst), ("pauseLongest", pauseLongest),
        ]
        for (name, value) in durations where value <= .zero { throw refuse(name, value, "more than zero") }
        if outstandingMax < 1 { throw refuse("outstandingMax", outstandingMax, "1 or more") }
        if unsentBytesMax < 1024 { throw refuse("unsentBytesMax", unsentBytesMax, "1024 or more") }
        if !(1024...512 << 20).contains(replyBytesMax) {
            throw refuse("replyBytesMax", replyBytesMax, "1024 to 536870912")
        }
        if exclusiveMax < 1 { throw refuse("exclusiveMax", exclusiveMax, "1 or more") }
        if exclusiveWaitersMax < 0 { throw refuse("exclusiveWaitersMax", exclusiveWaitersMax, "0 or more") }
        if messagesMax < 1 { throw refuse("messagesMax", messagesMax, "1 or more") }
        let isName = clientName.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        if clientName.isEmpty || !isName { throw refuse("clientName", clientName, "letters and signs without spaces") }
        return self
    }
}
