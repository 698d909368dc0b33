/// Which value answers a method and a path: a trie over path segments.
///
/// A template is a path whose segments are literals, `{name}` (one segment, empty only at the
/// path's end) or, last, `{name...}` (the rest of the path). Literals win over places; literals
/// match raw and percent-encoded segments alike. A trailing slash is a segment of its own (the
/// Matrix API has paths that differ in it).
package struct Router<Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        let value: Value
        let template: String
        let names: [String]
    }

    private struct Node: Sendable {
        /// Sorted by their bytes.
        var literals: [(segment: [UInt8], node: Int)] = []
        var place: Int?
        var rest: Int?
        var entries: [(method: HTTPMethod, entry: Int)] = []
    }

    private var nodes = [Node()]
    private var entries: [Entry] = []

    package init() {}

    /// The number of routes.
    package var count: Int { entries.count }

    /// Adds a route. A second route for the same method and path shape is a bug of the caller.
    package mutating func add(_ method: HTTPMethod, _ template: String, _ value: Value) {
        precondition(template.hasPrefix("/"), "a template is a path: \(template)")
        var node = 0
        var names: [String] = []
        let segments = template.utf8.dropFirst().split(
            separator: 0x2f,
            omittingEmptySubsequences: false
        )
        for (index, segment) in segments.enumerated() {
            if segment.first == 0x7b, segment.last == 0x7d {
                var name = String(Substring(segment.dropFirst().dropLast()))
                let isRest = name.hasSuffix("...")
                precondition(!isRest || index == segments.count - 1, "the rest comes last")
                if isRest { name.removeLast(3) }
                names.append(name)
                node = isRest ? restNode(of: node) : placeNode(of: node)
            } else {
                node = literalNode(of: node, segment: Array(segment))
            }
        }
        precondition(
            !nodes[node].entries.contains { $0.method == method },
            "two routes for \(method.name) \(template)"
        )
        nodes[node].entries.append((method, entries.count))
        entries.append(Entry(value: value, template: template, names: names))
    }

    /// Finds the route of a path as sent, without its query.
    package func match(_ method: HTTPMethod, _ path: ArraySlice<UInt8>) -> RouteMatch<Value> {
        guard path.first == 0x2f else { return .unknown }
        var walk = Walk(path: path, method: method)
        guard let found = find(&walk, node: 0, from: path.startIndex + 1) else {
            return walk.allowed.isEmpty ? .unknown : .wrongMethod(allowed: walk.allowed)
        }
        let entry = entries[found]
        guard !entry.names.isEmpty else {
            return .found(entry.value, template: entry.template, PathParameters())
        }
        var values: [String] = []
        values.reserveCapacity(entry.names.count)
        for capture in walk.captures {
            guard let value = PercentCoding.decode(path[capture]) else { return .undecodable }
            values.append(value)
        }
        let parameters = PathParameters(names: entry.names, values: values)
        return .found(entry.value, template: entry.template, parameters)
    }

    private struct Walk {
        let path: ArraySlice<UInt8>
        let method: HTTPMethod
        var captures: [Range<Int>] = []
        var allowed: [HTTPMethod] = []
    }

    /// Depth first, literals before places; returns the entry's index. Depth is bounded by the
    /// trie's, so a path of a thousand slashes costs no more than the longest template.
    private func find(_ walk: inout Walk, node: Int, from start: Int) -> Int? {
        let end = walk.path[start...].firstIndex(of: 0x2f) ?? walk.path.endIndex
        let isLast = end == walk.path.endIndex
        if let next = literal(nodes[node], walk.path[start..<end]) {
            let found = isLast ? entry(&walk, of: next) : find(&walk, node: next, from: end + 1)
            if let found { return found }
        }
        if let next = nodes[node].place, isLast || start < end {
            walk.captures.append(start..<end)
            let found = isLast ? entry(&walk, of: next) : find(&walk, node: next, from: end + 1)
            if let found { return found }
            walk.captures.removeLast()
        }
        if let next = nodes[node].rest {
            walk.captures.append(start..<walk.path.endIndex)
            if let found = entry(&walk, of: next) { return found }
            walk.captures.removeLast()
        }
        return nil
    }

    private func entry(_ walk: inout Walk, of node: Int) -> Int? {
        let candidates = nodes[node].entries
        if let match = candidates.first(where: { $0.method == walk.method }) { return match.entry }
        // HEAD is GET without the body (RFC 9110 §9.3.2).
        if walk.method == .head, let match = candidates.first(where: { $0.method == .get }) {
            return match.entry
        }
        for candidate in candidates where !walk.allowed.contains(candidate.method) {
            walk.allowed.append(candidate.method)
        }
        return nil
    }

    private func literal(_ node: Node, _ segment: ArraySlice<UInt8>) -> Int? {
        guard !node.literals.isEmpty else { return nil }
        if segment.contains(0x25) {
            guard let decoded = PercentCoding.decodeBytes(segment, plusIsBlank: false) else {
                return nil
            }
            return Self.search(node.literals, decoded[...])
        }
        return Self.search(node.literals, segment)
    }

    private static func search(
        _ literals: [(segment: [UInt8], node: Int)],
        _ segment: ArraySlice<UInt8>
    ) -> Int? {
        var low = 0
        var high = literals.count
        while low < high {
            let middle = (low + high) / 2
            let order = compare(literals[middle].segment[...], segment)
            if order == 0 { return literals[middle].node }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// By length, then by bytes: any total order does.
    private static func compare(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        if left.count != right.count { return left.count - right.count }
        for (a, b) in zip(left, right) where a != b { return Int(a) - Int(b) }
        return 0
    }

    private mutating func literalNode(of node: Int, segment: [UInt8]) -> Int {
        if let known = Self.search(nodes[node].literals, segment[...]) { return known }
        let place = nodes[node].literals.firstIndex {
            Self.compare($0.segment[...], segment[...]) > 0
        }
        nodes[node].literals.insert(
            (segment, nodes.count),
            at: place ?? nodes[node].literals.endIndex
        )
        nodes.append(Node())
        return nodes.count - 1
    }

    private mutating func placeNode(of node: Int) -> Int {
        if let known = nodes[node].place { return known }
        nodes[node].place = nodes.count
        nodes.append(Node())
        return nodes.count - 1
    }

    private mutating func restNode(of node: Int) -> Int {
        if let known = nodes[node].rest { return known }
        nodes[node].rest = nodes.count
        nodes.append(Node())
        return nodes.count - 1
    }
}

/// What a router says of a method and a path.
package enum RouteMatch<Value: Sendable>: Sendable {
    case found(Value, template: String, PathParameters)
    /// The path is known, with these methods only.
    case wrongMethod(allowed: [HTTPMethod])
    /// The route is known, but a place holds no percent-encoded UTF-8.
    case undecodable
    case unknown
}
