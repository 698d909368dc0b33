// The file objects of the encrypting file system.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <vector>

#include "FileCipher.h"

namespace warbler {

// A null stream in a reader: the file holds nothing, whatever bytes lie there.

class EncryptedSequentialFile : public rocksdb::FSSequentialFile {
 public:
    // `file` stands right behind the header.
    EncryptedSequentialFile(std::unique_ptr<rocksdb::FSSequentialFile> file,
                            std::unique_ptr<CTRStream> stream);
    rocksdb::IOStatus Read(size_t count, const rocksdb::IOOptions& options, rocksdb::Slice* result,
                           char* scratch, rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Skip(uint64_t count) override;
    rocksdb::IOStatus InvalidateCache(size_t offset, size_t length) override;

 private:
    std::unique_ptr<rocksdb::FSSequentialFile> file_;
    std::unique_ptr<CTRStream> stream_;
    uint64_t offset_ = kHeaderBytes;
};

class EncryptedRandomAccessFile : public rocksdb::FSRandomAccessFile {
 public:
    EncryptedRandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file,
                              std::unique_ptr<CTRStream> stream);
    rocksdb::IOStatus Read(uint64_t offset, size_t count, const rocksdb::IOOptions& options,
                           rocksdb::Slice* result, char* scratch,
                           rocksdb::IODebugContext* debug) const override;
    rocksdb::IOStatus Prefetch(uint64_t offset, size_t count, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
    size_t GetUniqueId(char* id, size_t max_size) const override;
    void Hint(AccessPattern pattern) override;
    rocksdb::IOStatus InvalidateCache(size_t offset, size_t length) override;

 private:
    std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
    std::unique_ptr<CTRStream> stream_;
};

class EncryptedWritableFile : public rocksdb::FSWritableFile {
 public:
    // A new file: the header goes out in front of the first byte, in the same breath, so a file
    // that never got a byte stays empty.
    EncryptedWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, const FileKey& key,
                          std::string header);
    // A file that exists and may only be synced.
    explicit EncryptedWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file);

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* debug) override {
        return Append(data, options, debug);
    }
    rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Flush(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override;
    bool IsSyncThreadSafe() const override;
    void SetWriteLifeTimeHint(rocksdb::Env::WriteLifeTimeHint hint) override;
    void SetIOPriority(rocksdb::Env::IOPriority priority) override;
    rocksdb::Env::IOPriority GetIOPriority() override;
    rocksdb::Env::WriteLifeTimeHint GetWriteLifeTimeHint() override;
    uint64_t GetFileSize(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override;
    void SetPreallocationBlockSize(size_t size) override;
    void GetPreallocationStatus(size_t* block_size, size_t* last_allocated_block) override;
    size_t GetUniqueId(char* id, size_t max_size) const override;
    rocksdb::IOStatus InvalidateCache(size_t offset, size_t length) override;
    rocksdb::IOStatus RangeSync(uint64_t offset, uint64_t count,
                                const rocksdb::IOOptions& options,
                                rocksdb::IODebugContext* debug) override;
    void PrepareWrite(size_t offset, size_t length, const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* debug) override;
    rocksdb::IOStatus Allocate(uint64_t offset, uint64_t length,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
    std::unique_ptr<rocksdb::FSWritableFile> file_;
    std::unique_ptr<CTRStream> stream_;
    std::string header_;              // until it is written
    uint64_t offset_ = kHeaderBytes;  // where the next byte goes; it only ever grows
    std::string refusal_;             // why nothing may be appended any more
};

}  // namespace warbler
