import Encryption
package import Homeserver
import MatrixModel
import Synchronization

/// Why something stored cannot be told to a client right now. The client's fault is a
/// `MatrixError`; this is the world's.
package enum ReadFailure: Error {
    /// A key is not on this node (yet): 503, for this room or account only.
    case keyAbsent(UInt64)
    /// Sealed bytes that do not open with the right key: damage.
    case doesNotOpen(String)
}

/// Opens what the leader sealed (architecture 2.6): the parts of an event's content, and the
/// items of accounts. Content keys are kept per room and user; all are forgotten when any key is
/// destroyed.
package final class EventOpener: Sendable {
    private struct Pair: Hashable {
        let room: UInt64
        let user: UInt64
        let epoch: UInt32
    }

    private struct Kept: Sendable {
        var keys: [Pair: ContentKey] = [:]
        var round: UInt64 = 0
    }

    private static let pairsMax = 16_384
    static let saltCount = 16

    private let lookUp: @Sendable (UInt64) -> KeyLookup
    private let kept = Mutex(Kept())

    package init(keys: @escaping @Sendable (UInt64) -> KeyLookup) { lookUp = keys }

    /// Call it when keys were destroyed.
    package func forgetKeys() {
        kept.withLock {
            $0.keys = [:]
            $0.round += 1
        }
    }

    struct Opened {
        /// A JSON object.
        let content: [UInt8]
        let isErased: Bool
    }

    /// The content as clients see it.
    func open(_ row: EventRow, roomID: String, version: RoomVersion?) throws -> Opened {
        if row.redactedBy != nil || row.senderSealed.isEmpty && row.subjectSealed.isEmpty {
            return Opened(content: Array(row.clear), isErased: false)
        }
        guard let sender = try part(row.senderSealed, of: row, roomID) else {
            let rest = try version?.redactedContent(type: row.type, content: Array(row.clear))
            return Opened(content: rest ?? ContentParts.emptyObject, isErased: true)
        }
        var isErased = false
        var content = merge(row.clear, sender.dropFirst(Self.saltCount))
        if !row.subjectSealed.isEmpty {
            if let subject = try part(row.subjectSealed, of: row, roomID) {
                content = merge(content[...], subject[...])
            } else {
                isErased = true
            }
        }
        return Opened(content: content, isErased: isErased)
    }

    /// Nil when a key that sealed it was destroyed; empty when there is no such part.
    private func part(
        _ sealed: ArraySlice<UInt8>,
        of row: EventRow,
        _ roomID: String
    ) throws -> [UInt8]? {
        if sealed.isEmpty { return [] }
        let header = try SealedHeader(of: sealed)
        guard let key = try contentKey(header) else { return nil }
        let binding = ContentBinding(
            room: roomID,
            event: row.eventID,
            type: row.type,
            schema: header.schema
        )
        do throws(SealError) {
            return try ContentSealer.open(sealed, for: binding, with: key)
        } catch {
            throw ReadFailure.doesNotOpen(row.eventID)
        }
    }

    private func contentKey(_ header: SealedHeader) throws -> ContentKey? {
        let pair = Pair(
            room: header.roomKey.raw,
            user: header.userKey.raw,
            epoch: header.epoch
        )
        let (known, round) = kept.withLock { ($0.keys[pair], $0.round) }
        if let known { return known }
        guard let room = try secret(header.roomKey.raw), let user = try secret(header.userKey.raw)
        else { return nil }
        let made = ContentKey(
            room: RoomKey(id: header.roomKey, epoch: header.epoch, secret: room),
            user: UserKey(id: header.userKey, secret: user)
        )
        kept.withLock {
            // Made of a key that may have been destroyed meanwhile: used once, not kept.
            guard $0.round == round else { return }
            if $0.keys.count >= Self.pairsMax { $0.keys = [:] }
            $0.keys[pair] = made
        }
        return made
    }

    private func secret(_ id: UInt64) throws -> SecretKey? {
        switch lookUp(id) {
        case .found(let key): return key
        // Lost with an accepted piece of the log: no replica will ever have it.
        case .destroyed, .lost: return nil
        case .absent: throw ReadFailure.keyAbsent(id)
        }
    }

    /// An item of an account; nil when the user's key was destroyed.
    func open(_ sealed: [UInt8], for binding: ItemBinding) throws -> [UInt8]? {
        if sealed.isEmpty { return nil }
        let id = try ItemSealer.keyID(of: sealed[...])
        guard let secret = try secret(id.raw) else { return nil }
        do throws(SealError) {
            return try ItemSealer.open(sealed, for: binding, with: UserKey(id: id, secret: secret))
        } catch {
            throw ReadFailure.doesNotOpen(binding.user)
        }
    }
}

/// Two JSON objects as one, members in the order of their keys. Both are canonical, so each
/// member can be spliced as it is; where both have a key, `first` wins.
func merge(_ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>) -> [UInt8] {
    if second.count <= 2 { return first.isEmpty ? ContentParts.emptyObject : Array(first) }
    if first.count <= 2 { return Array(second) }
    let a = topMembers(of: first)
    let b = topMembers(of: second)
    var output: [UInt8] = []
    output.reserveCapacity(first.count + second.count)
    output.append(UInt8(ascii: "{"))
    func add(_ member: ArraySlice<UInt8>) {
        if output.count > 1 { output.append(UInt8(ascii: ",")) }
        output += member
    }
    var (i, j) = (0, 0)
    while i < a.count || j < b.count {
        if j == b.count {
            add(first[a[i].member])
            i += 1
        } else if i == a.count {
            add(second[b[j].member])
            j += 1
        } else if first[a[i].key].elementsEqual(second[b[j].key]) {
            add(first[a[i].member])
            i += 1
            j += 1
        } else if first[a[i].key].lexicographicallyPrecedes(second[b[j].key]) {
            add(first[a[i].member])
            i += 1
        } else {
            add(second[b[j].member])
            j += 1
        }
    }
    output.append(UInt8(ascii: "}"))
    return output
}

/// Where the members of a canonical object and their keys are.
private func topMembers(
    of object: ArraySlice<UInt8>
) -> [(key: Range<Int>, member: Range<Int>)] {
    var found: [(key: Range<Int>, member: Range<Int>)] = []
    var depth = 0
    var isInString = false
    var start = object.startIndex + 1
    var keyEnd: Int?
    var cursor = object.startIndex
    func close(_ end: Int) {
        if let keyEnd, start < end { found.append((start..<keyEnd, start..<end)) }
        keyEnd = nil
    }
    while cursor < object.endIndex {
        let byte = object[cursor]
        if isInString {
            if byte == UInt8(ascii: "\\") {
                cursor += 1
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
                if depth == 1, keyEnd == nil { keyEnd = cursor + 1 }
            }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { close(cursor) }
            case UInt8(ascii: ",") where depth == 1:
                close(cursor)
                start = cursor + 1
            default: break
            }
        }
        cursor += 1
    }
    return found
}
