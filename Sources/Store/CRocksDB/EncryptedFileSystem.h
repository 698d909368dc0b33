#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <mutex>
#include <string>

#include "FileCipher.h"

namespace warbler {

// What a database file is, by the name RocksDB gives it. `kManifest` also stands for its small
// companions (CURRENT, IDENTITY, OPTIONS and their temporary names).
uint8_t ClassOfFile(const std::string& path);

// Every file RocksDB reads or writes passes through here and is encrypted.
//
// A file is written once, from its beginning, by one opener: whatever would write the same
// position twice under one key (reuse, append after reopening, random writes, truncation
// followed by an append) is refused. A missing or foreign header is an error that names the
// file, never a guess.
class EncryptedFileSystem : public rocksdb::FileSystemWrapper {
 public:
    EncryptedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                        std::shared_ptr<Keyring> keyring);

    const char* Name() const override { return "WarblerEncryptedFileSystem"; }

    rocksdb::IOStatus NewSequentialFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                          rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewWritableFile(const std::string& path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* debug) override;
    // The file as it is, for a sync only: appending to it is refused.
    rocksdb::IOStatus ReopenWritableFile(const std::string& path,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* result,
                                         rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* result,
                                        rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewRandomRWFile(const std::string& path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus NewMemoryMappedFileBuffer(
        const std::string& path,
        std::unique_ptr<rocksdb::MemoryMappedFileBuffer>* result) override;
    rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options,
                                  uint64_t* size, rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus GetChildrenFileAttributes(const std::string& directory,
                                                const rocksdb::IOOptions& options,
                                                std::vector<rocksdb::FileAttributes>* result,
                                                rocksdb::IODebugContext* debug) override;

    // The first key trouble met, or empty. RocksDB rewraps errors; the cause must survive that.
    std::string KeyTrouble() const;

 private:
    // Reads and authenticates a header. A null stream in an OK answer: the file reads as empty.
    rocksdb::IOStatus OpenHeader(const std::string& path, std::unique_ptr<CTRStream>* stream);
    rocksdb::IOStatus Trouble(const std::string& message);

    std::shared_ptr<Keyring> keyring_;
    mutable std::mutex mutex_;
    std::string trouble_;
};

// The words by which errors of this file system are told apart at the C face.
extern const char* const kTroubleWrongKey;
extern const char* const kTroubleUnknownEpoch;
extern const char* const kTroublePlaintext;

}  // namespace warbler
