import Foundation
import KeyValue
import RocksKeyValue
import Testing

@Suite(
    "A full disk stops the store and loses nothing it promised",
    .serialized,
    .enabled(if: SmallDisk.isPossible, "neither root nor user namespaces allow a mount here")
)
struct FullDiskTests {
    @Test("The first failure is final, in every call that writes", arguments: [true, false])
    func full(_ hasLog: Bool) throws {
        let disk = try SmallDisk(megabytes: 6)
        defer { disk.remove() }
        let place = disk.path
        let path = place + "/db"
        var options = RocksOptions(
            path: path,
            families: [RocksFamily(rooms, compression: .none)],
            durability: hasLog ? .synced : .noWAL,
            encryption: .keyring(try keyring())
        )
        options.writeBufferBytes = 1 << 20
        // Even reading the log again takes room: what a ballast file is for.
        let ballast = place + "/ballast"
        try writeFile(ballast, [UInt8](repeating: 0, count: 2 << 20))
        var store = try RocksKeyValueStore(options)
        var written = 0
        func batch(_ number: Int) -> WriteBatch {
            var batch = WriteBatch()
            batch.put(bytes("\(1000 + number)"), [UInt8](repeating: 3, count: 50_000), in: rooms)
            return batch
        }
        let outcome = try code {
            while written < 1000 {
                try store.write(batch(written), sync: true)
                written += 1
            }
        }
        #expect(outcome == .noSpace)
        #expect(try code { try store.write(WriteBatch([("a", "1")]), sync: true) } == .noSpace)
        #expect(try code { try store.flush(wait: true) } == .noSpace)
        #expect(try code { try store.checkpoint(to: path + "-copy") } == .noSpace)
        #expect(
            try code {
                try store.compactRange(from: [], to: [], in: rooms, bottommost: true)
            } == .noSpace
        )
        #expect(try store.keys().count >= written, "it still reads")
        #expect(try code { try store.close() } == .noSpace)

        try FileManager.default.removeItem(atPath: ballast)
        store = try RocksKeyValueStore(options)
        let found = try store.keys()
        #expect(found == (0..<found.count).map { "\(1000 + $0)" })
        if hasLog { #expect(found.count >= written) }
        try store.close()
    }
}
