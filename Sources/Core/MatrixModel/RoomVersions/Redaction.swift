extension RoomVersion {
    /// What is left of an event's content when the event is redacted, in canonical JSON.
    /// - Parameter content: a JSON object, usually canonical already (then parts are copied).
    package func redactedContent(type: String, content: [UInt8]) throws(JSONError) -> [UInt8] {
        let kept = redactionRules.kept(of: type)
        switch kept {
        case .nothing: return [UInt8(ascii: "{"), UInt8(ascii: "}")]
        case .everything:
            let document = try JSONDocument(parsing: content)
            guard document.root.isObject else { throw .notAnObject }
            return try document.root.canonical()
        case .keys(let keys):
            let document = try JSONDocument(parsing: content)
            return try keep(keys, of: document.root)
        }
    }

    private func keep(
        _ keys: [RedactionRules.KeptKey],
        of root: JSONView
    ) throws(JSONError) -> [UInt8] {
        guard root.isObject else { throw .notAnObject }
        var output: [UInt8] = [UInt8(ascii: "{")]
        for key in keys {
            guard let value = root[key.name] else { continue }
            if key.within != nil, !value.isObject { continue }
            if output.count > 1 { output.append(UInt8(ascii: ",")) }
            output.append(UInt8(ascii: "\""))
            output.append(ascii: key.name)
            output.append(ascii: "\":")
            if let within = key.within {
                output += try keep(within.map { .init(name: $0) }, of: value)
            } else {
                try value.appendCanonical(to: &output)
            }
        }
        output.append(UInt8(ascii: "}"))
        return output
    }
}

extension RedactionRules {
    struct KeptKey {
        let name: StaticString
        /// Of an object, keep these keys only; of any other value, nothing.
        var within: [StaticString]?
    }

    enum Kept {
        case nothing, everything
        /// Ascending, so that what is written is canonical.
        case keys([KeptKey])

        static func keys(_ names: StaticString...) -> Kept {
            .keys(names.map { KeptKey(name: $0) })
        }
    }

    func kept(of type: String) -> Kept {
        switch type {
        case "m.room.create": .everything
        case "m.room.member":
            .keys([
                KeptKey(name: "join_authorised_via_users_server"), KeptKey(name: "membership"),
                KeptKey(name: "third_party_invite", within: ["signed"]),
            ])
        case "m.room.join_rules": .keys("allow", "join_rule")
        case "m.room.power_levels":
            .keys(
                "ban",
                "events",
                "events_default",
                "invite",
                "kick",
                "redact",
                "state_default",
                "users",
                "users_default"
            )
        case "m.room.history_visibility": .keys("history_visibility")
        case "m.room.redaction": .keys("redacts")
        default: .nothing
        }
    }
}
