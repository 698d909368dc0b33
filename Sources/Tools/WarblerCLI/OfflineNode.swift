import AdminProtocol
import Glibc

/// A stopped node: the daemon's program, which lies beside this one, is run for one command. It
/// prints the lines that the socket would carry, and refuses when another process has the data.
struct OfflineNode {
    let configurationFile: String

    func call(
        _ request: AdminRequest,
        progress: (AdminValue) -> Void
    ) throws(AdminClient.Problem) -> AdminValue {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw .interrupted("no pipe could be made") }
        let child = start(request, output: ends[1])
        close(ends[1])
        defer { close(ends[0]) }
        guard let child else {
            throw .interrupted("\(Self.daemonPath) could not be started")
        }
        guard let stream = fdopen(dup(ends[0]), "r") else {
            throw .interrupted("the pipe could not be read")
        }
        defer { fclose(stream) }
        let answer = read(stream, progress)
        var status: Int32 = 0
        waitpid(child, &status, 0)
        switch answer {
        case .result(let value): return value
        case .failure(let failure): throw .refused(failure)
        default: throw .interrupted("warblerd ended without an answer; its message is above")
        }
    }

    private func read(
        _ stream: UnsafeMutablePointer<FILE>,
        _ progress: (AdminValue) -> Void
    ) -> AdminReply? {
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &capacity, stream)
            guard count > 0, let line else { return nil }
            let bytes = UnsafeRawBufferPointer(start: line, count: count)
            switch try? AdminReply(line: Array(bytes)) {
            case .progress(let value): progress(value)
            case let reply?: return reply
            case nil: continue
            }
        }
    }

    private func start(_ request: AdminRequest, output: Int32) -> pid_t? {
        let arguments = [
            Self.daemonPath, "--config", configurationFile, "--offline", request.command,
            "--arguments", request.arguments.json(),
        ]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var child = pid_t()
        let result = posix_spawn(&child, Self.daemonPath, &actions, nil, words, environ)
        return result == 0 ? child : nil
    }

    /// `warblerd` in the folder of this program.
    static var daemonPath: String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = buffer.withUnsafeMutableBytes {
            readlink(
                "/proc/self/exe",
                $0.baseAddress!.assumingMemoryBound(to: CChar.self),
                $0.count
            )
        }
        guard count > 0 else { return "warblerd" }
        let path = String(decoding: buffer[..<count], as: UTF8.self)
        let folder = path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex)
        return folder + "warblerd"
    }
}
