/// What was busiest while a system was loaded: a thread, a machine's cores, a disk, or nothing that the kernel counts.
public struct Bottleneck: Codable, Sendable, Hashable, CustomStringConvertible {
    /// What ran out.
    public enum Resource: String, Codable, Sendable, Hashable {
        /// One thread used its core up.
        case thread
        /// All cores were used up.
        case cores
        /// A disk was busy all the time.
        case disk
        /// The generator, not the system.
        case generator
        /// Nothing: something waits for something.
        case waiting
    }

    /// What ran out.
    public var resource: Resource
    /// The process, such as `storefront/1`; empty where none could be seen.
    public var process: String
    /// The thread's name, where it is one.
    public var thread: String?
    /// How much of the resource was used, from 0 to 1.
    public var share: Double
    /// A sentence for people.
    public var description: String
    /// Processes by their use of cores, the busiest first.
    public var processes: [Use]

    /// What a process used.
    public struct Use: Codable, Sendable, Hashable {
        /// The process, such as `storefront/1`.
        public var process: String
        /// Cores it used, on average.
        public var cores: Double
        /// Cores it waited for while others had them, on average.
        public var waited: Double
        /// The share of a core that its busiest thread used.
        public var thread: Double
    }
}
