import Foundation

import HTTPService

/// A self-signed certificate for localhost in a folder of its own, made by the `openssl` command.
final class Certificate: Sendable {
    let folder: String

    init(name: String = "first") throws {
        let folder = NSTemporaryDirectory() + "/certificate-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        self.folder = folder
        try make(name)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var settings: TLSSettings {
        TLSSettings(
            certificateChainPath: folder + "/chain.pem",
            privateKeyPath: folder + "/key.pem"
        )
    }

    /// Replaces certificate and key by new ones with that common name.
    func make(_ name: String, days: Int = 3) throws {
        try run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            folder + "/key.pem",
            "-out",
            folder + "/chain.pem",
            "-days",
            String(days),
            "-subj",
            "/CN=\(name)"
        )
    }

    func write(_ text: String, to file: String) throws {
        try text.write(toFile: folder + "/" + file, atomically: true, encoding: .utf8)
    }

    @discardableResult
    func run(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }

    static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")
    static let hasCurl = FileManager.default.isExecutableFile(atPath: "/usr/bin/curl")
}
