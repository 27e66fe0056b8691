public import ApusCore
import COpenSSL
import Glibc

extension Channel {
    /// What one attempt at a handshake came to.
    public enum HandshakeStep: Sendable, Hashable {
        /// From now on what is received and sent is protected.
        case done
        /// Try again once the channel is readable.
        case wantsRead
        /// Try again once it is writable.
        case wantsWrite
        /// The peer will not do; close the channel.
        case failed(TLSError)
    }

    /// True once a handshake is done.
    public var isSecured: Bool { state.pointee.tls?.pointee.isSecured ?? false }

    /// Puts TLS between this channel and its socket; the handshake comes next.
    ///
    /// From then on ``receive(into:)`` and ``send(_:more:)`` are those of the protected stream. An end that the peer did
    /// not announce is a failure, since what came before may have been cut (RFC 8446, section 6.1).
    ///
    /// - Parameters:
    ///   - context: What the connection shares with others.
    ///   - name: The server's name or address that its certificate must show; clients only.
    /// - Throws: ``TLSError``.
    public func secure(with context: TLSContext, name: String? = nil) throws(TLSError) {
        precondition(state.pointee.tls == nil, "a channel is secured once")
        ERR_clear_error()
        guard let ssl = SSL_new(context.pointer), let bio = ChannelBIO.make(over: state) else {
            throw TLSError(.configuration, "OpenSSL cannot start: \(OpenSSLErrors.take())")
        }
        SSL_set_bio(ssl, bio, bio)
        if context.isServer {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
            do throws(TLSError) {
                try expect(name ?? "", of: ssl)
            } catch {
                SSL_free(ssl)
                throw error
            }
        }
        let tls = UnsafeMutablePointer<TLSState>.allocate(capacity: 1)
        tls.initialize(to: TLSState(ssl: ssl, context: context))
        state.pointee.tls = tls
        state.pointee.isDetoured = true
    }

    /// Has OpenSSL hold the server's certificate against a name or an address.
    private func expect(_ name: String, of ssl: OpaquePointer) throws(TLSError) {
        var octets = in_addr()
        let isExpected: Bool
        if inet_pton(AF_INET, name, &octets) == 1 {
            isExpected = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
        } else {
            isExpected = !name.isEmpty && SSL_set1_host(ssl, name) == 1 && apus_ssl_set_host_name(ssl, name) == 1
        }
        guard isExpected else {
            ERR_clear_error()
            throw TLSError(.configuration, "'\(name)' is no name that a server's certificate can show")
        }
    }

    /// One attempt at the handshake, without waiting.
    public func handshakeStep() -> HandshakeStep {
        guard let tls = state.pointee.tls else { return .done }
        return tls.pointee.handshake(state)
    }

    /// Does the handshake.
    ///
    /// - Throws: ``TLSError``, with code `connectionLost` at `deadline`; `CancellationError`.
    public func handshake(by deadline: Instant) async throws {
        while true {
            let wake: Wake
            switch handshakeStep() {
            case .done: return
            case .failed(let error): throw error
            case .wantsRead: wake = await readableCancellably(by: deadline)
            case .wantsWrite: wake = await writableCancellably(by: deadline)
            }
            switch wake {
            case .ready: continue
            case .timedOut: throw TLSError(.connectionLost, "the peer took too long to secure the connection")
            case .cancelled: throw CancellationError()
            }
        }
    }

    /// Lets go of TLS before the socket closes, with a farewell where the handshake was done.
    func endTLS(withFarewell: Bool = true) {
        guard let tls = state.pointee.tls else { return }
        if withFarewell { tls.pointee.end() }
        tls.deinitialize(count: 1)
        tls.deallocate()
        state.pointee.tls = nil
    }
}
