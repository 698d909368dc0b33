import CRocksDB
import KeyValue

extension StoreError.Code {
    /// What a code of the C face says; an unknown one is an I/O error.
    init(face: Int32) {
        switch Int(face) {
        case WDB_CORRUPTION: self = .corruption
        case WDB_NO_SPACE: self = .noSpace
        case WDB_WRONG_KEY: self = .wrongKey
        case WDB_UNKNOWN_EPOCH: self = .unknownEpoch
        case WDB_PLAINTEXT: self = .plaintext
        case WDB_BUSY: self = .busy
        case WDB_INVALID: self = .invalid
        case WDB_CLOSED: self = .closed
        case WDB_NOT_FOUND: self = .notFound
        default: self = .ioError
        }
    }
}

/// Throws what a call of the C face answered, unless that was "fine".
@inline(__always)
func check(_ result: wdb_result) throws(StoreError) {
    if result.code != WDB_OK { throw failure(result) }
}

@inline(never)
private func failure(_ result: wdb_result) -> StoreError {
    let message = result.message.map { String(cString: $0) } ?? ""
    wdb_free(result.message)
    return StoreError(.init(face: result.code), message)
}
