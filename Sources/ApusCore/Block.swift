/// A part of a system that holds something: a store, a cache, a topic.
///
/// It is declared once, as a stored property of a system, and opened by every process that uses it.
/// Which engine serves it is decided when it is opened, by a URL; the code that uses it does not change.
public protocol Block: AnyObject, Sendable {
    /// The kind of block in one lower-case word, such as `store`; its engine is chosen by `STORE_URL`.
    static var kind: String { get }
    /// The block's name within its system, such as `shop`.
    var name: String { get }
    /// Opens the engine that `site` names. Called once a process, before anything uses the block.
    ///
    /// - Throws: ``ConfigurationError`` for a URL that cannot be used, else the engine's own error.
    func open(_ site: BlockSite) async throws
    /// Finishes what was accepted and lets go of files and sockets. Calling it twice does nothing more.
    func close() async
    /// A command line of a stock client that works on the open block, or `nil` where there is none.
    var stockClient: String? { get }
    /// What is wrong with the open block although it serves what it can, a line each that names the file and the fix.
    ///
    /// Empty unless said. `up` prints them.
    var problems: [String] { get }
}

extension Block {
    /// Nothing.
    public var problems: [String] { [] }
}

/// Where a block is opened: what the process around it knows and the block does not.
public struct BlockSite: Sendable {
    /// The engine's URL, or `nil` for the embedded default.
    public var url: String?
    /// A folder of the block's own, mode 0700, for engines that keep files.
    public var dataFolder: String
    /// Where the block reads time.
    public var clock: any Clock

    /// A site with the embedded default engine unless `url` says otherwise.
    public init(url: String? = nil, dataFolder: String, clock: any Clock = SystemClock()) {
        self.url = url
        self.dataFolder = dataFolder
        self.clock = clock
    }
}
