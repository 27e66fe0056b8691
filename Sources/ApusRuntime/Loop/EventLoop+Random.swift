import ApusCore

extension EventLoop {
    /// 64 random bits: the kernel's, or a simulated machine's, which come from its seed.
    public func random() -> UInt64 { machine?.random() ?? SecureRandom.number() }
}
