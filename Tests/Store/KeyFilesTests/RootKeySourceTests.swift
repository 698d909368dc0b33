import Encryption
import Glibc
import KeyFiles
import Testing

@Suite("Root key sources")
struct RootKeySourceTests {
    private let directory = TemporaryDirectory()
    private let key = (0..<32).map { UInt8($0 * 7) }
    private var elsewhere: RootKeyPolicy { RootKeyPolicy(dataDirectory: "/proc") }

    private func code(_ body: () throws -> Void) -> KeyError.Code? {
        do { try body() } catch { return (error as? KeyError)?.code }
        return nil
    }

    @Test("A key file is read as hexadecimal, base64 or raw bytes")
    func forms() throws {
        let hex = RootKeyText.encode(key)
        let base64 = Array("AAcOFRwjKjE4P0ZNVFtiaXB3foWMk5qhqK+2vcTL0tk=\n".utf8)
        let spaced: [UInt8] = [0x20] + hex + [0x0D, 0x0A]
        let forms: [[UInt8]] = [hex, spaced, base64, Array(base64.dropLast(2)), key]
        for form in forms {
            directory.write("root", form)
            let loaded = try RootKeySource.file(path: directory.file("root")).load(elsewhere)
            #expect(loaded.secret.exposedBytes == key)
            #expect(loaded.warnings.isEmpty)
        }
    }

    @Test("What is no key is refused")
    func noKey() {
        let source = RootKeySource.file(path: directory.file("root"))
        #expect(code { _ = try source.load(elsewhere) } == .rootUnavailable)
        let others: [[UInt8]] = [[], Array(key.dropLast()), key + [1], Array("a horse".utf8)]
        for bytes in others {
            directory.write("root", bytes)
            #expect(code { _ = try source.load(elsewhere) } == .rootUnavailable)
        }
        let folder = RootKeySource.file(path: directory.path)
        #expect(code { _ = try folder.load(elsewhere) } == .rootUnavailable)
    }

    @Test(
        "A key that others may read is refused",
        arguments: [0o640, 0o604, 0o644, 0o660] as [mode_t]
    )
    func exposed(mode: mode_t) {
        directory.write("root", RootKeyText.encode(key), mode: mode)
        let source = RootKeySource.file(path: directory.file("root"))
        #expect(code { _ = try source.load(elsewhere) } == .rootExposed)
    }

    @Test("A key beside the data is a warning, or a refusal where that is asked for")
    func besideData() throws {
        directory.write("root", RootKeyText.encode(key))
        let source = RootKeySource.file(path: directory.file("root"))
        var policy = RootKeyPolicy(dataDirectory: directory.path)
        #expect(try source.load(policy).warnings.map(\.code) == [.rootBesideData])
        policy.requiresSeparateDevice = true
        #expect(code { _ = try source.load(policy) } == .rootBesideData)
    }

    @Test("A command's output is the key; its failure, silence or chatter is not")
    func command() throws {
        let text = String(decoding: RootKeyText.encode(key), as: UTF8.self)
        let loaded = try RootKeySource.command(["printf", text]).load(elsewhere)
        #expect(loaded.secret.exposedBytes == key)
        var policy = elsewhere
        policy.commandSeconds = 1
        let broken: [[String]] = [
            [], ["false"], ["warbler-no-such-program"],
            ["sh", "-c", "echo \(text.dropLast()); exit 3"],
            ["sh", "-c", "kill -9 $$"], ["sleep", "60"], ["yes"],
        ]
        for arguments in broken {
            #expect(
                code { _ = try RootKeySource.command(arguments).load(policy) }
                    == .providerUnreachable
            )
        }
        #expect(
            code { _ = try RootKeySource.command(["true"]).load(policy) } == .rootUnavailable
        )
    }

    @Test("A command sees the variables that are named and no others")
    func commandEnvironment() throws {
        let text = String(decoding: RootKeyText.encode(key).dropLast(), as: UTF8.self)
        let names: [String] = ["HOME", "USER", "PWD", "LANG"]
        let variable = try #require(names.first { getenv($0) != nil })
        let arguments = ["sh", "-c", "test -n \"$\(variable)\" && printf \(text)"]
        let seen = RootKeySource.command(arguments, passing: [variable])
        #expect(try seen.load(elsewhere).secret.exposedBytes == key)
        if variable != "PWD" {  // A shell sets that one by itself.
            let unseen = RootKeySource.command(arguments)
            #expect(code { _ = try unseen.load(elsewhere) } == .providerUnreachable)
        }
    }

    @Test("A variable gives the key once and is gone")
    func environment() throws {
        let text = String(decoding: RootKeyText.encode(key), as: UTF8.self)
        setenv("WARBLER_TEST_ROOT", text, 1)
        let source = RootKeySource.environment(variable: "WARBLER_TEST_ROOT")
        #expect(try source.load(elsewhere).secret.exposedBytes == key)
        #expect(getenv("WARBLER_TEST_ROOT") == nil)
        #expect(code { _ = try source.load(elsewhere) } == .rootUnavailable)
    }

    @Test("A new key file is private, random and never replaced")
    func create() throws {
        try RootKeySource.createFile(at: directory.file("root"))
        let bytes = try #require(directory.read("root"))
        #expect(bytes.count == 65)
        let source = RootKeySource.file(path: directory.file("root"))
        _ = try source.load(elsewhere)
        #expect(
            code { try RootKeySource.createFile(at: directory.file("root")) } == .rootUnavailable
        )
        #expect(directory.read("root") == bytes)
        try RootKeySource.createFile(at: directory.file("root2"))
        #expect(directory.read("root2") != bytes)
    }

    @Test("Random bytes are as many as asked for and differ")
    func entropy() {
        #expect(Entropy.bytes(0).isEmpty)
        #expect(Entropy.bytes(100).count == 100)
        #expect(Entropy.bytes(16) != Entropy.bytes(16))
        #expect(Entropy.u64() != Entropy.u64())
    }
}
