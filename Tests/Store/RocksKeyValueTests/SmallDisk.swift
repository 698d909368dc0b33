import Foundation
import Testing

/// A file system of a few megabytes that may be filled. It is mounted in the mount namespace of a
/// process that does nothing else, reached through `/proc`, and gone when that process is: nothing
/// else on the machine sees it, and nothing is left behind.
struct SmallDisk {
    /// Where it is reached.
    let path: String
    private let mountPoint: String
    private let holder: Process
    private let life: Pipe

    private struct NoMount: Error, CustomStringConvertible {
        var description: String
    }

    /// Whether this machine lets us mount one.
    static let isPossible: Bool = {
        guard let disk = try? SmallDisk(megabytes: 1) else { return false }
        disk.remove()
        return true
    }()

    /// Throws where neither root nor user namespaces allow a mount.
    init(megabytes: Int) throws {
        let point = NSTemporaryDirectory() + "small-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
        var refusals: [String] = []
        for namespaces in [["--user", "--map-root-user", "--mount"], ["--mount"]] {
            let (holder, life, answer) = try Self.hold(namespaces, point, megabytes)
            if answer.hasPrefix("mounted") {
                mountPoint = point
                path = "/proc/\(holder.processIdentifier)/root\(point)"
                self.holder = holder
                self.life = life
                return
            }
            holder.waitUntilExit()
            refusals.append(answer)
        }
        try? FileManager.default.removeItem(atPath: point)
        throw NoMount(description: "no file system can be mounted here: \(refusals)")
    }

    /// The process lives until its input ends. It says whether the mount succeeded.
    private static func hold(
        _ namespaces: [String],
        _ point: String,
        _ megabytes: Int
    ) throws -> (Process, Pipe, String) {
        let (holder, life, output) = (Process(), Pipe(), Pipe())
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        // The shell becomes `cat`, so that the process that is known is the one that lives on.
        let script =
            "mount -t tmpfs -o size=\(megabytes)m none '\(point)' 2>&1 && echo mounted && exec cat"
        holder.arguments = namespaces + ["sh", "-c", script]
        holder.standardInput = life
        holder.standardOutput = output
        holder.standardError = output
        try holder.run()
        let answer = output.fileHandleForReading.availableData
        return (holder, life, String(decoding: answer, as: UTF8.self))
    }

    func remove() {
        try? life.fileHandleForWriting.close()
        holder.waitUntilExit()
        try? FileManager.default.removeItem(atPath: mountPoint)
    }
}
