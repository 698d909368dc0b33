import KeyValue
import Primitives
import Testing

@Suite("A write batch is its bytes")
struct WriteBatchTests {
    @Test("The bytes are RocksDB's")
    func layout() {
        var batch = WriteBatch()
        batch.put([1, 2], [3], in: .default)
        batch.put([4], [], in: rooms)
        batch.delete([5], in: ColumnFamily(id: 200, name: "high"))
        batch.deleteRange(from: [6], to: [7], in: rooms)
        let expected: [UInt8] =
            [0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0]
            + [0x01, 2, 1, 2, 1, 3]
            + [0x05, 1, 1, 4, 0]
            + [0x04, 0xC8, 0x01, 1, 5]
            + [0x0E, 1, 1, 6, 1, 7]
        #expect(batch.rep == expected)
        #expect(batch.count == 4)
    }

    @Test("Appended batches run one after the other; an emptied one starts again")
    func appending() throws {
        var first = WriteBatch.putting("a", "1", in: rooms)
        let second = WriteBatch.putting("b", "2", in: users)
        first.append(second)
        first.append(WriteBatch())
        #expect(first.count == 2)
        #expect(try WriteBatch(rep: first.rep).count == 2)
        first.removeAll()
        #expect(first.rep == WriteBatch().rep)
    }

    @Test("Bytes that are no batch are refused")
    func decoding() throws {
        var batch = WriteBatch.putting("key", "value", in: rooms)
        batch.deleteRange(from: [1], to: [2], in: users)
        for cut in 0..<batch.rep.count {
            #expect(throws: DecodeError.self) { try WriteBatch(rep: Array(batch.rep[..<cut])) }
        }
        var wrongCount = batch.rep
        wrongCount[8] = 3
        #expect(throws: DecodeError.self) { try WriteBatch(rep: wrongCount) }
        var wrongTag = batch.rep
        wrongTag[12] = 0x55
        #expect(throws: DecodeError.self) { try WriteBatch(rep: wrongTag) }
    }

    @Test("The end of a prefix is the next key that does not begin with it")
    func prefixes() {
        #expect(KeyOrder.end(ofPrefix: [1, 2]) == [1, 3])
        #expect(KeyOrder.end(ofPrefix: [1, 0xFF, 0xFF]) == [2])
        #expect(KeyOrder.end(ofPrefix: [0xFF]) == [])
        #expect(KeyOrder.end(ofPrefix: []) == [])
    }
}
