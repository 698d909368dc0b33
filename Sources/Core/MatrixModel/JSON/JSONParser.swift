/// One pass over the bytes into a flat tape of nodes. Everything is checked here, so that
/// reading later cannot fail. Cost is linear in the input, but for sorting the keys of
/// large unsorted objects.
struct JSONParser {
    private(set) var nodes: [JSONNode] = []
    var position = 0
    /// Grows with each thing that canonical JSON would write otherwise. A container at whose end
    /// it stands where it stood at the start is canonical as it is.
    var irregularities = 0
    private let limits: JSONLimits

    init(limits: JSONLimits, expecting byteCount: Int) {
        self.limits = limits
        nodes.reserveCapacity(min(byteCount / 12 + 8, limits.values + 1))
    }

    mutating func parse(_ bytes: Span<UInt8>) throws(JSONError) {
        skipWhitespace(bytes)
        try value(bytes, depth: 0)
        skipWhitespace(bytes)
        guard position == bytes.count else { throw .trailingBytes(at: position) }
    }

    @inline(__always)
    private mutating func skipWhitespace(_ bytes: Span<UInt8>) {
        guard position < bytes.count, bytes[position] <= 0x20 else { return }
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
            irregularities += 1
        }
    }

    @inline(__always)
    mutating func append(
        _ kind: JSONKind,
        from start: Int,
        to end: Int,
        _ flags: JSONNode.Flags
    ) throws(JSONError) {
        guard nodes.count < limits.values else { throw .tooManyValues(limit: limits.values) }
        nodes.append(
            JSONNode(
                start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end),
                next: UInt32(truncatingIfNeeded: nodes.count + 1),
                kind: kind,
                flags: flags
            )
        )
    }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) {
        guard position < bytes.count else { throw .truncated }
        switch bytes[position] {
        case UInt8(ascii: "\""): try string(bytes)
        case UInt8(ascii: "{"): try object(bytes, depth: depth + 1)
        case UInt8(ascii: "["): try array(bytes, depth: depth + 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number(bytes)
        case UInt8(ascii: "t"): try literal("true", .bool, bytes)
        case UInt8(ascii: "f"): try literal("false", .bool, bytes)
        case UInt8(ascii: "n"): try literal("null", .null, bytes)
        default: throw .unexpectedByte(at: position)
        }
    }

    private mutating func literal(
        _ word: StaticString,
        _ kind: JSONKind,
        _ bytes: Span<UInt8>
    ) throws(JSONError) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard start + offset < bytes.count else { throw .truncated }
            guard bytes[start + offset] == word.utf8Start[offset] else {
                throw .unexpectedByte(at: start + offset)
            }
        }
        position = start + word.utf8CodeUnitCount
        try append(kind, from: start, to: position, .canonical)
    }

    private mutating func array(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) {
        guard depth <= limits.depth else { throw .tooDeep(limit: limits.depth) }
        let index = nodes.count
        let before = irregularities
        try append(.array, from: position, to: position, [])
        position += 1
        skipWhitespace(bytes)
        guard position < bytes.count else { throw .truncated }
        if bytes[position] == UInt8(ascii: "]") {
            position += 1
        } else {
            repeat {
                skipWhitespace(bytes)
                try value(bytes, depth: depth)
                skipWhitespace(bytes)
            } while try another(before: UInt8(ascii: "]"), bytes)
        }
        close(index, irregularities == before ? .canonical : [])
    }

    private mutating func object(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) {
        guard depth <= limits.depth else { throw .tooDeep(limit: limits.depth) }
        let index = nodes.count
        let before = irregularities
        var sorted = true
        var previous: Int?
        try append(.object, from: position, to: position, [])
        position += 1
        skipWhitespace(bytes)
        guard position < bytes.count else { throw .truncated }
        if bytes[position] == UInt8(ascii: "}") {
            position += 1
        } else {
            repeat {
                skipWhitespace(bytes)
                guard position < bytes.count else { throw .truncated }
                guard bytes[position] == UInt8(ascii: "\"") else {
                    throw .unexpectedByte(at: position)
                }
                let key = nodes.count
                try string(bytes)
                if sorted { sorted = ascends(from: previous, to: key, bytes) }
                previous = key
                skipWhitespace(bytes)
                guard position < bytes.count else { throw .truncated }
                guard bytes[position] == UInt8(ascii: ":") else {
                    throw .unexpectedByte(at: position)
                }
                position += 1
                skipWhitespace(bytes)
                try value(bytes, depth: depth)
                skipWhitespace(bytes)
            } while try another(before: UInt8(ascii: "}"), bytes)
        }
        if !sorted {
            irregularities += 1
            try refuseDuplicates(in: index, bytes)
        }
        var flags: JSONNode.Flags = sorted ? .sorted : []
        if irregularities == before { flags.insert(.canonical) }
        close(index, flags)
    }

    /// Takes a comma (true) or the closing byte (false).
    @inline(__always)
    private mutating func another(
        before close: UInt8,
        _ bytes: Span<UInt8>
    ) throws(JSONError) -> Bool {
        guard position < bytes.count else { throw .truncated }
        let byte = bytes[position]
        guard byte == UInt8(ascii: ",") || byte == close else {
            throw .unexpectedByte(at: position)
        }
        position += 1
        return byte != close
    }

    @inline(__always)
    private mutating func close(_ index: Int, _ flags: JSONNode.Flags) {
        nodes[index].end = UInt32(truncatingIfNeeded: position)
        nodes[index].next = UInt32(truncatingIfNeeded: nodes.count)
        nodes[index].flags = flags
    }

    /// True when the key's bytes come after the previous key's. An escaped key counts as out of
    /// order: the slow path knows what it says.
    @inline(__always)
    private func ascends(from previous: Int?, to key: Int, _ bytes: Span<UInt8>) -> Bool {
        let node = nodes[key]
        if node.flags.contains(.escaped) { return false }
        guard let previous else { return true }
        return bytes.bytes.precedes(nodes[previous].range, node.range)
    }
}

extension JSONNode {
    @inline(__always) var range: Range<Int> { Int(start)..<Int(end) }
}
