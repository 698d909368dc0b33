import Foundation
import KeyValue
import RocksKeyValue
import Synchronization
import Testing

@Suite("No text of a row can be read from the disk")
struct SecrecyTests {
    private static let marker = "WARBLERMARKER"

    @Test("Not in any file, not in the info log; a plain store shows that the search works")
    func noMarker() throws {
        let hits = try Self.search(encrypted: true)
        #expect(hits.files == [])
        #expect(hits.log == [])
        #expect(!hits.names.contains { $0.hasPrefix("LOG") }, "RocksDB's own log must not exist")
        #expect(hits.logLines > 20, "the info log was on")
        let control = try Self.search(encrypted: false)
        #expect(control.files.count > 3)
    }

    @Test("An error message does not quote keys")
    func messages() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        try store.write(WriteBatch([(Self.marker, Self.marker)]), sync: true)
        try store.flush(wait: true)
        let table = try #require(try scratch.files().first { $0.key.hasSuffix(".sst") })
        try store.close()
        var failures = 0
        for position in stride(from: 4096, to: table.value.count, by: 41) {
            var content = table.value
            content[position] ^= 0x40
            try writeFile(scratch("db") + "/" + table.key, content)
            do {
                let store = try scratch.open(keyring())
                defer { try? store.close() }
                try store.verifyChecksums()
                _ = try store.get(bytes(Self.marker), in: rooms)
                try store.compactRange(from: [], to: [], in: rooms, bottommost: true)
            } catch let error as StoreError {
                failures += 1
                #expect(!error.message.contains(Self.marker))
                #expect(!error.message.contains(Self.hex(Self.marker)))
                #expect(error.code == .corruption)
            }
        }
        #expect(failures > 10)
    }

    private struct Hits {
        var files: [String] = []
        var names: [String] = []
        var log: [String] = []
        var logLines = 0
    }

    private static func hex(_ text: String) -> String {
        text.utf8.map { String($0, radix: 16, uppercase: true) }.joined()
    }

    private static func search(encrypted: Bool) throws -> Hits {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let lines = Mutex<[String]>([])
        var options = scratch.options(encrypted ? .keyring(try keyring()) : .plain)
        options.families = options.families.map {
            var family = $0
            family.compression = .none
            return family
        }
        options.logLevel = .debug
        options.infoLog = { _, text in lines.withLock { $0.append(text) } }
        let store = try RocksKeyValueStore(options)
        for round in 0..<5 {
            var batch = WriteBatch()
            for row in 0..<50 {
                batch.put(
                    bytes("\(marker)-\(round)-\(row)"),
                    bytes("value \(marker) \(row)"),
                    in: rooms
                )
            }
            try store.write(batch, sync: true)
            try store.flush(wait: true)
        }
        try store.write(WriteBatch([(marker, marker)], in: users), sync: true)
        try store.compactRange(
            from: bytes(marker),
            to: bytes(marker + "-3"),
            in: rooms,
            bottommost: true
        )
        var cut = WriteBatch()
        cut.deleteRange(from: bytes(marker + "-1"), to: bytes(marker + "-2"), in: rooms)
        try store.write(cut, sync: true)
        try store.writeTable(at: scratch("table.sst"), in: rooms, rows: [(marker, marker)])
        try store.ingest([scratch("table.sst")], in: rooms)
        try store.checkpoint(to: scratch("copy"))
        try store.write(WriteBatch([(marker, marker)], in: users), sync: true)

        var hits = Hits()
        let forms = [bytes(marker), bytes(hex(marker)), bytes(hex(marker).lowercased())]
        for name in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
            if isDirectory(scratch(name)) { continue }
            hits.names.append(URL(fileURLWithPath: name).lastPathComponent)
            let content = Data(try readFile(scratch(name)))
            if forms.contains(where: { content.range(of: Data($0)) != nil }) {
                hits.files.append(name)
            }
        }
        try store.close()
        hits.log = lines.withLock { lines in
            lines.filter { line in
                forms.contains { line.contains(String(decoding: $0, as: UTF8.self)) }
            }
        }
        hits.logLines = lines.withLock(\.count)
        return hits
    }
}
