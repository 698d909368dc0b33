import Glibc

struct FileProblem: Error {
    let message: String
}

/// The whole of a small text file; directories, files above 1 MiB and bad UTF-8 are refused.
func readText(_ path: String) -> Result<String, FileProblem> {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(FileProblem(message: cannotRead(path))) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { break }
        guard count > 0 else { return .failure(FileProblem(message: cannotRead(path))) }
        bytes += chunk[..<count]
        guard bytes.count <= 1 << 20 else {
            return .failure(FileProblem(message: "\(path) is larger than 1 MiB"))
        }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        return .failure(FileProblem(message: "\(path) is not UTF-8 text"))
    }
    return .success(text)
}

private func cannotRead(_ path: String) -> String {
    "\(path) cannot be read: \(String(cString: strerror(errno)))"
}

func isReadableByOthers(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
}

func folderName(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
