import MatrixModel
package import Primitives

/// Where a user's stream was read up to: `next_batch` of a sync.
///
/// A vector of log positions, one for the account and one for each partition that holds a room of
/// the user, with the cluster incarnation they belong to. The account has its own, even where its
/// partition holds rooms as well: either may have to wait for the other. Any node answers it with
/// no state of its own. Text: `s` and the URL-safe base64 of
/// version u8 ‖ incarnation ‖ account ‖ count ‖ count × (partition u16 ‖ index) ‖
/// typing epoch u32 ‖ typing serial, where numbers are varints unless a width is given.
package struct StreamToken: Hashable, Sendable {
    package static let version: UInt8 = 1
    /// No log gets here, and position arithmetic cannot overflow below it.
    static let indexEnd: UInt64 = 1 << 52
    package static let partitionsMax = 4_096
    /// No token of this server is longer, so nothing longer is decoded.
    package static let textBytesMax = 65_536

    package struct Position: Hashable, Sendable {
        package let partition: PartitionID
        package let index: LogIndex
        package init(_ partition: PartitionID, _ index: LogIndex) {
            self.partition = partition
            self.index = index
        }
    }

    package let incarnation: UInt64
    /// Of the account's partition, for what it records of the account.
    package let account: LogIndex
    /// Ascending by partition, each once.
    package let positions: [Position]
    package let typing: TypingMark

    /// - Parameter positions: in any order; of two for one partition the later one stays.
    package init(
        incarnation: UInt64,
        account: LogIndex,
        positions: [Position],
        typing: TypingMark = .none
    ) {
        self.incarnation = incarnation
        self.account = account
        self.typing = typing
        var sorted: [Position] = []
        sorted.reserveCapacity(positions.count)
        for each in positions.sorted(by: { $0.partition < $1.partition }) {
            if let last = sorted.last, last.partition == each.partition {
                if each.index > last.index { sorted[sorted.count - 1] = each }
            } else {
                sorted.append(each)
            }
        }
        self.positions = sorted
    }

    /// Nil for a partition that held no room of the user.
    package subscript(_ partition: PartitionID) -> LogIndex? {
        var low = 0
        var high = positions.count
        while low < high {
            let middle = (low + high) / 2
            if positions[middle].partition < partition { low = middle + 1 } else { high = middle }
        }
        guard low < positions.count, positions[low].partition == partition else { return nil }
        return positions[low].index
    }
}

/// Up to where a device saw who is typing. Typing is never logged: the mark counts changes on
/// one node since it started, and says nothing to another node or after a restart.
package struct TypingMark: Hashable, Sendable {
    /// Which run of which node counted; zero for none.
    package let epoch: UInt32
    package let serial: UInt64
    package init(epoch: UInt32, serial: UInt64) {
        self.epoch = epoch
        self.serial = serial
    }
    package static let none = TypingMark(epoch: 0, serial: 0)
}

extension StreamToken {
    package var text: String {
        var writer = ByteWriter(reserving: 24 + positions.count * 8)
        writer.u8(Self.version)
        writer.varint(incarnation)
        writer.varint(account.raw)
        writer.varint(positions.count)
        for each in positions {
            writer.u16(each.partition.raw)
            writer.varint(each.index.raw)
        }
        writer.u32(typing.epoch)
        writer.varint(typing.serial)
        return "s" + Base64.encode(writer.bytes, urlSafe: true)
    }

    /// Nil for anything that `text` did not give.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.textBytesMax, text.utf8.first == UInt8(ascii: "s"),
            let bytes = Base64.decode(text.utf8.dropFirst(), urlSafe: true)
        else { return nil }
        var reader = ByteReader(bytes)
        do throws(DecodeError) {
            guard try reader.u8() == Self.version else { return nil }
            let incarnation = try reader.varint()
            let account = LogIndex(try reader.varint())
            let count = try reader.count(limit: Self.partitionsMax)
            var positions: [Position] = []
            positions.reserveCapacity(min(count, 128))
            for _ in 0..<count {
                let partition = PartitionID(try reader.u16())
                let index = LogIndex(try reader.varint())
                guard index.raw < Self.indexEnd else { return nil }
                positions.append(Position(partition, index))
            }
            let typing = TypingMark(epoch: try reader.u32(), serial: try reader.varint())
            try reader.expectEnd()
            guard account.raw < Self.indexEnd else { return nil }
            self.init(
                incarnation: incarnation,
                account: account,
                positions: positions,
                typing: typing
            )
        } catch {
            return nil
        }
    }
}
