package import Encryption
internal import Glibc

/// Where a root key comes from. Warbler never stores one.
///
/// All of them give the key as 64 hexadecimal digits, as base64, or as 32 raw bytes; white space
/// around the text is ignored.
package enum RootKeySource: Sendable, Equatable {
    /// A file that only its owner may read, best on another file system than the data.
    case file(path: String)
    /// The output of a command: program and arguments, no shell. It sees `PATH` and those
    /// variables of the server's environment that are named.
    case command([String], passing: [String] = [])
    /// A variable of the environment, removed from it once read.
    case environment(variable: String)
}

/// A root key and what the operator should know about where it came from.
package struct RootKey: Sendable {
    package let secret: SecretKey
    /// Risks that do not stop the server, each with its code.
    package let warnings: [KeyError]
}

/// What the loader of root keys insists on.
package struct RootKeyPolicy: Sendable {
    /// The directory the key protects.
    package var dataDirectory: String
    /// Refuse, instead of warning about, a key on the same file system as the data.
    package var requiresSeparateDevice = false
    /// How long a command may take, in seconds.
    package var commandSeconds = 10

    package init(dataDirectory: String) { self.dataDirectory = dataDirectory }
}

extension RootKeySource {
    /// Fetches the root key once.
    ///
    /// Throws `E-KEY-001` when it is missing or no key, `E-KEY-002` when others may read it,
    /// `E-KEY-003` when it lies beside the data and may not, `E-KEY-030` when its provider fails.
    package func load(_ policy: RootKeyPolicy) throws(KeyError) -> RootKey {
        switch self {
        case .file(let path): try RootKeySource.loadFile(path, policy)
        case .command(let arguments, let passing):
            try RootKeySource.loadCommand(arguments, passing, policy)
        case .environment(let variable): try RootKeySource.loadEnvironment(variable)
        }
    }

    /// Fetches the root key, again and again while its provider is away, for `limitSeconds`.
    package func load(
        _ policy: RootKeyPolicy,
        retryingFor limitSeconds: Int
    ) throws(KeyError) -> RootKey {
        var pause: UInt32 = 1
        var waited: UInt32 = 0
        while true {
            do throws(KeyError) {
                return try load(policy)
            } catch {
                guard error.code == .providerUnreachable, waited < UInt32(limitSeconds) else {
                    throw error
                }
                _ = sleep(pause)
                waited += pause
                pause = min(pause * 2, 30)
            }
        }
    }

    private static func loadFile(
        _ path: String,
        _ policy: RootKeyPolicy
    ) throws(KeyError) -> RootKey {
        var bytes: [UInt8]
        let status: stat
        do throws(SystemFailure) {
            let file = try OpenFile(path, O_RDONLY | O_NOCTTY | O_NONBLOCK)
            status = try file.status()
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw SystemFailure("open", path, code: EINVAL)
            }
            bytes = try file.readAll(limit: 4_096)
        } catch {
            throw KeyError(
                .rootUnavailable,
                "the root key cannot be read: \(error)",
                remedy: "put the key there, or set keys.root to where it is"
            )
        }
        defer { Cipher.wipe(&bytes) }
        guard status.st_mode & 0o077 == 0 else {
            throw KeyError(
                .rootExposed,
                "\(path) has mode \(String(status.st_mode & 0o777, radix: 8)): others may read it",
                remedy: "chmod 600 \(path), and think about whether the key was seen"
            )
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw KeyError(
                .rootExposed,
                "\(path) belongs to user \(status.st_uid)",
                remedy: "give the file to the user the server runs as"
            )
        }
        var warnings: [KeyError] = []
        if Files.device(of: policy.dataDirectory) == status.st_dev {
            let beside = KeyError(
                .rootBesideData,
                "\(path) lies on the file system it protects: who steals the disk has both",
                remedy: "keep the key elsewhere: another disk, a command, the service manager"
            )
            if policy.requiresSeparateDevice { throw beside }
            warnings.append(beside)
        }
        return RootKey(secret: try parse(bytes, from: path), warnings: warnings)
    }

    private static func loadEnvironment(_ variable: String) throws(KeyError) -> RootKey {
        guard let value = getenv(variable) else {
            throw KeyError(
                .rootUnavailable,
                "the environment has no variable \(variable)",
                remedy: "set it, or set keys.root to where the key is"
            )
        }
        var bytes = Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
        defer { Cipher.wipe(&bytes) }
        let secret = try parse(bytes, from: "variable \(variable)")
        // The text itself, and not only its name: what starts next must not inherit it.
        memset(value, 0, strlen(value))
        unsetenv(variable)
        return RootKey(secret: secret, warnings: [])
    }

    private static func loadCommand(
        _ arguments: [String],
        _ passing: [String],
        _ policy: RootKeyPolicy
    ) throws(KeyError) -> RootKey {
        var environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in passing {
            if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
        }
        var bytes: [UInt8]
        do throws(CommandFailure) {
            bytes = try Command.output(
                of: arguments,
                environment: environment,
                seconds: policy.commandSeconds,
                limit: 4_096
            )
        } catch {
            throw KeyError(
                .providerUnreachable,
                "the command for the root key failed: \(error.description)",
                remedy: "run it by hand as the server's user; the server tries again"
            )
        }
        defer { Cipher.wipe(&bytes) }
        return RootKey(secret: try parse(bytes, from: "the command's output"), warnings: [])
    }

    private static func parse(_ bytes: [UInt8], from place: String) throws(KeyError) -> SecretKey {
        guard var key = RootKeyText.decode(bytes) else {
            throw KeyError(
                .rootUnavailable,
                "\(place) holds no key: 32 bytes, or their hexadecimal or base64",
                remedy: "make one with `warbler keys root new`"
            )
        }
        defer { Cipher.wipe(&key) }
        return SecretKey(key)
    }
}

/// The text forms of a root key.
package enum RootKeyText {
    /// 64 hexadecimal digits and a line end: what `warbler keys root new` writes.
    package static func encode(_ key: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in key {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text + [UInt8(ascii: "\n")]
    }

    static func decode(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.count == SecretKey.count { return bytes }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }
        guard let start = bytes.firstIndex(where: { !isSpace($0) }),
            let end = bytes.lastIndex(where: { !isSpace($0) })
        else { return nil }
        let text = bytes[start...end]
        let key = text.count == 64 ? hexadecimal(text) : base64(text)
        return key?.count == SecretKey.count ? key : nil
    }

    private static func hexadecimal(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var key: [UInt8] = []
        var high: UInt8?
        for character in text {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            if let held = high {
                key.append(held << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        return high == nil ? key : nil
    }

    private static func base64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
        )
        var key: [UInt8] = []
        var held: UInt32 = 0
        var bits: UInt32 = 0
        for character in text where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            held = held << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                key.append(UInt8(truncatingIfNeeded: held >> bits))
            }
            held &= (1 << bits) - 1
        }
        return key
    }
}

extension RootKeySource {
    /// Writes a new root key to a file of its own, readable by its owner only. Never replaces one.
    package static func createFile(at path: String) throws(KeyError) {
        var key = Entropy.bytes(SecretKey.count)
        var text = RootKeyText.encode(key)
        defer {
            Cipher.wipe(&key)
            Cipher.wipe(&text)
        }
        do throws(SystemFailure) {
            try Files.create(path, text, replacing: false)
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            throw KeyError(
                .rootUnavailable,
                "the root key cannot be written: \(error)",
                remedy: "choose a path that does not exist in a directory that does"
            )
        }
    }
}
