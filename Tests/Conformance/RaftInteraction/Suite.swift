import Foundation
import Testing

/// Where the data of etcd-io/raft are: `$WARBLER_SHARED/conformance/etcd-raft`, or beside the
/// package. They are read in place and not part of this package.
enum ConformanceData {
    static let root: URL = {
        let shared: URL
        if let path = ProcessInfo.processInfo.environment["WARBLER_SHARED"] {
            shared = URL(fileURLWithPath: path)
        } else {
            // Package/Tests/Conformance/RaftInteraction/Suite.swift
            var package = URL(fileURLWithPath: #filePath)
            for _ in 0..<4 { package.deleteLastPathComponent() }
            shared = package.deletingLastPathComponent().appendingPathComponent("shared")
        }
        return shared.appendingPathComponent("conformance/etcd-raft")
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root.path) }

    static let missing: Comment =
        "the interaction data of etcd-io/raft are not there: set WARBLER_SHARED"

    /// Names of the files in one folder, in order; empty if the data are missing.
    static func files(in folder: String) -> [String] {
        let path = root.appendingPathComponent(folder).path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted()
    }

    static func load(_ name: String, in folder: String) throws -> [DataCase] {
        let url = root.appendingPathComponent(folder).appendingPathComponent(name)
        return try DataCase.parse(String(contentsOf: url, encoding: .utf8))
    }
}
