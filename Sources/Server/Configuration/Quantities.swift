/// Sizes as people write them: `1048576`, `64 KiB`, `1 GiB`.
enum ByteCount {
    private static let units: [(suffix: String, shift: Int)] = [
        ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0),
    ]

    static func parse(_ text: String) -> Int? {
        for unit in units where text.hasSuffix(unit.suffix) {
            let digits = text.dropLast(unit.suffix.count)
            let trimmed = digits.last == " " ? digits.dropLast() : digits
            guard let number = Int(trimmed), number >= 0, number <= Int.max >> unit.shift else {
                return nil
            }
            return number << unit.shift
        }
        guard let number = Int(text), number >= 0 else { return nil }
        return number
    }

    static func text(_ count: Int) -> String {
        for unit in units where count >= 1 << unit.shift && count % (1 << unit.shift) == 0 {
            return unit.shift == 0 ? String(count) : "\(count >> unit.shift) \(unit.suffix)"
        }
        return String(count)
    }
}

/// A number without a pointless `.0`.
func shortText(_ value: Double) -> String {
    value == value.rounded() && value < 1e15 ? String(Int(value)) : String(value)
}
