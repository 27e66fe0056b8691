/// How a simulated network treats what is sent through it.
public struct SimulatedNetwork: Sendable, Hashable {
    /// Shortest way of a piece of data, in simulated time; 50 µs unless set.
    public var delayMin: Duration = .microseconds(50)
    /// Longest way of a piece of data; 2 ms unless set.
    public var delayMax: Duration = .milliseconds(2)
    /// Of 1,000 sends, how many are torn into pieces that travel each on its own; 300 unless set.
    public var splitsPerThousand = 300
    /// Of 1,000 reads, how many get only a part of what is there; 300 unless set.
    public var shortReadsPerThousand = 300
    /// Of 1,000 sends, how many break the connection instead; none unless set.
    public var resetsPerThousand = 0
    /// Bytes that a socket holds until they are read; a sender waits beyond.
    ///
    /// 64 KiB unless set.
    public var bufferBytes = 64 << 10

    /// Starts from the defaults.
    public init() {}
}
