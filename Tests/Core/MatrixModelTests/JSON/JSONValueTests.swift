import MatrixModel
import Testing

@Suite("JSON: small trees")
struct JSONValueTests {
    @Test("Literals read like the JSON they stand for")
    func literals() {
        let rule: JSONValue = [
            "rule_id": ".m.rule.master", "enabled": false, "actions": [], "n": nil, "count": 3,
        ]
        #expect(
            String(decoding: rule.serialized(), as: UTF8.self)
                == #"{"rule_id":".m.rule.master","enabled":false,"actions":[],"n":null,"count":3}"#
        )
    }

    @Test("A parsed tree is the written one")
    func parsing() throws {
        let value = try JSONValue(parsing: Array(#"{"b":[1,1.5,"x\n"],"a":{"t":true}}"#.utf8))
        #expect(value == ["b": [1, .double(1.5), "x\n"], "a": ["t": true]])
        #expect(value["b"]?.elements?.count == 3)
        #expect(value["a"]?["t"]?.bool == true)
        #expect(value["c"] == nil)
    }

    @Test("Setting a member replaces it in its place, adds it at the end, or removes it")
    func members() {
        var value: JSONValue = ["a": 1, "b": 2]
        value["a"] = 3
        value["c"] = 4
        value["b"] = .some(nil)
        #expect(value.members?.map(\.key) == ["a", "b", "c"])
        #expect(value["a"]?.integer == 3)
        value["b"] = Optional<JSONValue>.none
        #expect(value.members?.map(\.key) == ["a", "c"])
    }

    @Test("Names are compared byte by byte")
    func names() {
        var value = JSONValue.object([])
        value["\u{E9}"] = 1
        value["e\u{301}"] = 2
        #expect(value.members?.count == 2)
    }
}
