import KeyValue
import Testing

@Suite("Every store keeps what it promised")
struct DurabilityTests {
    @Test("A synced batch and all before it survive a crash", arguments: StoreKind.withLog)
    func syncedSurvives(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        try under.store.write(.putting("a", "unsynced", in: rooms), sync: false)
        try under.store.write(.putting("b", "synced", in: users), sync: true)
        try under.crashAndReopen()
        #expect(try under.store.texts(in: rooms) == ["a=unsynced"])
        #expect(try under.store.texts(in: users) == ["b=synced"])
    }

    @Test("Without a log a crash goes back to the last flush", arguments: StoreKind.withoutLog)
    func flushedSurvives(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        try under.store.write(.putting("a", "1", in: rooms), sync: true)
        try under.store.write(.putting("a", "1", in: users), sync: false)
        try under.store.flush(wait: true)
        try under.store.write(.putting("b", "lost", in: rooms), sync: true)
        try under.store.write(.putting("b", "lost", in: users), sync: true)
        try under.crashAndReopen()
        #expect(try under.store.texts(in: rooms) == ["a=1"])
        #expect(try under.store.texts(in: users) == ["a=1"])
    }

    @Test("Closing keeps everything", arguments: StoreKind.allCases)
    func closingKeeps(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        for index in 0..<50 {
            try under.store.write(.putting("k\(index)", "v", in: later), sync: false)
        }
        try under.closeAndReopen()
        #expect(try under.store.texts(in: later).count == 50)
        try under.closeAndReopen()
        #expect(try under.store.texts(in: later).count == 50)
    }

    @Test("After close everything says so, views too", arguments: StoreKind.allCases)
    func closed(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        let store = under.store
        try store.write(.putting("a", "1", in: rooms), sync: true)
        try store.close()
        try store.close()
        let late: any KeyValueReader = store.view()
        let calls: [() throws -> Void] = [
            { _ = try store.get(bytes("a"), in: rooms) },
            { _ = try store.multiGet([bytes("a")], in: rooms) },
            { _ = try store.texts(in: rooms) },
            { try store.write(.putting("b", "1", in: rooms), sync: false) },
            { try store.flush(wait: true) },
            { try store.compactRange(from: [], to: [], in: rooms, bottommost: true) },
            { try store.verifyChecksums() },
            { try store.checkpoint(to: "/nowhere") },
            { try store.ingest(["/nowhere"], in: rooms) },
            { _ = try late.get(bytes("a"), in: rooms) },
        ]
        for (index, call) in calls.enumerated() {
            #expect("call \(index)") { try call() } throws: {
                ($0 as? StoreError)?.code == .closed
            }
        }
    }

    @Test("A checkpoint is a store of its own", arguments: StoreKind.allCases)
    func checkpoint(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        try under.store.write(.putting("a", "then", in: rooms), sync: false)
        try under.store.write(.putting("a", "then", in: later), sync: false)
        let path = under.path("checkpoint")
        try under.store.checkpoint(to: path)
        try under.store.write(.putting("a", "now", in: rooms), sync: true)
        #expect { try under.store.checkpoint(to: path) } throws: {
            ($0 as? StoreError)?.code == .invalid
        }
        let copy = try under.openCheckpoint(path)
        #expect(try copy.texts(in: rooms) == ["a=then"])
        #expect(try copy.texts(in: later) == ["a=then"])
        try copy.write(.putting("b", "own", in: rooms), sync: true)
        try copy.verifyChecksums()
        try copy.close()
        #expect(try under.store.texts(in: rooms) == ["a=now"])
        try under.store.verifyChecksums()
    }

    @Test("A table written and taken in stays after a crash", arguments: StoreKind.allCases)
    func ingest(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        try under.store.write(.putting("k5", "older", in: rooms), sync: true)
        let path = under.path("segment.sst")
        var index = 0
        try under.store.writeTable(at: path, in: rooms) { () throws(StoreError) in
            guard index < 10 else { return nil }
            defer { index += 1 }
            return (key: bytes("k\(index)"), value: bytes("table"))
        }
        try under.store.ingest([path], in: rooms)
        #expect(try under.store.get(bytes("k5"), in: rooms) == bytes("table"))
        try under.store.write(.putting("k5", "newer", in: rooms), sync: true)
        try under.store.verifyChecksums()
        // The file is the caller's: it can be taken in again, elsewhere.
        try under.store.flush(wait: true)
        try under.crashAndReopen()
        try under.store.verifyChecksums()
        #expect(try under.store.texts(in: rooms).count == 10)
        #expect(try under.store.get(bytes("k5"), in: rooms) == bytes("newer"))
        #expect(try under.store.get(bytes("k9"), in: rooms) == bytes("table"))
    }

    @Test("A bad table is refused and nothing changes", arguments: StoreKind.allCases)
    func badTable(_ kind: StoreKind) throws {
        let under = try StoreUnderTest(kind)
        defer { under.remove() }
        var keys = ["a", "c", "b"][...]
        #expect {
            try under.store.writeTable(at: under.path("1.sst"), in: rooms) {
                () throws(StoreError) in
                keys.popFirst().map { (key: bytes($0), value: bytes("v")) }
            }
        } throws: { ($0 as? StoreError)?.code == .invalid }
        #expect {
            try under.store.writeTable(at: under.path("2.sst"), in: rooms) {
                () throws(StoreError) in nil
            }
        } throws: { ($0 as? StoreError)?.code == .invalid }
        #expect {
            try under.store.writeTable(at: under.path("3.sst"), in: rooms) {
                () throws(StoreError) in throw StoreError(.ioError, "the source failed")
            }
        } throws: { ($0 as? StoreError)?.message == "the source failed" }
        #expect { try under.store.ingest([under.path("2.sst")], in: rooms) } throws: {
            ($0 as? StoreError)?.code == .notFound
        }
        try under.store.ingest([], in: rooms)
        #expect(try under.store.texts(in: rooms) == [])
    }
}
