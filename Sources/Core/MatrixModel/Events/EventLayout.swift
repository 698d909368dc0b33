/// Writes a PDU's fields straight into canonical JSON: the keys are known, so their order is.
///
///     auth_events content depth hashes io.warbler.salt origin_server_ts prev_events
///     room_id sender signatures state_key type
struct EventLayout {
    let draft: EventDraft
    /// Written as `room_id`; nil for a create event that names its room.
    let writesRoomID: Bool

    /// Room for everything but the content.
    private var overhead: Int {
        640 + 50 * (draft.prevEvents.count + draft.authEvents.count) + draft.type.utf8.count
            + (draft.stateKey?.utf8.count ?? 0)
    }

    /// What the content hash covers: all but `hashes` and `signatures`.
    func hashed(salt: [UInt8]) -> [UInt8] {
        write(content: draft.content, contentHash: nil, salt: salt, signatures: [])
    }

    /// What signatures and the reference hash cover: the redacted event with its hashes.
    func redacted(content: [UInt8], contentHash: [UInt8]) -> [UInt8] {
        write(content: content, contentHash: contentHash, salt: [], signatures: [])
    }

    func write(
        content: [UInt8],
        contentHash: [UInt8]?,
        salt: [UInt8],
        signatures: [EventSignature]
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(content.count + overhead + signatures.count * 200)
        output.append(ascii: #"{"auth_events":["#)
        write(draft.authEvents, to: &output)
        output.append(ascii: #"],"content":"#)
        output.append(contentsOf: content)
        output.append(ascii: #","depth":"#)
        output.appendDecimal(draft.depth)
        if let contentHash {
            output.append(ascii: #","hashes":{"sha256":""#)
            Base64.encode(contentHash, into: &output)
            output.append(ascii: #""}"#)
        }
        if !salt.isEmpty {
            output.append(ascii: #","io.warbler.salt":""#)
            Base64.encode(salt, into: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(ascii: #","origin_server_ts":"#)
        output.appendDecimal(draft.originServerTimestamp)
        output.append(ascii: #","prev_events":["#)
        write(draft.prevEvents, to: &output)
        output.append(UInt8(ascii: "]"))
        if writesRoomID, let roomID = draft.roomID {
            output.append(ascii: #","room_id":"#)
            output.appendJSONString(roomID.raw)
        }
        output.append(ascii: #","sender":"#)
        output.appendJSONString(draft.sender.raw)
        if !signatures.isEmpty { write(signatures, to: &output) }
        if let stateKey = draft.stateKey {
            output.append(ascii: #","state_key":"#)
            output.appendJSONString(stateKey)
        }
        output.append(ascii: #","type":"#)
        output.appendJSONString(draft.type)
        output.append(UInt8(ascii: "}"))
        return output
    }

    private func write(_ events: [EventID], to output: inout [UInt8]) {
        var first = true
        for event in events {
            if !first { output.append(UInt8(ascii: ",")) }
            first = false
            output.appendJSONString(event.raw)
        }
    }

    private func write(_ signatures: [EventSignature], to output: inout [UInt8]) {
        let ordered = signatures.sorted {
            $0.server == $1.server
                ? $0.keyID.precedesInBytes($1.keyID) : $0.server < $1.server
        }
        output.append(ascii: #","signatures":{"#)
        var server: ServerName?
        for signature in ordered {
            if signature.server == server {
                output.append(UInt8(ascii: ","))
            } else {
                if server != nil { output.append(ascii: "},") }
                server = signature.server
                output.appendJSONString(signature.server.raw)
                output.append(ascii: ":{")
            }
            output.appendJSONString(signature.keyID)
            output.append(ascii: ":\"")
            Base64.encode(signature.bytes, into: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(ascii: "}}")
    }

    /// How many bytes `hashes` and one signature add to what `hashed` writes.
    static func closingCount(server: ServerName, keyID: String) -> Int {
        #","hashes":{"sha256":""}"#.utf8.count + Base64.encodedCount(32)
            + #","signatures":{"":{"":""}}"#.utf8.count + server.raw.utf8.count
            + keyID.utf8.count + Base64.encodedCount(64)
    }
}
