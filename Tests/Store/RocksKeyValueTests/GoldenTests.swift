import Foundation
import KeyValue
import RocksKeyValue
import Testing

/// Bytes made by another implementation of Specs/Formats/EncryptedFile.md, with the key of
/// epoch 1 and the store ID of `keyring()`. They must open for as long as version 1 is read.
@Suite("Files of version 1 open in every release")
struct GoldenTests {
    @Test("A sealed file")
    func sealed() throws {
        let file =
            Self.header(
                tag: "26706b72cb8d7829421342efe9d299aa2c65f0fd532675c542c3a5a220f0c4cd",
                fileClass: 9
            )
            + Self.unhex(
                "e8f139e007b724aa7294c75fbfedffb61612b3282823eb1222f337e67e0bb16b610f5acf1e8d"
            )
        #expect(try keyring().open(file, as: .media) == bytes("One file, sealed once."))
    }

    @Test("A database file: a CURRENT that names MANIFEST-000001")
    func database() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var store = try scratch.open(keyring())
        try store.write(WriteBatch([("a", "1")]), sync: true)
        try store.close()
        let manifest = try #require(
            try scratch.files().keys.first { $0.hasPrefix("MANIFEST-") }
        )
        try FileManager.default.moveItem(
            atPath: scratch("db/" + manifest),
            toPath: scratch("db/MANIFEST-000001")
        )
        let current =
            Self.header(
                tag: "d612a885e150dbfedc562159e700c7dc3832890b53ad1c824ae34fabc41da960",
                fileClass: 3
            )
            + Self.unhex("0ff5221450a7f585a9e7c2ffab6ec99c")
        try writeFile(scratch("db/CURRENT"), current)
        store = try scratch.open(keyring())
        #expect(try store.keys() == ["a"])
        try store.close()
    }

    private static func header(tag: String, fileClass: UInt8) -> [UInt8] {
        var header = unhex("57424c454e433100" + "0001" + "0001" + "00000001")
        header += [UInt8](repeating: 7, count: 16)
        header += 100..<132 as Range<UInt8>
        header += unhex("0000018bcfe56800") + [fileClass] + [UInt8](repeating: 0, count: 23)
        header += unhex(tag)
        return header + [UInt8](repeating: 0, count: 4096 - 128)
    }

    private static func unhex(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
