// How the C face answers.
#pragma once

#include <rocksdb/status.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "FileCipher.h"
#include "InfoLog.h"
#include "include/CRocksDB.h"

struct wdb_keyring {
    std::shared_ptr<warbler::Keyring> ring;
};

namespace warbler {

inline wdb_result MakeResult(int32_t code, const std::string& message) {
    wdb_result result = {code, nullptr};
    if (code != WDB_OK) result.message = strdup(message.c_str());
    return result;
}

inline wdb_result MakeResult(const rocksdb::Status& status) {
    if (status.ok()) return {WDB_OK, nullptr};
    return MakeResult(CodeOf(status), WithoutKeys(status.ToString()));
}

inline const Keyring* KeyringOf(const wdb_keyring* ring) { return ring->ring.get(); }

// No exception crosses the C face.
template <typename Body>
wdb_result Guarded(Body body) {
    try {
        return body();
    } catch (const std::exception& error) {
        return MakeResult(WDB_IO_ERROR, WithoutKeys(error.what()));
    } catch (...) {
        return MakeResult(WDB_IO_ERROR, "an unknown failure in the store");
    }
}

}  // namespace warbler
