import ApusCore
public import ApusRuntime
import Foundation

/// An authority of a test's own, with what it signed, in a folder that goes when the test does.
///
/// The keys are made afresh by the `openssl` command, so that nobody can trust them by accident.
public final class TestAuthority: Sendable {
    /// The file whose authority signs.
    public var authorityFile: String { "\(folder)/ca.pem" }
    private let folder: String

    /// A fresh authority.
    ///
    /// - Throws: An error with what `openssl` said.
    public init() throws {
        folder = "/tmp/apus-authority-\(SecureRandom.token(bits: 64))"
        try Files.makeFolder(folder)
        try openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=Test-Authority "
                + "-keyout ca.key -out ca.pem"
        )
    }

    deinit { try? Files.remove(folder) }

    /// Files of a certificate that this authority signed.
    ///
    /// - Parameters:
    ///   - name: A host name, or an IPv4 address.
    ///   - days: How long it is good for; a negative number makes one that is out of date.
    /// - Returns: The certificate's file and its key's.
    /// - Throws: An error with what `openssl` said.
    public func certificate(for name: String, days: Int = 2) throws -> (certificate: String, key: String) {
        let file = SecureRandom.token(bits: 64)
        let isAddress = SocketAddress("\(name):1") != nil
        try Data("subjectAltName=\(isAddress ? "IP" : "DNS"):\(name)\n".utf8)
            .write(to: URL(fileURLWithPath: "\(folder)/\(file).ext"))
        try openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) -keyout \(file).key "
                + "-out \(file).csr"
        )
        try openssl(
            "x509 -req -in \(file).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days \(days) "
                + "-extfile \(file).ext -out \(file).pem"
        )
        return ("\(folder)/\(file).pem", "\(folder)/\(file).key")
    }

    /// What a server that shows such a certificate is told.
    public func server(_ name: String, days: Int = 2, clients: Bool = false) throws -> TLSServerOptions {
        let files = try certificate(for: name, days: days)
        return TLSServerOptions(
            certificateFile: files.certificate,
            keyFile: files.key,
            clientAuthoritiesFile: clients ? authorityFile : nil
        )
    }

    /// A client that trusts this authority and nobody else.
    public var client: TLSClientOptions { TLSClientOptions(authoritiesFile: authorityFile) }

    private struct Refusal: Error {
        let said: String
    }

    private func openssl(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        // Into a file: reading a pipe here would be cut short by signals that other tests send.
        let said = URL(fileURLWithPath: "\(folder)/said.\(SecureRandom.token(bits: 32))")
        try Data().write(to: said)
        let writer = try FileHandle(forWritingTo: said)
        process.standardError = writer
        process.standardOutput = writer
        try process.run()
        process.waitUntilExit()
        try writer.close()
        guard process.terminationStatus == 0 else { throw Refusal(said: try String(contentsOf: said, encoding: .utf8)) }
    }
}
