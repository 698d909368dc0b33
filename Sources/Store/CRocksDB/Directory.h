// A database directory looked at file by file, without RocksDB.
#pragma once

#include <rocksdb/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "FileCipher.h"

namespace warbler {

struct StoredFile {
    std::string name;
    uint64_t bytes = 0;
    size_t header_bytes = 0;      // how much of a header there was to read
    bool encrypted = false;
    bool is_zero = false;         // what there was of a header is all zero
    bool has_magic_so_far = false;
    FileHeader header;
};

// The files whose names RocksDB could have given, sorted. An absent directory has none.
rocksdb::Status ListDatabaseFiles(const std::string& directory, std::vector<StoredFile>* out);

// Makes a directory safe to open: RocksDB aborts on a file shorter than its header, and takes a
// missing CURRENT for a new database. Torn files go to `quarantine/`; a plaintext file, an
// unknown epoch or a torn CURRENT is an error. With `read_only` nothing is moved.
rocksdb::Status PrepareEncryptedDirectory(const std::string& directory, const Keyring& keyring,
                                          bool read_only);

}  // namespace warbler
