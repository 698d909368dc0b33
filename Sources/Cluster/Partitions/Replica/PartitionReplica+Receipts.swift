import Homeserver
import KeyValue
import MatrixModel
import Primitives
import Projections
import Raft

/// Receipts of one partition on their way into one record (architecture 2.1): every reader of a
/// busy room sends one with each message, and only the furthest of each counts.
struct CollectedReceipts: Sendable {
    /// More than these are not kept waiting.
    static var countMax: Int { 1_024 }

    private struct Place: Hashable, Sendable {
        var room: Int
        var user: String
        var type: String
        var thread: String
    }

    /// In the order they came.
    private(set) var sets: [ReceiptsSet] = []
    private(set) var tokens: [UInt64] = []
    private(set) var count = 0
    private var rooms: [String: Int] = [:]
    private var places: [Place: Int] = [:]

    var isEmpty: Bool { sets.isEmpty }

    mutating func add(_ receipts: [Receipt], in roomID: String, _ token: UInt64?) {
        if let token { tokens.append(token) }
        let room = rooms[roomID] ?? sets.count
        if room == sets.count {
            rooms[roomID] = room
            sets.append(ReceiptsSet(roomID: roomID, receipts: []))
        }
        for receipt in receipts {
            let place = Place(
                room: room,
                user: receipt.userID,
                type: receipt.type,
                thread: receipt.thread
            )
            if let known = places[place] {
                // Of two devices the slower one takes nothing back.
                guard sets[room].receipts[known].position <= receipt.position else { continue }
                sets[room].receipts[known] = receipt
            } else {
                places[place] = sets[room].receipts.count
                sets[room].receipts.append(receipt)
                count += 1
            }
        }
    }
}

extension PartitionReplica {
    mutating func collect(_ wishes: [Receipt], in roomID: String, _ token: UInt64?) {
        receipts.add(wishes, in: roomID, token)
    }

    /// Proposes what was collected as one entry, at most one in `ticks`. The first after a pause
    /// goes at the end of the turn it came in; whoever comes soon after it waits for the next.
    /// Returns whether receipts go on waiting.
    mutating func writeReceipts(
        every ticks: UInt64,
        _ moment: Moment,
        into output: inout HostOutput
    ) throws -> Bool {
        guard !receipts.isEmpty else { return false }
        if let last = receiptsTick, moment.tick < last + ticks,
            receipts.count < CollectedReceipts.countMax
        {
            return true
        }
        guard isReady else { return true }
        let merged = receipts
        receipts = CollectedReceipts()
        receiptsTick = moment.tick
        try propose(
            merged.sets.map { .receiptsSet($0) },
            answering: .done,
            merged.tokens,
            nil,
            at: raft.last.index.next,
            moment,
            &output
        )
        return false
    }
}
