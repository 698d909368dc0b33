/// Reads Swift source as far as the boundary test needs it: without comments and texts, by line.
enum SourceScanner {
    /// Words that have no place in pure code.
    static let refusedInPureCode = [
        "await", "Task", "TaskGroup", "ContinuousClock", "SuspendingClock", "Foundation",
        "FoundationEssentials", "Dispatch", "DispatchQueue", "Thread", "clock_gettime",
        "SystemRandomNumberGenerator",
    ]
    static let refusedCallsInPureCode = ["print", "debugPrint", "dump", "sleep", "usleep"]

    /// The code of a file with comments and the content of texts blanked, line breaks kept.
    /// Code inside `\( )` is blanked with the text around it.
    static func codeLines(_ source: String) -> [String] {
        var code: [Character] = []
        let characters = Array(source)
        var index = 0
        func at(_ offset: Int) -> Character? {
            index + offset < characters.count ? characters[index + offset] : nil
        }
        while index < characters.count {
            let character = characters[index]
            if character == "/", at(1) == "/" {
                while let next = at(0), !next.isNewline { index += next.isNewline ? 0 : 1 }
            } else if character == "/", at(1) == "*" {
                index = skipComment(characters, from: index, into: &code)
            } else if character == "\"" || (character == "#" && opensRawText(characters, index)) {
                index = skipText(characters, from: index, into: &code)
            } else {
                code.append(character)
                index += 1
            }
        }
        return String(code).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
    }

    /// Modules a file imports, with their lines (from 1).
    static func imports(_ lines: [String]) -> [(line: Int, module: String)] {
        let access: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        var result: [(line: Int, module: String)] = []
        for (number, line) in lines.enumerated() {
            var words = line.split(whereSeparator: \.isWhitespace)
            while let word = words.first, word.hasPrefix("@") || access.contains(word) {
                words.removeFirst()
            }
            guard words.first == "import", words.count > 1 else { continue }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "func", "var", "let", "typealias",
            ]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            result.append((number + 1, String(name.prefix { $0 != "." && $0 != ";" })))
        }
        return result
    }

    /// What pure code must not say, with the lines where it does.
    static func refusedWords(_ lines: [String]) -> [(line: Int, word: String)] {
        var result: [(line: Int, word: String)] = []
        for (number, line) in lines.enumerated() {
            for word in refusedInPureCode where containsWord(word, in: line, followedBy: nil) {
                result.append((number + 1, word))
            }
            for call in refusedCallsInPureCode
            where containsWord(call, in: line, followedBy: "(") {
                result.append((number + 1, call + "("))
            }
            if line.contains(".random(") || line.contains(".randomElement(")
                || line.contains(".shuffled()")
            {
                result.append((number + 1, ".random("))
            }
        }
        return result
    }

    private static func containsWord(
        _ word: String,
        in line: String,
        followedBy suffix: Character?
    ) -> Bool {
        var rest = line[...]
        while let range = rest.firstRange(of: word) {
            let before =
                range.lowerBound == line.startIndex
                ? nil : line[line.index(before: range.lowerBound)]
            let after = range.upperBound == line.endIndex ? nil : line[range.upperBound]
            let standsAlone =
                !(before.map { isWordPart($0) || $0 == "." } ?? false)
                && !(after.map(isWordPart) ?? false)
            if standsAlone, suffix == nil || after == suffix { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    private static func isWordPart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static func opensRawText(_ characters: [Character], _ start: Int) -> Bool {
        var index = start
        while index < characters.count, characters[index] == "#" { index += 1 }
        return index < characters.count && characters[index] == "\""
    }

    private static func skipComment(
        _ characters: [Character],
        from start: Int,
        into code: inout [Character]
    ) -> Int {
        var index = start
        var depth = 0
        repeat {
            if characters[index] == "/", index + 1 < characters.count, characters[index + 1] == "*"
            {
                depth += 1
                index += 2
            } else if characters[index] == "*", index + 1 < characters.count,
                characters[index + 1] == "/"
            {
                depth -= 1
                index += 2
            } else {
                if characters[index].isNewline { code.append("\n") }
                index += 1
            }
        } while depth > 0 && index < characters.count
        return index
    }

    private static func skipText(
        _ characters: [Character],
        from start: Int,
        into code: inout [Character]
    ) -> Int {
        var index = start
        var hashes = 0
        while characters[index] == "#" {
            hashes += 1
            index += 1
        }
        func quotes(at position: Int) -> Int {
            var count = 0
            while position + count < characters.count, characters[position + count] == "\"" {
                count += 1
            }
            return count
        }
        // Two quotes and no third are an empty text.
        let opening = quotes(at: index)
        let width = opening >= 3 ? 3 : 1
        if opening == 2 { return index + 2 + hashes }
        index += width
        code.append("\"")
        while index < characters.count {
            let character = characters[index]
            if character == "\\", hashes == 0 {
                index = skipEscape(characters, from: index)
                continue
            }
            if character.isNewline {
                code.append("\n")
                if width == 1 { return index + 1 }
            }
            let closes =
                quotes(at: index) >= width
                && (0..<hashes).allSatisfy {
                    let position = index + width + $0
                    return position < characters.count && characters[position] == "#"
                }
            if closes {
                code.append("\"")
                return index + width + hashes
            }
            index += 1
        }
        return index
    }

    /// Past `\x`, or past a whole `\( )` with the texts and brackets inside it.
    private static func skipEscape(_ characters: [Character], from start: Int) -> Int {
        guard start + 1 < characters.count, characters[start + 1] == "(" else { return start + 2 }
        var index = start + 2
        var depth = 1
        var ignored: [Character] = []
        while index < characters.count, depth > 0 {
            switch characters[index] {
            case "(": depth += 1
            case ")": depth -= 1
            case "\"":
                index = skipText(characters, from: index, into: &ignored)
                continue
            default: break
            }
            index += 1
        }
        return index
    }
}
