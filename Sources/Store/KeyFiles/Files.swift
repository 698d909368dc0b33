internal import Glibc

/// One failed system call: which, on what, and why.
struct SystemFailure: Error, CustomStringConvertible {
    let call: String
    let path: String
    let code: Int32

    init(_ call: String, _ path: String, code: Int32 = errno) {
        self.call = call
        self.path = path
        self.code = code
    }

    var description: String { "\(call) \(path): \(String(cString: strerror(code)))" }
}

/// An open file that closes itself.
struct OpenFile: ~Copyable, Sendable {
    let descriptor: Int32
    let path: String

    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SystemFailure) {
        let opened = retrying { open(path, flags | O_CLOEXEC, mode) }
        guard opened >= 0 else { throw SystemFailure("open", path) }
        descriptor = opened
        self.path = path
    }

    deinit { _ = close(descriptor) }

    borrowing func status() throws(SystemFailure) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemFailure("fstat", path) }
        return status
    }

    /// Everything from the start, at most `limit` bytes.
    borrowing func readAll(limit: Int) throws(SystemFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            let count = bytes.withUnsafeMutableBytes { buffer in
                retrying {
                    pread(
                        descriptor,
                        buffer.baseAddress! + filled,
                        limit - filled,
                        off_t(filled)
                    )
                }
            }
            guard count >= 0 else { throw SystemFailure("read", path) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(limit - filled)
        return bytes
    }

    borrowing func write(_ bytes: [UInt8], at offset: Int) throws(SystemFailure) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                retrying {
                    pwrite(
                        descriptor,
                        buffer.baseAddress! + written,
                        bytes.count - written,
                        off_t(offset + written)
                    )
                }
            }
            guard count > 0 else { throw SystemFailure("write", path) }
            written += count
        }
    }

    borrowing func sync() throws(SystemFailure) {
        guard fsync(descriptor) == 0 else { throw SystemFailure("fsync", path) }
    }

    borrowing func syncData() throws(SystemFailure) {
        guard fdatasync(descriptor) == 0 else { throw SystemFailure("fdatasync", path) }
    }
}

enum Files {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Nil when there is no such file.
    static func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? {
        do throws(SystemFailure) {
            let file = try OpenFile(path, O_RDONLY)
            return try file.readAll(limit: limit)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// A new file that only its owner may read, on disk when this returns. Not yet its name:
    /// that takes `syncDirectory`.
    static func create(_ path: String, _ bytes: [UInt8], replacing: Bool) throws(SystemFailure) {
        let exclusive = replacing ? O_TRUNC : O_EXCL
        let file = try OpenFile(path, O_WRONLY | O_CREAT | exclusive)
        guard fchmod(file.descriptor, 0o600) == 0 else { throw SystemFailure("chmod", path) }
        try file.write(bytes, at: 0)
        try file.sync()
    }

    static func rename(_ old: String, to new: String) throws(SystemFailure) {
        guard Glibc.rename(old, new) == 0 else { throw SystemFailure("rename", old) }
    }

    static func remove(_ path: String) throws(SystemFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemFailure("unlink", path) }
    }

    static func link(_ old: String, to new: String) throws(SystemFailure) {
        guard Glibc.link(old, new) == 0 else { throw SystemFailure("link", old) }
    }

    static func syncDirectory(_ path: String) throws(SystemFailure) {
        try OpenFile(path, O_RDONLY | O_DIRECTORY).sync()
    }

    /// Makes the directory when it is not there; its parent must be.
    static func makeDirectory(_ path: String) throws(SystemFailure) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SystemFailure("mkdir", path)
        }
    }

    /// The directory a path lies in.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Nil when there is no such file.
    static func inode(of path: String) -> ino_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : nil
    }

    static func device(of path: String) -> dev_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_dev : nil
    }
}

/// Again, while a signal got in between.
private func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
