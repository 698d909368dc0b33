internal import Glibc

struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Runs a program and takes what it prints. No shell, no input, a deadline.
enum Command {
    /// - Parameters:
    ///   - arguments: The program (looked up in `PATH`) and its arguments.
    ///   - seconds: After which the program is killed.
    ///   - limit: Bytes of output that are taken; more is a failure.
    static func output(
        of arguments: [String],
        environment: [String],
        seconds: Int,
        limit: Int
    ) throws(CommandFailure) -> [UInt8] {
        guard let program = arguments.first else { throw CommandFailure("no command is given") }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw failure("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let process: pid_t
        do throws(CommandFailure) {
            process = try spawn(program, arguments, environment, output: ends[1])
        } catch {
            for end in ends { close(end) }
            throw error
        }
        close(ends[1])
        defer { close(ends[0]) }
        var bytes: [UInt8]
        do throws(CommandFailure) {
            bytes = try drain(ends[0], seconds: seconds, limit: limit)
        } catch {
            kill(process, SIGKILL)
            _ = wait(for: process)
            throw error
        }
        let status = wait(for: process)
        guard status == 0 else {
            // What a failing program printed may be half a key.
            bytes.withUnsafeMutableBytes {
                if let base = $0.baseAddress { memset(base, 0, $0.count) }
            }
            let signal = status & 0x7F
            throw CommandFailure(
                signal == 0
                    ? "\(program) ended with status \(status >> 8 & 0xFF)"
                    : "\(program) was ended by signal \(signal)"
            )
        }
        return bytes
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        _ environment: [String],
        output: Int32
    ) throws(CommandFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, program, &actions, nil, argv, envp)
        guard code == 0 else {
            throw CommandFailure("\(program): \(String(cString: strerror(code)))")
        }
        return process
    }

    private static func drain(
        _ descriptor: Int32,
        seconds: Int,
        limit: Int
    ) throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1_024)
        let deadline = monotonicMilliseconds() + seconds * 1_000
        while true {
            let left = deadline - monotonicMilliseconds()
            guard left > 0 else { throw CommandFailure("no answer within \(seconds) s") }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, Int32(clamping: left))
            if ready < 0, errno != EINTR { throw failure("poll") }
            guard ready > 0 else { continue }
            let count = read(descriptor, &piece, piece.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            guard bytes.count <= limit else {
                throw CommandFailure("it prints more than \(limit) bytes")
            }
        }
    }

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    private static func monotonicMilliseconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1_000 + now.tv_nsec / 1_000_000
    }

    private static func failure(_ call: String) -> CommandFailure {
        CommandFailure("\(call): \(String(cString: strerror(errno)))")
    }
}
