/// A named key space inside one database. A batch over several families is atomic.
///
/// The number is part of every stored batch, so it is fixed once per database and never reused:
/// a family that goes away leaves a hole. Number 0 is always `default`.
package struct ColumnFamily: Hashable, Sendable, CustomStringConvertible {
    package let id: UInt32
    package let name: String

    package init(id: UInt32, name: String) {
        precondition((id == 0) == (name == "default"), "family 0 is called default")
        self.id = id
        self.name = name
    }

    package static let `default` = ColumnFamily(id: 0, name: "default")
    package var description: String { name }
}
