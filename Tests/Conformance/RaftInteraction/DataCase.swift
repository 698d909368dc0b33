/// One command of a data file and the output it should have.
///
/// The format is that of cockroachdb/datadriven: a directive line (continued by a trailing
/// backslash), optional input lines, `----`, the output up to a blank line. `#` begins a comment.
struct DataCase {
    struct Argument {
        var key: String
        /// Empty for a bare word.
        var values: [String]
    }

    struct FormatError: Error {
        var line: Int
        var text: String
    }

    var line: Int
    /// Comments, directive and input as they stand in the file, up to `----`.
    var source: [String]
    var command: String
    var arguments: [Argument]
    var input: String
    var expected: String

    /// Values of all arguments with this key.
    func values(_ key: String) -> [String] {
        arguments.filter { $0.key == key }.flatMap(\.values)
    }

    /// Bare words, in order.
    var words: [String] { arguments.filter { $0.values.isEmpty }.map(\.key) }

    static func parse(_ text: String) throws(FormatError) -> [DataCase] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var cases: [DataCase] = []
        var position = 0
        var sourceStart = 0
        while position < lines.count {
            let number = position + 1
            var directive = trimmed(lines[position])
            position += 1
            if directive.isEmpty || directive.hasPrefix("#") { continue }
            while directive.hasSuffix("\\"), position < lines.count {
                directive.removeLast()
                directive += " " + trimmed(lines[position])
                position += 1
            }
            var input: [String] = []
            while position < lines.count, lines[position] != "----" {
                input.append(lines[position])
                position += 1
            }
            guard position < lines.count else { throw FormatError(line: number, text: directive) }
            let source = Array(lines[sourceStart..<position])
            position += 1
            var output: [String] = []
            while position < lines.count, !trimmed(lines[position]).isEmpty {
                output.append(lines[position])
                position += 1
            }
            sourceStart = min(position + 1, lines.count)
            let (command, arguments) = split(directive)
            cases.append(
                DataCase(
                    line: number,
                    source: source,
                    command: command,
                    arguments: arguments,
                    input: input.joined(separator: "\n"),
                    expected: output.joined(separator: "\n")
                )
            )
        }
        return cases
    }

    private static func trimmed(_ text: String) -> String {
        var slice = text[...]
        while let last = slice.last, last == " " || last == "\t" || last == "\r" {
            slice.removeLast()
        }
        while let first = slice.first, first == " " || first == "\t" { slice.removeFirst() }
        return String(slice)
    }

    /// Splits at blanks that are not inside of parentheses.
    private static func split(_ directive: String) -> (String, [Argument]) {
        var parts: [String] = []
        var part = ""
        var depth = 0
        for character in directive {
            switch character {
            case "(": depth += 1
            case ")": depth -= 1
            default: break
            }
            if character == " " || character == "\t", depth == 0 {
                if !part.isEmpty { parts.append(part) }
                part = ""
            } else {
                part.append(character)
            }
        }
        if !part.isEmpty { parts.append(part) }
        return (parts.first ?? "", parts.dropFirst().map(argument))
    }

    private static func argument(_ part: String) -> Argument {
        guard let equals = part.firstIndex(of: "=") else { return Argument(key: part, values: []) }
        let key = String(part[..<equals])
        var value = part[part.index(after: equals)...]
        guard value.hasPrefix("("), value.hasSuffix(")") else {
            return Argument(key: key, values: [String(value)])
        }
        value = value.dropFirst().dropLast()
        let values = value.split(separator: ",").map { trimmed(String($0)) }
        return Argument(key: key, values: values)
    }
}
