/// What a path carries in the `{places}` of its route, decoded.
package struct PathParameters: Sendable, Equatable {
    let names: [String]
    package let values: [String]

    init(names: [String] = [], values: [String] = []) {
        precondition(names.count == values.count, "each place has its value")
        self.names = names
        self.values = values
    }

    package var count: Int { values.count }

    /// The value at a place of the template, or nil where the template has no such place.
    package subscript(name: String) -> String? {
        for index in names.indices where names[index] == name { return values[index] }
        return nil
    }

    /// The value of the n-th place, counted from 0.
    package subscript(index: Int) -> String { values[index] }
}
