/// An event type as filters name it: `*` stands for any run of characters, and case counts.
/// Matching takes time linear in the type, whatever the pattern.
package struct TypePattern: Hashable, Sendable {
    /// What a type begins and ends with, and what it holds in between, in this order.
    private let first: [UInt8]
    private let inner: [Part]
    private let last: [UInt8]
    /// Nil where the text has a `*`.
    private let exact: [UInt8]?

    /// A text to look for, with the length of the longest border of each of its beginnings
    /// (Knuth, Morris and Pratt).
    private struct Part: Hashable, Sendable {
        let text: [UInt8]
        private let borders: [Int]

        init(_ text: [UInt8]) {
            self.text = text
            var borders = [Int](repeating: 0, count: text.count)
            var length = 0
            for index in text.indices.dropFirst() {
                while length > 0, text[index] != text[length] { length = borders[length - 1] }
                if text[index] == text[length] { length += 1 }
                borders[index] = length
            }
            self.borders = borders
        }

        /// The end of the first occurrence in `type[start ..< end]`.
        func find(
            in type: UnsafeBufferPointer<UInt8>,
            from start: Int,
            to end: Int
        ) -> Int? {
            guard !text.isEmpty else { return start }
            var length = 0
            for index in start..<end {
                while length > 0, type[index] != text[length] { length = borders[length - 1] }
                if type[index] == text[length] { length += 1 }
                if length == text.count { return index + 1 }
            }
            return nil
        }
    }

    package init(_ text: String) {
        let parts = Array(text.utf8).split(
            separator: UInt8(ascii: "*"),
            omittingEmptySubsequences: false
        ).map(Array.init)
        exact = parts.count == 1 ? parts[0] : nil
        first = parts[0]
        last = parts[parts.count - 1]
        inner = parts.dropFirst().dropLast().filter { !$0.isEmpty }.map(Part.init)
    }

    package func matches(_ type: String) -> Bool {
        var type = type
        return type.withUTF8 { matches($0) }
    }

    /// Leftmost placement of each inner part is enough: nothing but `*` is special.
    private func matches(_ type: UnsafeBufferPointer<UInt8>) -> Bool {
        if let exact { return type.elementsEqual(exact) }
        guard type.count >= first.count + last.count,
            type.prefix(first.count).elementsEqual(first),
            type.suffix(last.count).elementsEqual(last)
        else { return false }
        var cursor = first.count
        let end = type.count - last.count
        for part in inner {
            guard let found = part.find(in: type, from: cursor, to: end) else { return false }
            cursor = found
        }
        return true
    }
}

/// The event types that one list of a filter names.
package struct TypeList: Hashable, Sendable {
    private var names: Set<[UInt8]> = []
    private var patterns: [TypePattern] = []

    package init(_ texts: [String]) {
        for text in texts {
            if text.utf8.contains(UInt8(ascii: "*")) {
                patterns.append(TypePattern(text))
            } else {
                names.insert(Array(text.utf8))
            }
        }
    }

    package var isEmpty: Bool { names.isEmpty && patterns.isEmpty }

    /// Those that have to be tried one after another, for every event.
    package var patternCount: Int { patterns.count }

    package func contains(_ type: String) -> Bool {
        !names.isEmpty && names.contains(Array(type.utf8))
            || patterns.contains { $0.matches(type) }
    }
}
