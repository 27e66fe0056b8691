public import ApusCore
public import ApusRuntime

/// How an embedded cache server is bounded.
public struct CacheServerConfiguration: Sendable {
    /// Most bytes of all keys with their values, 256 MiB unless set; beyond it, the eviction policy says what goes.
    ///
    /// Tables around them and clients' buffers come on top.
    public var memoryBytesMax = 256 << 20
    /// Longest string a client may send or make, in bytes; 16 MiB unless set, at most 512 MiB.
    public var valueBytesMax = 16 << 20
    /// Longest value a client of memcached's protocol may store, in bytes; 1 MiB unless set, as in memcached, at most 64 MiB.
    public var memcachedValueBytesMax = 1 << 20
    /// Most bytes of one command that has not come whole, and of a transaction's queue; 64 MiB unless set.
    public var inputBytesMax = 64 << 20
    /// Most bytes of replies that a client has not taken; 64 MiB unless set, and beyond them it is cut off.
    public var outputBytesMax = 64 << 20
    /// How long a client may take none of its output before it is cut off; 30 seconds unless set.
    public var stallLimit: Duration = .seconds(30)
    /// How long a client may be silent; `nil`, the default, for ever, as subscribers and pools are.
    public var idleLimit: Duration?
    /// Most clients at a time; 10,000 unless set.
    public var clientsMax = 10_000
    /// Most keys that are remembered for clients that track what they read; 1,000,000 unless set.
    public var trackedKeysMax = 1_000_000
    /// What a client must say before anything else; none unless set, and then it listens on loopback only.
    public var password: Secret<String>?

    /// What the server shows of itself on both ports, where clients come by TLS; `nil`, the default, for connections that
    /// are not protected.
    public var tls: TLSServerOptions?

    /// Starts from the defaults.
    public init() {}

    /// The configuration itself.
    ///
    /// - Throws: `ConfigurationError` for what makes no sense.
    public func checked() throws(ConfigurationError) -> Self {
        func refuse(_ field: String, _ value: some Any, _ accepted: String) -> ConfigurationError {
            ConfigurationError(field: field, value: "\(value)", accepted: accepted)
        }
        let mebibyte = 1 << 20
        if memoryBytesMax < mebibyte { throw refuse("memoryBytesMax", memoryBytesMax, "1048576 or more") }
        if !(1024...512 << 20).contains(valueBytesMax) {
            throw refuse("valueBytesMax", valueBytesMax, "1024 to 536870912")
        }
        if !(1024...64 << 20).contains(memcachedValueBytesMax) {
            throw refuse("memcachedValueBytesMax", memcachedValueBytesMax, "1024 to 67108864")
        }
        let least = max(valueBytesMax, memcachedValueBytesMax) + 4096
        if !(least...1 << 30).contains(inputBytesMax) {
            throw refuse("inputBytesMax", inputBytesMax, "\(least) to 1073741824")
        }
        if !(least...1 << 30).contains(outputBytesMax) {
            throw refuse("outputBytesMax", outputBytesMax, "\(least) to 1073741824")
        }
        if stallLimit <= .zero { throw refuse("stallLimit", stallLimit, "more than zero") }
        if let idleLimit, idleLimit <= .zero { throw refuse("idleLimit", idleLimit, "more than zero, or nil") }
        if clientsMax < 1 { throw refuse("clientsMax", clientsMax, "1 or more") }
        if trackedKeysMax < 1 { throw refuse("trackedKeysMax", trackedKeysMax, "1 or more") }
        if let password, password.reveal().isEmpty { throw refuse("password", "", "at least one character") }
        return self
    }
}
