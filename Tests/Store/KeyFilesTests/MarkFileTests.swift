import Encryption
import Glibc
import KeyFiles
import KeyValue
import MessageLog
import Primitives
import Testing

@Suite("The mark's file")
struct MarkFileTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("MARK") }

    private func mark(_ last: UInt64, partitions: Int = 3) -> Mark {
        Mark(
            incarnation: 2,
            entries: (0..<partitions).map {
                MarkEntry(
                    partition: PartitionID(UInt16($0)),
                    hardState: LogHardState(term: Term(last)),
                    lastIndex: LogIndex(last),
                    chain: Digest(of: [UInt8(truncatingIfNeeded: last)])
                )
            }
        )
    }

    private func found() throws -> Mark? {
        let file = try MarkFile(path: path, partitions: 3)
        return file.found
    }

    @Test("What was written last is found at the next opening")
    func roundTrip() throws {
        var file = try MarkFile(path: path, partitions: 3)
        let (isNew, nothing) = (file.isNew, file.found == nil)
        #expect(isNew && nothing)
        for last in 1...5 as ClosedRange<UInt64> {
            try file.write(mark(last))
            let again = try #require(try found())
            #expect(again.entries == mark(last).entries && again.sequence == last)
        }
        var reopened = try MarkFile(path: path, partitions: 3)
        let isOld = !reopened.isNew
        #expect(isOld)
        try reopened.write(mark(9))
        #expect(try found()?.sequence == 6)
        #expect(directory.read("MARK")?.count == 2 * 4_096)
    }

    @Test("A torn write leaves the mark before it; two leave none")
    func torn() throws {
        var file = try MarkFile(path: path, partitions: 3)
        for last in 1...4 as ClosedRange<UInt64> { try file.write(mark(last)) }
        var bytes = try #require(directory.read("MARK"))
        bytes[60] ^= 0xFF
        directory.write("MARK", bytes)
        #expect(try found()?.entries == mark(3).entries, "sequence 4 lies in the first slot")
        bytes[4_096 + 60] ^= 0xFF
        directory.write("MARK", bytes)
        let damaged = try MarkFile(path: path, partitions: 3)
        let (nothing, isNew) = (damaged.found == nil, damaged.isNew)
        #expect(nothing && !isNew)
    }

    @Test("A file that became too small grows and keeps what it held")
    func grows() throws {
        var small = try MarkFile(path: path, partitions: 3)
        try small.write(mark(7))
        var large = try MarkFile(path: path, partitions: 200)
        let kept = large.found?.entries
        #expect(kept == mark(7).entries)
        try large.write(mark(8, partitions: 200))
        #expect(try found()?.entries.count == 200)
        #expect(throws: StoreError.self) { try small.write(mark(9, partitions: 200)) }
    }

    @Test("A directory that is not there is an error, not a crash")
    func unwritable() {
        #expect(throws: StoreError.self) {
            _ = try MarkFile(path: directory.file("none/MARK"), partitions: 1)
        }
    }
}
