import MatrixRules
import Testing

@Suite("Glob patterns")
struct GlobTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let pattern: String
        let text: String
        let matches: Bool
        init(_ pattern: String, _ text: String, _ matches: Bool) {
            self.pattern = pattern
            self.text = text
            self.matches = matches
        }
        var testDescription: String { "\(pattern) on \(text.prefix(40)): \(matches)" }
    }

    static let whole: [Case] = [
        Case("lunc?*", "Lunch plans", true),
        Case("lunc?*", "LUNCH", true),
        Case("lunc?*", " lunch", false),
        Case("lunc?*", "lunc", false),
        Case("m.room.message", "m.room.message", true),
        Case("m.room.message", "M.Room.MESSAGE", true),
        Case("m.room.message", "m.room.messages", false),
        Case("m.room.message", "m.room.messag", false),
        Case("m.room.message", "mxroomxmessage", false),
        Case("m.room.*", "m.room.", true),
        Case("*", "", true),
        Case("*", "anything", true),
        Case("**", "", true),
        Case("?", "", false),
        Case("?", "é", true),
        Case("?", "日", true),
        Case("??", "日", false),
        Case("", "", true),
        Case("", "a", false),
        Case("a*b*c", "abc", true),
        Case("a*b*c", "aXXbYYc", true),
        Case("a*b*c", "aXXbYY", false),
        Case("*foo*bar", "xfoo_foobar", true),
        Case("ÄRGER", "ärger", true),
        Case("ärg?r", "ÄRGER", true),
        Case("straße", "STRASSE", false),
        Case("[a-z]", "b", false),
        Case("[a-z]", "[A-Z]", true),
        Case("\\*", "\\anything", true),
        Case(String(repeating: "a", count: 200), String(repeating: "A", count: 200), true),
        Case(String(repeating: "a?", count: 100), String(repeating: "AB", count: 100), true),
        Case(String(repeating: "a?", count: 100), String(repeating: "AB", count: 99), false),
        Case(
            "*" + String(repeating: "ab", count: 90) + "*",
            String(repeating: "ab", count: 91),
            true
        ),
    ]

    @Test("A pattern covers the whole value", arguments: whole)
    func matchesWhole(_ row: Case) {
        #expect(Glob(row.pattern).matches(row.text) == row.matches)
    }

    static let words: [Case] = [
        Case("ex*ple", "An example event.", true),
        Case("ex*ple", "exple", true),
        Case("ex*ple", "An exciting triple-whammy", true),
        Case("cake", "I like cake", true),
        Case("cake", "cakes are fine", false),
        Case("cake", "pancake", false),
        Case("cake", "CAKE!", true),
        Case("cake", "cake_stand", false),
        Case("cake", "cake-stand", true),
        Case("cake", "(cake)", true),
        Case("cake", "pancake, cake", true),
        Case("cake", "カcakeキ", true),
        Case("ca?e", "a cave", true),
        Case("@room", "hello @room", true),
        Case("@room", "hello@room", true),
        Case("@room", "@roommate", false),
        Case("foo bar", "a foo bar b", true),
        Case("", "", true),
        Case("", "text", false),
        Case("*", "", true),
        Case("*", "text", true),
        Case("ca*", "a cake_stand", true),
        Case("*ke", "cakes and cake", true),
        Case("*ke", "cakes", false),
        Case("東京", "私は東京に行く", true),
        Case("caf", "café", true),
        Case("alice", "al ice", false),
        Case("i", "I", true),
        Case(
            String(repeating: "w", count: 70),
            "a " + String(repeating: "W", count: 70) + ".",
            true
        ),
        Case(String(repeating: "w", count: 70), String(repeating: "W", count: 71), false),
    ]

    @Test("A pattern covers words of a body", arguments: words)
    func matchesWord(_ row: Case) {
        #expect(Glob(row.pattern).matchesWord(in: row.text) == row.matches)
    }

    @Test("Patterns made to explode a backtracking matcher take linear time")
    func hostilePatterns() {
        let glob = Glob(String(repeating: "*a", count: 120) + "*b")
        let text = String(repeating: "a", count: 60_000)
        let elapsed = ContinuousClock().measure { #expect(!glob.matches(text)) }
        #expect(elapsed < .seconds(2))
        let words = ContinuousClock().measure { #expect(!glob.matchesWord(in: text)) }
        #expect(words < .seconds(2))
    }

    @Test("The automaton agrees with a plain recursive matcher")
    func agreesWithOracle() {
        var seed: UInt64 = 7
        func next(_ bound: UInt64) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((seed >> 33) % bound)
        }
        for round in 0..<4_000 {
            let alphabet = Array("ab?*. ")
            // Every fourth round is padded past one machine word.
            let padding = round % 4 == 0 ? String(repeating: "x", count: 66) : ""
            let pattern = padding + String((0..<next(7)).map { _ in alphabet[next(6)] })
            let text = padding + String((0..<next(9)).map { _ in Array("aAb. ")[next(5)] })
            let glob = Glob(pattern)
            #expect(
                glob.matches(text) == oracle(Array(pattern)[...], Array(text.lowercased())[...]),
                "\(pattern) on \(text)"
            )
            #expect(
                glob.matchesWord(in: text) == wordOracle(pattern, text),
                "\(pattern) in \(text)"
            )
        }
    }

    private func oracle(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let head = pattern.first else { return text.isEmpty }
        if head == "*" {
            return oracle(pattern.dropFirst(), text)
                || (!text.isEmpty && oracle(pattern, text.dropFirst()))
        }
        guard let first = text.first, head == "?" || head == first else { return false }
        return oracle(pattern.dropFirst(), text.dropFirst())
    }

    private func wordOracle(_ pattern: String, _ text: String) -> Bool {
        let characters = Array(text.lowercased())
        if pattern.isEmpty { return characters.isEmpty }
        func isWord(_ index: Int) -> Bool {
            characters.indices.contains(index)
                && (characters[index].isLetter || characters[index].isNumber)
        }
        func isBoundary(_ index: Int) -> Bool { !isWord(index) || !isWord(index - 1) }
        for start in 0...characters.count where isBoundary(start) {
            for end in start...characters.count where isBoundary(end) {
                // An empty stretch of text is no word, unless there is nothing else.
                if start == end, !characters.isEmpty { continue }
                if oracle(Array(pattern)[...], characters[start..<end]) { return true }
            }
        }
        return false
    }
}
