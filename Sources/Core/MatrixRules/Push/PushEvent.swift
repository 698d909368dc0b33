package import MatrixModel

/// An event as push rules see it, prepared once and then judged for every user of the room.
package struct PushEvent: Sendable {
    package let type: String
    package let sender: UserID
    package let roomID: RoomID
    package let stateKey: String?
    package let eventID: EventID?
    package let content: JSONView?

    /// In lower case, as conditions compare them.
    let foldedType: String
    let body: String?
    let messageType: String?
    let membership: String?
    /// Users of `m.mentions`, or nil without that property.
    let mentionedUsers: Set<UserID>?
    let mentionsRoom: Bool
    /// `m.relates_to.rel_type`
    let relationType: String?

    package init(
        type: String,
        sender: UserID,
        roomID: RoomID,
        stateKey: String? = nil,
        eventID: EventID? = nil,
        content: JSONView?
    ) {
        self.type = type
        self.sender = sender
        self.roomID = roomID
        self.stateKey = stateKey
        self.eventID = eventID
        self.content = content
        foldedType = type.lowercased()
        body = content?["body"]?.string
        membership = content?["membership"]?.string
        messageType = content?["msgtype"]?.string
        relationType = content?["m.relates_to"]?["rel_type"]?.string
        let mentions = content?["m.mentions"]
        // A set: the list may be long, and every member of the room is looked for in it.
        mentionedUsers = mentions.map { mentions in
            let ids = mentions["user_ids"]?.elements.compactMap { $0.string }
            return Set((ids ?? []).map(UserID.init(trusted:)))
        }
        mentionsRoom = mentions?["room"]?.bool ?? false
    }

    /// The text at a path; nil when there is none or it is something else.
    func text(at path: PushPath) -> String? {
        switch path {
        case .type: type
        case .sender: sender.raw
        case .roomID: roomID.raw
        case .stateKey: stateKey
        case .eventID: eventID?.raw
        case .body: body
        case .messageType: messageType
        case .membership: membership
        case .relationType: relationType
        case .content(let keys): view(at: keys)?.string
        case .unknown: nil
        }
    }

    /// The value at a path, where it is neither an array nor an object.
    func scalar(at path: PushPath) -> PushScalar? {
        if case .content(let keys) = path { return view(at: keys).flatMap(PushScalar.init) }
        // The rest of the prepared paths count only as texts, except where content lies otherwise.
        switch path {
        case .body: return content?["body"].flatMap(PushScalar.init)
        case .messageType: return content?["msgtype"].flatMap(PushScalar.init)
        case .membership: return content?["membership"].flatMap(PushScalar.init)
        case .relationType:
            return content?["m.relates_to"]?["rel_type"].flatMap(PushScalar.init)
        default: return text(at: path).map(PushScalar.text)
        }
    }

    /// The elements of the array at a path.
    func elements(at path: PushPath) -> JSONView.Elements? {
        guard case .content(let keys) = path, let view = view(at: keys), view.isArray else {
            return nil
        }
        return view.elements
    }

    private func view(at keys: [String]) -> JSONView? {
        var view = content
        for key in keys { view = view?[key] }
        return view
    }
}

/// A dot-separated property path, resolved as far as can be done ahead (appendices, "Dot-separated
/// property paths").
enum PushPath: Hashable, Sendable {
    case type, sender, roomID, stateKey, eventID, body, messageType, membership, relationType
    /// Keys inside `content`.
    case content([String])
    /// Nothing an event here has.
    case unknown

    init(_ path: String) {
        let keys = splitPropertyPath(path)
        switch (keys.first, keys.count) {
        case ("type", 1): self = .type
        case ("sender", 1): self = .sender
        case ("room_id", 1): self = .roomID
        case ("state_key", 1): self = .stateKey
        case ("event_id", 1): self = .eventID
        case ("content", 2...):
            switch keys.dropFirst() {
            case ["body"]: self = .body
            case ["msgtype"]: self = .messageType
            case ["membership"]: self = .membership
            case ["m.relates_to", "rel_type"]: self = .relationType
            default: self = .content(Array(keys.dropFirst()))
            }
        default: self = .unknown
        }
    }
}

/// Splits at dots. `\.` and `\\` stand for a dot and a backslash inside a name; before any other
/// character a backslash is one.
func splitPropertyPath(_ path: String) -> [String] {
    var keys: [String] = []
    var key = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in path.unicodeScalars {
        if isEscaped {
            if scalar != "." && scalar != "\\" { key.append("\\") }
            key.append(scalar)
            isEscaped = false
        } else if scalar == "\\" {
            isEscaped = true
        } else if scalar == "." {
            keys.append(String(key))
            key = String.UnicodeScalarView()
        } else {
            key.append(scalar)
        }
    }
    if isEscaped { key.append("\\") }
    keys.append(String(key))
    return keys
}

/// A JSON value that conditions may compare: no array, no object, no fraction.
enum PushScalar: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case text(String)

    init?(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .bool: self = .bool(view.bool ?? false)
        case .number:
            guard let integer = view.integer else { return nil }
            self = .integer(integer)
        case .string: self = .text(view.string ?? "")
        case .array, .object: return nil
        }
    }

    init?(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .string(let value): self = .text(value)
        case .double, .array, .object: return nil
        }
    }

    static func == (a: PushScalar, b: PushScalar) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        // Exactly means byte by byte.
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .text(let value): hasher.combine(value.utf8.count)
        }
    }
}
