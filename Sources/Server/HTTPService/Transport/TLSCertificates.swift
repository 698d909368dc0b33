import NIOCore
package import NIOSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the certificate lies and what is spoken with it.
package struct TLSSettings: Sendable {
    /// PEM: the server's certificate, then the intermediates.
    package var certificateChainPath: String
    /// PEM.
    package var privateKeyPath: String
    /// TLS 1.2, if allowed, is ECDHE with AEAD only.
    package var minimumVersion: TLSVersion = .tlsv13

    package init(certificateChainPath: String, privateKeyPath: String) {
        self.certificateChainPath = certificateChainPath
        self.privateKeyPath = privateKeyPath
    }
}

/// Why a certificate was not taken.
package struct TLSError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

/// The certificate in use. It is checked before it replaces the one before it; connections keep
/// what they began with.
final class TLSCertificates: Sendable {
    private let settings: TLSSettings
    private let current: Mutex<NIOSSLContext>

    init(_ settings: TLSSettings) throws {
        self.settings = settings
        current = Mutex(try Self.load(settings))
    }

    var context: NIOSSLContext { current.withLock { $0 } }

    /// Reads the files again. On an error nothing changes.
    func reload() throws {
        let fresh = try Self.load(settings)
        current.withLock { $0 = fresh }
    }

    private static func load(_ settings: TLSSettings) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(settings.certificateChainPath)
        guard let leaf = chain.first else {
            throw TLSError(description: "no certificate in \(settings.certificateChainPath)")
        }
        let now = time(nil)
        guard leaf.notValidAfter > now else {
            throw TLSError(description: "expired: \(settings.certificateChainPath)")
        }
        guard leaf.notValidBefore <= now else {
            throw TLSError(description: "not valid yet: \(settings.certificateChainPath)")
        }
        let key = try NIOSSLPrivateKey(file: settings.privateKeyPath, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = settings.minimumVersion
        configuration.applicationProtocols = ["h2", "http/1.1"]
        configuration.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20"
        configuration.shutdownTimeout = .seconds(2)
        // Fails when the key does not belong to the certificate.
        return try NIOSSLContext(configuration: configuration)
    }
}
