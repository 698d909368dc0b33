package import Primitives

/// Every table of the `state` database: one leading byte, then the partition (big-endian), then
/// the rest of the key. `Specs/Formats/Keyspace.md` draws each row.
package enum Table: UInt8, Sendable, CaseIterable {
    // Per partition
    case applied = 0x01
    case outboxRow = 0x02
    case outboxNext = 0x03
    case inboxSequence = 0x04
    case keyBlock = 0x05
    case commandResult = 0x06
    // Rooms
    case roomByID = 0x10
    case roomHead = 0x11
    case timeline = 0x12
    case eventByID = 0x13
    case currentState = 0x14
    case stateHistory = 0x15
    case stateLog = 0x16
    case receiptLog = 0x17
    case receipt = 0x18
    case publicRoom = 0x19
    case roomAlias = 0x1A
    case relation = 0x1B
    // Accounts
    case account = 0x20
    case device = 0x21
    case accessToken = 0x22
    case profile = 0x23
    case accountData = 0x24
    case filter = 0x25
    case membership = 0x26
    case loginToken = 0x27
    case accountDataTally = 0x28
    // Directory
    case alias = 0x30
    case aliasOfRoom = 0x31
    // Key partition
    case wrappedKey = 0x40
    case keyAllocation = 0x41
    case keyErasure = 0x42
}

/// Builds keys of the `state` database.
package struct KeyBuilder: Sendable {
    package private(set) var bytes: [UInt8]

    package init(_ table: Table, _ partition: PartitionID, reserving: Int = 48) {
        bytes = []
        bytes.reserveCapacity(reserving)
        bytes.append(table.rawValue)
        bytes.append(UInt8(partition.raw >> 8))
        bytes.append(UInt8(truncatingIfNeeded: partition.raw))
    }

    package consuming func u16(_ value: UInt16) -> KeyBuilder {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
        return self
    }

    package consuming func u64(_ value: UInt64) -> KeyBuilder {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        return self
    }

    /// Text that ends the key: no terminator.
    package consuming func last(_ text: String) -> KeyBuilder {
        bytes.append(contentsOf: text.utf8)
        return self
    }

    /// Text with more after it: escaped so that it sorts as text and ends with 0x00 0x01.
    /// A NUL byte inside becomes 0x00 0xFF.
    package consuming func text(_ text: String) -> KeyBuilder {
        for byte in text.utf8 {
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
        bytes.append(0)
        bytes.append(1)
        return self
    }

    package consuming func raw(_ value: [UInt8]) -> KeyBuilder {
        bytes.append(contentsOf: value)
        return self
    }
}

/// Reads keys that `KeyBuilder` wrote.
package struct KeyParser {
    private let bytes: UnsafeRawBufferPointer
    private var position: Int

    /// `skipping`: how many leading bytes (table, partition, …) the caller already knows.
    package init(_ bytes: UnsafeRawBufferPointer, skipping: Int = 3) {
        self.bytes = bytes
        position = skipping
    }

    package mutating func u16() -> UInt16? {
        guard position + 2 <= bytes.count else { return nil }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    package mutating func u64() -> UInt64? {
        guard position + 8 <= bytes.count else { return nil }
        defer { position += 8 }
        return bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self).bigEndian
    }

    package mutating func text() -> String? {
        var found: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0 {
                guard position + 1 < bytes.count else { return nil }
                let mark = bytes[position + 1]
                position += 2
                if mark == 1 { return String(validating: found, as: UTF8.self) }
                guard mark == 0xFF else { return nil }
                found.append(0)
            } else {
                found.append(byte)
                position += 1
            }
        }
        return nil
    }

    package mutating func last() -> String? {
        defer { position = bytes.count }
        return String(validating: bytes[position...], as: UTF8.self)
    }
}

/// The first key after every key that starts with `prefix`.
package func keyAfter(prefix: [UInt8]) -> [UInt8] {
    var end = prefix
    while let final = end.last {
        if final < 0xFF {
            end[end.count - 1] = final + 1
            return end
        }
        end.removeLast()
    }
    return [UInt8](repeating: 0xFF, count: 64)
}
