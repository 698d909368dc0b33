extension JSONParser {
    /// Keys up to this many are compared each with each; more are sorted.
    private static var fewKeys: Int { 12 }

    /// Called for objects whose keys do not ascend; those that do cannot repeat a key.
    func refuseDuplicates(in object: Int, _ bytes: Span<UInt8>) throws(JSONError) {
        var keys: [JSONNode] = []
        var escaped = false
        var index = object + 1
        while index < nodes.count {
            keys.append(nodes[index])
            escaped = escaped || nodes[index].flags.contains(.escaped)
            index = Int(nodes[index + 1].next)
        }
        let raw = bytes.bytes
        if escaped {
            try refuseDuplicates(unescaping: keys, raw)
        } else if keys.count <= Self.fewKeys {
            for later in 1..<max(keys.count, 1) {
                for earlier in 0..<later where raw.equal(keys[earlier].range, keys[later].range) {
                    throw .duplicateKey(at: Int(keys[later].start))
                }
            }
        } else {
            keys.sort { raw.precedes($0.range, $1.range) }
            for later in 1..<keys.count
            where raw.equal(keys[later - 1].range, keys[later].range) {
                throw .duplicateKey(at: Int(keys[later].start))
            }
        }
    }

    private func refuseDuplicates(
        unescaping keys: [JSONNode],
        _ raw: RawSpan
    ) throws(JSONError) {
        var texts: [(text: [UInt8], at: Int)] = []
        texts.reserveCapacity(keys.count)
        for key in keys {
            var text: [UInt8] = []
            raw.unescape(key.range, into: &text)
            texts.append((text, Int(key.start)))
        }
        texts.sort { $0.text.lexicographicallyPrecedes($1.text) }
        for later in 1..<texts.count where texts[later - 1].text == texts[later].text {
            throw .duplicateKey(at: texts[later].at)
        }
    }
}
