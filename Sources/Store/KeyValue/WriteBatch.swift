package import Primitives

/// Changes that take effect together, already in the bytes RocksDB's log uses, so that writing
/// is one call with one pointer.
///
/// Layout (RocksDB `write_batch.cc`): 8 bytes of sequence number (zero here), a 4-byte
/// little-endian count, then per operation a tag, a varint family unless it is 0, and the key
/// and value each behind a varint length.
package struct WriteBatch: Sendable {
    package enum Operation: Sendable {
        case put(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, family: UInt32)
        case delete(key: ArraySlice<UInt8>, family: UInt32)
        /// lower ≤ key < upper.
        case deleteRange(lower: ArraySlice<UInt8>, upper: ArraySlice<UInt8>, family: UInt32)
    }

    private enum Tag {
        static let delete: UInt8 = 0x0
        static let put: UInt8 = 0x1
        static let familyDelete: UInt8 = 0x4
        static let familyPut: UInt8 = 0x5
        static let familyDeleteRange: UInt8 = 0xE
        static let deleteRange: UInt8 = 0xF
    }

    private static let headerBytes = 12

    /// The bytes to hand to the store.
    package private(set) var rep: [UInt8]
    /// How many operations the batch holds.
    package private(set) var count: Int

    package init() {
        rep = [UInt8](repeating: 0, count: Self.headerBytes)
        count = 0
    }

    /// Reads stored bytes back; throws unless every operation parses and the count agrees.
    package init(rep: [UInt8]) throws(DecodeError) {
        guard rep.count >= Self.headerBytes else {
            throw .truncated(needed: Self.headerBytes, left: rep.count)
        }
        self.rep = rep
        count = 0
        var found = 0
        var cursor = Self.headerBytes
        while cursor < rep.count {
            _ = try operation(at: &cursor)
            found += 1
        }
        let declared = (0..<4).reduce(0) { $0 | Int(rep[8 + $1]) << (8 * $1) }
        guard declared == found else {
            throw .invalid("the batch says \(declared) operations and holds \(found)")
        }
        count = found
    }

    package var isEmpty: Bool { count == 0 }
    /// Size of `rep`, in bytes.
    package var byteSize: Int { rep.count }

    package mutating func reserve(bytes: Int) { rep.reserveCapacity(bytes) }

    /// Empties the batch and keeps its memory.
    package mutating func removeAll() {
        rep.removeSubrange(Self.headerBytes...)
        count = 0
        storeCount()
    }

    package mutating func put(_ key: [UInt8], _ value: [UInt8], in family: ColumnFamily) {
        key.withUnsafeBytes { key in value.withUnsafeBytes { put(key, $0, in: family) } }
    }

    package mutating func put(_ key: [UInt8], _ value: ArraySlice<UInt8>, in family: ColumnFamily) {
        key.withUnsafeBytes { key in value.withUnsafeBytes { put(key, $0, in: family) } }
    }

    package mutating func put(
        _ key: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer,
        in family: ColumnFamily
    ) {
        append(Tag.put, Tag.familyPut, family)
        appendBlob(key)
        appendBlob(value)
        added(1)
    }

    package mutating func delete(_ key: [UInt8], in family: ColumnFamily) {
        append(Tag.delete, Tag.familyDelete, family)
        key.withUnsafeBytes { appendBlob($0) }
        added(1)
    }

    /// Deletes lower ≤ key < upper. Nothing when that is empty; unlike in a scan, an empty
    /// `upper` is below everything, so it can never wipe a family by accident.
    package mutating func deleteRange(
        from lower: [UInt8],
        to upper: [UInt8],
        in family: ColumnFamily
    ) {
        guard KeyOrder.precedes(lower, upper) else { return }
        append(Tag.deleteRange, Tag.familyDeleteRange, family)
        lower.withUnsafeBytes { appendBlob($0) }
        upper.withUnsafeBytes { appendBlob($0) }
        added(1)
    }

    /// All operations of `other`, after those already here.
    package mutating func append(_ other: WriteBatch) {
        guard !other.isEmpty else { return }
        other.rep.withUnsafeBytes {
            rep.append(contentsOf: UnsafeRawBufferPointer(rebasing: $0[Self.headerBytes...]))
        }
        added(other.count)
    }

    /// Visits the operations in order. The slices share the batch's bytes.
    package func forEach<Failure: Error>(
        _ body: (Operation) throws(Failure) -> Void
    ) throws(Failure) {
        var cursor = Self.headerBytes
        while cursor < rep.count {
            let next: Operation
            do { next = try operation(at: &cursor) } catch {
                preconditionFailure("a batch holds only what it was given: \(error)")
            }
            try body(next)
        }
    }

    // MARK: bytes

    private mutating func append(_ plain: UInt8, _ withFamily: UInt8, _ family: ColumnFamily) {
        if family.id == 0 {
            rep.append(plain)
        } else {
            rep.append(withFamily)
            appendVarint(family.id)
        }
    }

    private mutating func appendVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            rep.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        rep.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func appendBlob(_ bytes: UnsafeRawBufferPointer) {
        appendVarint(UInt32(bytes.count))
        rep.append(contentsOf: bytes)
    }

    private mutating func added(_ operations: Int) {
        count += operations
        storeCount()
    }

    private mutating func storeCount() {
        let value = UInt32(count).littleEndian
        rep.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: 8, as: UInt32.self) }
    }

    private func operation(at cursor: inout Int) throws(DecodeError) -> Operation {
        let tag = rep[cursor]
        cursor += 1
        var family: UInt32 = 0
        if tag == Tag.familyPut || tag == Tag.familyDelete || tag == Tag.familyDeleteRange {
            family = try varint(at: &cursor)
        }
        switch tag {
        case Tag.put, Tag.familyPut:
            let key = try blob(at: &cursor)
            return .put(key: key, value: try blob(at: &cursor), family: family)
        case Tag.delete, Tag.familyDelete:
            return .delete(key: try blob(at: &cursor), family: family)
        case Tag.deleteRange, Tag.familyDeleteRange:
            let lower = try blob(at: &cursor)
            return .deleteRange(lower: lower, upper: try blob(at: &cursor), family: family)
        default:
            throw .unknownKind(UInt64(tag))
        }
    }

    private func varint(at cursor: inout Int) throws(DecodeError) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), through: 28, by: 7) {
            guard cursor < rep.count else { throw .truncated(needed: 1, left: 0) }
            let byte = rep[cursor]
            cursor += 1
            if shift == 28, byte > 0x0F { throw .badVarint }
            value |= UInt32(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw .badVarint
    }

    private func blob(at cursor: inout Int) throws(DecodeError) -> ArraySlice<UInt8> {
        let length = Int(try varint(at: &cursor))
        guard rep.count - cursor >= length else {
            throw .truncated(needed: length, left: rep.count - cursor)
        }
        defer { cursor += length }
        return rep[cursor..<cursor + length]
    }
}
