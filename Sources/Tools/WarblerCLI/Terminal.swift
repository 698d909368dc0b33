import Glibc

/// What a person sees and types.
enum Terminal {
    static var hasErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func complain(_ message: String) { write("warbler: \(message)\n", to: STDERR_FILENO) }

    static func note(_ text: String) { write(text, to: STDERR_FILENO) }

    static func show(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// A password typed twice without being shown, or the first line of standard input when that
    /// is no terminal. Nil when both are empty or the two differ.
    static func readPassword(for name: String) -> String? {
        guard isatty(STDIN_FILENO) == 1 else { return readLine(strippingNewline: true) }
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return nil }
        var hidden = saved
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer { tcsetattr(STDIN_FILENO, TCSADRAIN, &saved) }
        note("Password for \(name): ")
        let first = readLine(strippingNewline: true)
        note("\nThe same again: ")
        let second = readLine(strippingNewline: true)
        note("\n")
        guard let first, first == second else {
            complain("the two differ")
            return nil
        }
        return first
    }
}
