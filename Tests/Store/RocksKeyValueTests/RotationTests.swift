import Foundation
import KeyValue
import RocksKeyValue
import Testing

@Suite("Data keys rotate while the store runs")
struct RotationTests {
    @Test("New files take the new epoch, old ones are rewritten, the old key can go")
    func rotation() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let ring = try keyring(epochs: [1])
        var store = try scratch.open(ring)
        for round in 0..<3 {
            try store.write(WriteBatch([("old-\(round)", "1")]), sync: true)
            try store.write(WriteBatch([("old-\(round)", "1")], in: users), sync: true)
            try store.flush(wait: true)
        }
        #expect(Set(try store.bytesByEpoch().keys) == [1])

        try ring.add(epoch: 2, key: dataKey(2))
        try ring.setCurrent(2)
        try store.write(WriteBatch([("new", "2")]), sync: true)
        try store.flush(wait: true)
        #expect(Set(try store.bytesByEpoch().keys) == [1, 2])
        #expect(try store.keys() == ["new", "old-0", "old-1", "old-2"])

        try store.rewriteOldEpochs()
        let left = try RocksKeyValueStore.storedFiles(in: scratch("db")).filter { $0.epoch == 1 }
        #expect(left.allSatisfy { $0.fileClass == .manifest }, "no table, no log: \(left)")
        try store.close()

        // What RocksDB rewrites only at opening.
        store = try scratch.open(ring)
        #expect(Set(try store.bytesByEpoch().keys) == [2])
        try store.close()
        store = try scratch.open(keyring(epochs: [2]))
        #expect(try store.keys() == ["new", "old-0", "old-1", "old-2"])
        #expect(try store.keys(in: users) == ["old-0", "old-1", "old-2"])
        try store.verifyChecksums()
        try store.close()
    }

    @Test("Two files never share an ID or a first block")
    func fileIDs() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let store = try scratch.open(keyring())
        for round in 0..<20 {
            try store.write(WriteBatch([("same", "same"), ("round", "\(round)")]), sync: true)
            try store.flush(wait: true)
        }
        try store.checkpoint(to: scratch("copy"))
        try store.close()
        var seen: [[UInt8]: String] = [:]
        for (name, content) in try scratch.files() where content.count >= 4096 {
            let id = Array(content[32..<64])
            #expect(seen[id] == nil, "\(name) shares its ID with \(seen[id] ?? "")")
            seen[id] = name
        }
        for (name, content) in try scratch.files("copy") where content.count >= 4096 {
            // A hard link is the same file; a copy has an ID of its own.
            let id = Array(content[32..<64])
            if let original = seen[id] {
                #expect(try scratch.files()[original] == content, "\(name)")
            }
        }
    }
}
