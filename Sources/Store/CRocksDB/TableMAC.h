#pragma once

#include <rocksdb/file_checksum.h>

#include <memory>

#include "FileCipher.h"

namespace warbler {

// A keyed checksum of every table, kept in the MANIFEST and checked in scrubs and at ingestion.
// The block checksums inside a table are not keyed: whoever can write to the disk can change
// bits of the stream and mend them too.
std::shared_ptr<rocksdb::FileChecksumGenFactory> NewTableMACFactory(
    std::shared_ptr<Keyring> keyring);

}  // namespace warbler
