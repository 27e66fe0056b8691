import CLinux
import COpenSSL
import Glibc

/// TLS on one channel: OpenSSL's connection, and what each direction waits for.
///
/// OpenSSL reads and writes through a BIO of ours, which goes to the socket or to the simulated machine as the channel
/// does. It lives in raw memory that belongs to the channel's state, on the loop's thread only.
struct TLSState: ~Copyable {
    /// OpenSSL's `SSL`.
    let ssl: OpaquePointer
    /// What `ssl` was made from, so that it lives as long.
    let context: TLSContext
    private(set) var isSecured = false
    /// After a failure OpenSSL must not be asked for a farewell.
    private var isBroken = false
    /// Reading goes on only once something can be written, and the other way round: both are rare, after keys change.
    private var readWantsWrite = false
    private var writeWantsRead = false

    init(ssl: OpaquePointer, context: TLSContext) {
        self.ssl = ssl
        self.context = context
    }

    deinit { SSL_free(ssl) }

    /// What an event of the socket means for the two directions above TLS.
    mutating func translate(_ events: UInt32) -> UInt32 {
        var events = events
        if readWantsWrite, events & APUS_EPOLLOUT != 0 {
            readWantsWrite = false
            events |= APUS_EPOLLIN
        }
        if writeWantsRead, events & APUS_EPOLLIN != 0 {
            writeWantsRead = false
            events |= APUS_EPOLLOUT
        }
        return events
    }

    /// One attempt at the handshake.
    mutating func handshake(_ state: UnsafeMutablePointer<ChannelState>) -> Channel.HandshakeStep {
        if isSecured { return .done }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isSecured = true
            state.pointee.readReady = true
            state.pointee.writeReady = true
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ:
            state.pointee.readReady = false
            return .wantsRead
        case SSL_ERROR_WANT_WRITE:
            state.pointee.writeReady = false
            return .wantsWrite
        default:
            return .failed(failure())
        }
    }

    mutating func receive(
        into bytes: UnsafeMutableRawBufferPointer,
        _ state: UnsafeMutablePointer<ChannelState>
    ) -> Channel.IOResult {
        ERR_clear_error()
        let count = SSL_read(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        if count > 0 {
            // The socket may be empty while OpenSSL still holds more.
            state.pointee.readReady = true
            return .bytes(Int(count))
        }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ:
            state.pointee.readReady = false
            return .wouldBlock
        case SSL_ERROR_WANT_WRITE:
            readWantsWrite = true
            state.pointee.readReady = false
            return .wouldBlock
        case SSL_ERROR_ZERO_RETURN:
            return .end
        default:
            isBroken = true
            ERR_clear_error()
            // Also an end that TLS did not announce: what came before may have been cut.
            return .failed(errno: ECONNRESET)
        }
    }

    mutating func send(
        _ bytes: UnsafeRawBufferPointer,
        _ state: UnsafeMutablePointer<ChannelState>
    ) -> Channel.IOResult {
        ERR_clear_error()
        let count = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_WRITE:
            state.pointee.writeReady = false
            return .wouldBlock
        case SSL_ERROR_WANT_READ:
            writeWantsRead = true
            state.pointee.writeReady = false
            return .wouldBlock
        default:
            isBroken = true
            ERR_clear_error()
            return .failed(errno: EPIPE)
        }
    }

    /// Tells the peer that nothing more comes, without waiting for its answer.
    func end() {
        guard isSecured, !isBroken else { return }
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func failure() -> TLSError {
        let verdict = SSL_get_verify_result(ssl)
        if verdict != Int(X509_V_OK) {
            ERR_clear_error()
            let reason = X509_verify_cert_error_string(verdict).map { String(cString: $0) } ?? "error \(verdict)"
            return TLSError(.untrustedPeer, "the peer's certificate is not to be trusted: \(reason)")
        }
        let code = ERR_peek_last_error()
        if code == 0 || apus_error_reason(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING {
            ERR_clear_error()
            return TLSError(.connectionLost, "the peer closed the connection before it was secured")
        }
        return TLSError(.handshake, "no TLS with the peer: \(OpenSSLErrors.take())")
    }
}

/// The BIO through which OpenSSL reaches a channel: its data is the channel's state.
enum ChannelBIO {
    /// The method table, made once and kept.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel") else { return nil }
        BIO_meth_set_read(method) { bio, bytes, count in
            guard let bio, let state = ChannelBIO.state(bio) else { return -1 }
            apus_bio_done(bio)
            if state.pointee.isDrained {
                apus_bio_retry_read(bio)
                return -1
            }
            let room = UnsafeMutableRawBufferPointer(start: bytes, count: Int(count))
            switch Channel(state: state).rawReceive(into: room) {
            case .bytes(let got):
                // A socket's own rule: a short read is all there was, unless the peer has closed.
                state.pointee.isDrained = got < room.count && !state.pointee.peerClosed && !state.pointee.isSimulated
                return Int32(got)
            case .wouldBlock:
                state.pointee.isDrained = true
                apus_bio_retry_read(bio)
                return -1
            case .end: return 0
            case .failed: return -1
            }
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let state = ChannelBIO.state(bio) else { return -1 }
            apus_bio_done(bio)
            switch Channel(state: state).rawSend(UnsafeRawBufferPointer(start: bytes, count: Int(count))) {
            case .bytes(let sent): return Int32(sent)
            case .wouldBlock:
                apus_bio_retry_write(bio)
                return -1
            case .end, .failed: return -1
            }
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()

    private static func state(_ bio: OpaquePointer) -> UnsafeMutablePointer<ChannelState>? {
        BIO_get_data(bio)?.assumingMemoryBound(to: ChannelState.self)
    }

    /// A BIO over a channel's state; whoever gets it owns it.
    static func make(over state: UnsafeMutablePointer<ChannelState>) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, state)
        BIO_set_init(bio, 1)
        return bio
    }
}
