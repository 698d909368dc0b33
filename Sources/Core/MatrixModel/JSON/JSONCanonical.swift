extension JSONView {
    /// Canonical JSON (Matrix appendices, "Canonical JSON"): keys by code point, no white space,
    /// shortest escapes, integers within ±(2^53−1) only. `-0` becomes 0 and `1e10` 10000000000,
    /// as in the specification's examples.
    /// - Throws: `notCanonical` for any other number.
    package func canonical() throws(JSONError) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(rawBytes.count)
        try appendCanonical(to: &output)
        return output
    }

    package func appendCanonical(to output: inout [UInt8]) throws(JSONError) {
        let writer = CanonicalWriter(tape: tape)
        try writer.write(index, to: &output)
    }

    /// The object in canonical form without some of its members: what is hashed and signed.
    /// - Throws: `notAnObject`, or `notCanonical`.
    package func canonical(omitting omitted: [StaticString]) throws(JSONError) -> [UInt8] {
        guard isObject else { throw .notAnObject }
        var output: [UInt8] = []
        output.reserveCapacity(rawBytes.count)
        try CanonicalWriter(tape: tape).writeObject(index, to: &output) { key in
            !omitted.contains { JSONView(tape: tape, index: key).isString($0) }
        }
        return output
    }

    /// True only when `rawBytes` is the canonical form. False does not prove the contrary: an
    /// object with an escaped key is never taken for canonical.
    package var isCanonical: Bool { node.flags.contains(.canonical) }
}

private struct CanonicalWriter {
    let tape: JSONTape

    func write(_ index: Int, to output: inout [UInt8]) throws(JSONError) {
        let node = tape.nodes[index]
        if node.flags.contains(.canonical) {
            let quote = node.kind == .string ? 1 : 0
            copy(Int(node.start) - quote, Int(node.end) + quote, to: &output)
            return
        }
        switch node.kind {
        case .null, .bool: copy(Int(node.start), Int(node.end), to: &output)
        case .string: writeString(node, to: &output)
        case .number:
            guard let value = tape.integer(of: node) else {
                throw .notCanonical(at: Int(node.start))
            }
            output.appendDecimal(value)
        case .array:
            output.append(UInt8(ascii: "["))
            var child = index + 1
            while child < Int(node.next) {
                if child > index + 1 { output.append(UInt8(ascii: ",")) }
                try write(child, to: &output)
                child = Int(tape.nodes[child].next)
            }
            output.append(UInt8(ascii: "]"))
        case .object: try writeObject(index, to: &output) { _ in true }
        }
    }

    func writeObject(
        _ index: Int,
        to output: inout [UInt8],
        keeping isKept: (Int) -> Bool
    ) throws(JSONError) {
        let node = tape.nodes[index]
        output.append(UInt8(ascii: "{"))
        var first = true
        if node.flags.contains(.sorted) {
            var key = index + 1
            while key < Int(node.next) {
                if isKept(key) { try writeMember(key, &first, to: &output) }
                key = Int(tape.nodes[key + 1].next)
            }
        } else {
            for key in sortedKeys(of: index, node) where isKept(key) {
                try writeMember(key, &first, to: &output)
            }
        }
        output.append(UInt8(ascii: "}"))
    }

    private func writeMember(
        _ key: Int,
        _ first: inout Bool,
        to output: inout [UInt8]
    ) throws(JSONError) {
        if !first { output.append(UInt8(ascii: ",")) }
        first = false
        try write(key, to: &output)
        output.append(UInt8(ascii: ":"))
        try write(key + 1, to: &output)
    }

    private func sortedKeys(of index: Int, _ node: JSONNode) -> [Int] {
        var keys: [Int] = []
        var escaped = false
        var key = index + 1
        while key < Int(node.next) {
            keys.append(key)
            escaped = escaped || tape.nodes[key].flags.contains(.escaped)
            key = Int(tape.nodes[key + 1].next)
        }
        guard escaped else {
            sort(&keys) { tape.precedes(tape.nodes[$0], tape.nodes[$1]) }
            return keys
        }
        return keys.map { key -> (text: [UInt8], key: Int) in
            (tape.text(of: tape.nodes[key]), key)
        }
        .sorted { $0.text.lexicographicallyPrecedes($1.text) }
        .map(\.key)
    }

    /// Insertion sort while there are few: most objects have, and it allocates nothing.
    private func sort(_ keys: inout [Int], by precedes: (Int, Int) -> Bool) {
        guard keys.count <= 12 else { return keys.sort(by: precedes) }
        for position in keys.indices.dropFirst() {
            let key = keys[position]
            var hole = position
            while hole > 0, precedes(key, keys[hole - 1]) {
                keys[hole] = keys[hole - 1]
                hole -= 1
            }
            keys[hole] = key
        }
    }

    private func writeString(_ node: JSONNode, to output: inout [UInt8]) {
        tape.text(of: node).withUnsafeBufferPointer { output.appendJSONString($0) }
    }

    @inline(__always)
    private func copy(_ start: Int, _ end: Int, to output: inout [UInt8]) {
        tape.bytes.withUnsafeBufferPointer {
            output.append(contentsOf: UnsafeBufferPointer(rebasing: $0[start..<end]))
        }
    }
}
