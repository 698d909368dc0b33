package import KeyValue

extension ColumnFamily {
    /// All tables of the `state` database: told apart by the first byte of the key, so that one
    /// flush moves them together.
    package static let state = ColumnFamily.default
}
