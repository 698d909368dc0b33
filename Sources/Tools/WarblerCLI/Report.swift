import AdminProtocol

/// Lays an answer out for a person: members one below the other, lists of objects as tables.
enum Report {
    static func text(_ value: AdminValue) -> String {
        lines(value, indent: "").joined(separator: "\n")
    }

    /// `records 120000, percent 40`
    static func oneLine(_ value: AdminValue) -> String {
        guard let members = value.object else { return scalar(value) }
        return members.map { "\($0.name) \(scalar($0.value))" }.joined(separator: ", ")
    }

    private static func lines(_ value: AdminValue, indent: String) -> [String] {
        switch value {
        case .object(let members): group(members, indent: indent)
        case .array(let items): list(items, indent: indent)
        default: [indent + scalar(value)]
        }
    }

    private static func group(_ members: [AdminValue.Member], indent: String) -> [String] {
        let simple = members.filter { !isNested($0.value) }
        let width = simple.map(\.name.count).max() ?? 0
        var result: [String] = []
        for member in members {
            if isNested(member.value) {
                result.append("\(indent)\(label(member.name)):")
                result += lines(member.value, indent: indent + "  ")
            } else {
                let name = padded(label(member.name), to: width)
                result.append("\(indent)\(name)  \(scalar(member.value))")
            }
        }
        return result
    }

    private static func list(_ items: [AdminValue], indent: String) -> [String] {
        let rows = items.compactMap(\.object)
        guard !rows.isEmpty, rows.count == items.count else {
            return items.isEmpty ? [indent + "none"] : items.map { indent + scalar($0) }
        }
        var columns: [String] = []
        for row in rows {
            for member in row where !columns.contains(member.name) { columns.append(member.name) }
        }
        var table = [columns.map { label($0).uppercased() }]
        for row in rows {
            table.append(
                columns.map { column in
                    row.first { $0.name == column }.map { scalar($0.value) } ?? ""
                }
            )
        }
        let widths = columns.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += column == row.count - 1 ? cell : padded(cell, to: widths[column] + 2)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    private static func isNested(_ value: AdminValue) -> Bool {
        switch value {
        case .object(let members): !members.isEmpty
        case .array(let items): !items.isEmpty
        default: false
        }
    }

    private static func scalar(_ value: AdminValue) -> String {
        switch value {
        case .null: "-"
        case .bool(let flag): flag ? "yes" : "no"
        case .string(let text): printable(text)
        case .array(let items) where items.isEmpty: "none"
        case .object(let members) where members.isEmpty: "none"
        default: value.json()
        }
    }

    /// Names come from users: control characters could rewrite the terminal.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map {
                    let isControl =
                        $0.value < 0x20 || (0x7F...0x9F).contains($0.value)
                        || (0x202A...0x202E).contains($0.value)
                        || (0x2066...0x2069).contains($0.value)
                    return isControl ? "\u{FFFD}" : $0
                }
            )
        )
    }

    private static func label(_ name: String) -> String {
        String(name.map { $0 == "_" ? " " : $0 })
    }

    private static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
