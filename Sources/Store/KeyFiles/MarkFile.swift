internal import Glibc
package import KeyValue
package import MessageLog

/// The mark on disk (architecture 2.5): one preallocated file with two slots, overwritten in
/// turn, so that a torn write leaves the other slot whole.
///
/// Owned by the storage thread. A failed write is fatal, like a failed sync of the log.
package struct MarkFile: ~Copyable, Sendable {
    /// What the file held when it was opened: nil for a new file, and for a damaged one.
    package let found: Mark?
    /// The file was not there and is new.
    package let isNew: Bool
    private let file: OpenFile
    private let slotCount: Int
    private var sequence: UInt64

    /// Opens the mark at `path`, or makes one with room for `partitions`.
    ///
    /// A file that is too small for `partitions` is written anew, larger, with what it held.
    package init(path: String, partitions: Int) throws(StoreError) {
        let opened: Opened
        do throws(SystemFailure) {
            opened = try MarkFile.prepare(path, MarkCodec.slotCount(partitions: partitions))
            file = try OpenFile(path, O_RDWR)
        } catch {
            throw MarkFile.storeError(error)
        }
        found = opened.found
        isNew = opened.isNew
        slotCount = opened.slotCount
        sequence = opened.found?.sequence ?? 0
    }

    private struct Opened {
        var found: Mark?
        var isNew: Bool
        var slotCount: Int
    }

    private static func prepare(
        _ path: String,
        _ wanted: Int
    ) throws(SystemFailure) -> Opened {
        let held = try Files.read(path, limit: 64 << 20)
        let found = held.flatMap { MarkCodec.newest(in: $0) }
        if let held, held.count >= wanted * 2 {
            return Opened(found: found, isNew: false, slotCount: held.count / 2)
        }
        try make(path, slotCount: wanted, holding: found)
        return Opened(found: found, isNew: held == nil, slotCount: wanted)
    }

    /// Writes the mark over the older slot and syncs it. The sequence number is the file's own.
    package mutating func write(_ mark: Mark) throws(StoreError) {
        var next = mark
        sequence += 1
        next.sequence = sequence
        let bytes = MarkCodec.encode(next)
        guard bytes.count <= slotCount else {
            throw StoreError(.invalid, "a mark of \(bytes.count) bytes is larger than its slot")
        }
        do throws(SystemFailure) {
            try file.write(bytes, at: Int(sequence & 1) * slotCount)
            try file.syncData()
        } catch {
            throw MarkFile.storeError(error)
        }
    }

    private static func make(
        _ path: String,
        slotCount: Int,
        holding mark: Mark?
    ) throws(SystemFailure) {
        let new = path + ".new"
        var bytes = [UInt8](repeating: 0, count: slotCount * 2)
        if let mark {
            let slot = MarkCodec.encode(mark)
            let start = Int(mark.sequence & 1) * slotCount
            bytes.replaceSubrange(start..<start + slot.count, with: slot)
        }
        // Zeros that are really written: a later overwrite then changes no metadata, which is
        // what makes its fdatasync cheap.
        try Files.create(new, bytes, replacing: true)
        try Files.rename(new, to: path)
        try Files.syncDirectory(Files.parent(of: path))
    }

    private static func storeError(_ failure: SystemFailure) -> StoreError {
        let full = failure.code == ENOSPC || failure.code == EDQUOT
        return StoreError(full ? .noSpace : .ioError, "the mark: \(failure)")
    }
}
