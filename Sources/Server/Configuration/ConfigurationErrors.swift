/// One thing wrong with the configuration, and where it was said.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `FILE:LINE`, the name of an environment variable, `--set KEY`, or the key for a rule that
    /// joins several values.
    package let place: String
    package let message: String
    /// The key that was probably meant.
    package let nearest: String?

    package init(place: String, message: String, nearest: String? = nil) {
        self.place = place
        self.message = message
        self.nearest = nearest
    }

    package var description: String {
        let hint = nearest.map { "; did you mean `\($0)`?" } ?? ""
        return "\(place): \(message)\(hint)"
    }
}

/// Everything wrong with the configuration at once, in the order of the file.
package struct ConfigurationErrors: Error, Sendable, CustomStringConvertible {
    package let errors: [ConfigurationError]
    package var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// The candidate closest to a misspelt word, when close enough to be a likely slip.
package func nearestWord(to word: String, among candidates: [String]) -> String? {
    let best = candidates.map { (word: $0, distance: editDistance(word, $0)) }
        .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    guard let best, best.distance <= max(2, word.count / 3) else { return nil }
    return best.word
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8)
    let b = Array(b.utf8)
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
        var row = [i + 1]
        row.reserveCapacity(b.count + 1)
        for j in 0..<b.count {
            var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                cost = min(cost, beforeLast[j - 1] + 1)
            }
            row.append(cost)
        }
        beforeLast = last
        last = row
    }
    return last[b.count]
}
