import Foundation

/// `Package.swift` as far as the boundary test needs it: what each target of ours depends on.
enum PackageManifest {
    /// The manifest's constants for products of packages, and the modules behind them.
    static let products = [
        "crypto": ["Crypto"], "logging": ["Logging"], "arguments": ["ArgumentParser"],
        "yams": ["Yams"],
        "nio": ["NIOCore", "NIOPosix", "NIOTLS", "NIOSSL", "NIOHTTP2", "NIOHPACK"],
    ]

    static func read() throws -> String {
        let path = SourceTree.root.appendingPathComponent("Package.swift")
        return try String(contentsOf: path, encoding: .utf8)
    }

    /// Modules that the target at `Sources/<path>` may import; nil when there is no such target.
    static func dependencies(of path: String, in manifest: String) -> Set<String>? {
        let parts = path.split(separator: "/").map(String.init)
        let (group, name) = (parts[0], parts[1])
        let helper = #"(?:pure|effectful)\(\s*""# + name + #"",\s*in: ""# + group + #"""#
        let plain =
            #"\.(?:executableTarget|target)\(\s*name: "\w+",\s*(?:dependencies: (\[[^\]]*\]),\s*)?"#
            + #"path: "Sources/"# + path + #"""#
        if let match = firstMatch(helper + #"(?:,\s*([^)]*))?\)"#, in: manifest)
            ?? firstMatch(plain, in: manifest)
        {
            return names(in: match)
        }
        return nil
    }

    /// The first group of a match; empty when the match has none.
    private static func firstMatch(_ pattern: String, in text: String) -> String? {
        guard let expression = try? NSRegularExpression(pattern: pattern),
            let match = expression.firstMatch(
                in: text,
                range: NSRange(text.startIndex..., in: text)
            )
        else { return nil }
        return Range(match.range(at: 1), in: text).map { String(text[$0]) } ?? ""
    }

    /// `["Raft", logging] + nio` as a set of modules.
    private static func names(in list: String) -> Set<String> {
        var result: Set<String> = []
        for word in list.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "\"" }) {
            if word.hasPrefix("\"") {
                result.insert(word.trimmingCharacters(in: ["\""]))
            } else {
                result.formUnion(products[String(word)] ?? ["unknown \(word)"])
            }
        }
        return result
    }
}
