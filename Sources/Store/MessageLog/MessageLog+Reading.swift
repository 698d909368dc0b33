package import Encryption
internal import KeyValue
package import Primitives

extension MessageLog {
    /// Answers for `firstIndex - 1 ... lastIndex`.
    package func term(at index: LogIndex) -> LogTerm {
        if index == tail.index { return .term(tail.term) }
        if index == base.index { return .term(base.term) }
        if index < base.index { return .compacted }
        if index > tail.index { return .unavailable }
        if let entry = cache.entry(at: index) { return .term(entry.term) }
        guard let row = try? storedRow(at: index) else { return .damaged }
        return .term(row.header.term)
    }

    /// The chain value at an index, for the append that follows it.
    package func chain(at index: LogIndex) throws(LogError) -> Digest {
        try tail(at: index).chain
    }

    /// The log's end as it was when `index` was the last one.
    package func tail(at index: LogIndex) throws(LogError) -> LogTail {
        if index == tail.index { return tail }
        if index == base.index { return base }
        try check(index)
        if let entry = cache.entry(at: index), let chain = cache.chain(at: index) {
            return LogTail(index: index, term: entry.term, clock: entry.clock, chain: chain)
        }
        let row = try storedRow(at: index)
        return LogTail(
            index: index,
            term: row.header.term,
            clock: row.header.clock,
            chain: row.chain
        )
    }

    /// The record with its body checked against its header. Not checked: the chain before it.
    package func record(at index: LogIndex) throws(LogError) -> LogRecord {
        try check(index)
        if let entry = cache.entry(at: index), let chain = cache.chain(at: index), !entry.isBlank {
            return LogRecord(
                header: RecordHeader(entry, in: partition),
                chain: chain,
                body: entry.body
            )
        }
        return try complete(try storedRow(at: index))
    }

    /// Entries of `range`, as many as fit into `maxBytes` by `byteSize`, but at least one. Every
    /// body read from the store is checked against its header; blank ones say so.
    package func entries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogError) -> [LogEntry] {
        guard !range.isEmpty else { return [] }
        try check(range.lowerBound)
        try check(range.upperBound.previous)
        var found: [LogEntry] = []
        var bytes = 0
        var index = range.lowerBound
        if !cache.holds(index) {
            let end = min(range.upperBound, cache.first ?? range.upperBound)
            found = try storedEntries(index..<end, maxBytes: maxBytes)
            bytes = found.reduce(0) { $0 + $1.byteSize }
            guard found.count == Int(end.raw - index.raw) else { return found }
            index = end
        }
        while index < range.upperBound {
            guard let entry = cache.entry(at: index) else {
                preconditionFailure("the cache reaches to the end of the log")
            }
            bytes += entry.byteSize
            if bytes > maxBytes, !found.isEmpty { break }
            found.append(entry)
            index = index.next
        }
        return found
    }

    // MARK: the store

    func check(_ index: LogIndex) throws(LogError) {
        guard index >= firstIndex else { throw .compacted(first: firstIndex) }
        guard index <= lastIndex else { throw .beyondEnd(last: lastIndex) }
    }

    func damaged(_ index: LogIndex, _ why: String) -> LogError { .damaged(partition, index, why) }

    /// A row that parses and lies where it says it does.
    func storedRow(at index: LogIndex) throws(LogError) -> StoredRow {
        let bytes: [UInt8]?
        do throws(StoreError) {
            bytes = try store.get(LogKeys.record(partition, index), in: LogFamilies.records)
        } catch {
            throw .store(error)
        }
        guard let bytes else { throw damaged(index, "there is no row") }
        return try row(decoding: bytes, at: index)
    }

    func row(decoding bytes: [UInt8], at index: LogIndex) throws(LogError) -> StoredRow {
        let row: StoredRow
        do throws(DecodeError) { row = try StoredRow(decoding: bytes) } catch {
            throw damaged(index, error.description)
        }
        guard row.header.index == index, row.header.partition == partition else {
            throw damaged(index, "the row belongs to another place")
        }
        return row
    }

    /// Adds the body and checks it.
    func complete(_ row: StoredRow) throws(LogError) -> LogRecord {
        let body: [UInt8]?
        switch row.place {
        case .here: body = Array(row.body)
        case .pruned: body = nil
        case .passing:
            let key = LogKeys.record(partition, row.header.index)
            do throws(StoreError) { body = try store.get(key, in: LogFamilies.passing) } catch {
                throw .store(error)
            }
            guard body != nil else { throw damaged(row.header.index, "its body is missing") }
        }
        if let body, !row.header.fits(body[...]) {
            throw damaged(row.header.index, "its body has another digest")
        }
        return LogRecord(header: row.header, chain: row.chain, body: body)
    }

    private func storedEntries(
        _ range: Range<LogIndex>,
        maxBytes: Int
    ) throws(LogError) -> [LogEntry] {
        var rows: [(index: LogIndex, bytes: [UInt8])] = []
        var bytes = 0
        var due = range.lowerBound
        try scanRows(range) { index, value in
            guard index == due else { return false }
            // Passing bodies are not in the row, so they are counted below, when they are read.
            bytes += max(0, value.count - StoredRow.fixedCount) + LogEntry.overheadBytes
            rows.append((index, Array(value)))
            due = due.next
            return bytes <= maxBytes
        }
        if rows.isEmpty || (due < range.upperBound && bytes <= maxBytes) {
            throw damaged(due, "there is no row")
        }
        var found: [LogEntry] = []
        var total = 0
        for row in rows {
            let entry = try complete(try self.row(decoding: row.bytes, at: row.index)).entry
            total += entry.byteSize
            if total > maxBytes, !found.isEmpty { break }
            found.append(entry)
        }
        return found
    }

    /// Visits the rows of the records family in `range`, ascending or descending.
    func scanRows(
        _ range: Range<LogIndex>,
        reverse: Bool = false,
        _ body: (LogIndex, UnsafeRawBufferPointer) -> Bool
    ) throws(LogError) {
        do throws(StoreError) {
            try store.scan(
                from: LogKeys.record(partition, range.lowerBound),
                to: LogKeys.record(partition, range.upperBound),
                in: LogFamilies.records,
                reverse: reverse
            ) { key, value in
                guard let index = LogKeys.index(of: key) else { return true }
                return body(index, value)
            }
        } catch {
            throw .store(error)
        }
    }
}
