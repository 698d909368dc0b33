#include "EncryptedFiles.h"

#include <algorithm>
#include <cstring>

namespace warbler {

using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// Encrypted in pieces, so that a thread needs no more than this however large a write is.
constexpr size_t kPieceBytes = 64 * 1024;

IOStatus CipherFailed() { return IOStatus::IOError("the cipher library failed"); }

// Decrypts what the base file read, into `scratch`.
IOStatus Decrypt(const CTRStream& stream, uint64_t offset, Slice* result, char* scratch) {
    if (!stream.Apply(offset, reinterpret_cast<const uint8_t*>(result->data()),
                      reinterpret_cast<uint8_t*>(scratch), result->size())) {
        *result = Slice();
        return CipherFailed();
    }
    *result = Slice(scratch, result->size());
    return IOStatus::OK();
}

}  // namespace

// MARK: sequential

EncryptedSequentialFile::EncryptedSequentialFile(std::unique_ptr<FSSequentialFile> file,
                                                 std::unique_ptr<CTRStream> stream)
    : file_(std::move(file)), stream_(std::move(stream)) {}

IOStatus EncryptedSequentialFile::Read(size_t count, const IOOptions& options, Slice* result,
                                       char* scratch, IODebugContext* debug) {
    *result = Slice(scratch, 0);
    if (!stream_) return IOStatus::OK();
    IOStatus status = file_->Read(count, options, result, scratch, debug);
    if (!status.ok()) return status;
    status = Decrypt(*stream_, offset_, result, scratch);
    offset_ += result->size();
    return status;
}

IOStatus EncryptedSequentialFile::Skip(uint64_t count) {
    if (!stream_) return IOStatus::OK();
    IOStatus status = file_->Skip(count);
    if (status.ok()) offset_ += count;
    return status;
}

IOStatus EncryptedSequentialFile::InvalidateCache(size_t offset, size_t length) {
    return file_->InvalidateCache(offset + kHeaderBytes, length);
}

// MARK: random access

EncryptedRandomAccessFile::EncryptedRandomAccessFile(std::unique_ptr<FSRandomAccessFile> file,
                                                     std::unique_ptr<CTRStream> stream)
    : file_(std::move(file)), stream_(std::move(stream)) {}

IOStatus EncryptedRandomAccessFile::Read(uint64_t offset, size_t count, const IOOptions& options,
                                         Slice* result, char* scratch,
                                         IODebugContext* debug) const {
    *result = Slice(scratch, 0);
    if (!stream_) return IOStatus::OK();
    if (offset > UINT64_MAX - kHeaderBytes) return IOStatus::InvalidArgument("read past the end");
    IOStatus status =
        file_->Read(offset + kHeaderBytes, count, options, result, scratch, debug);
    if (!status.ok()) return status;
    return Decrypt(*stream_, offset + kHeaderBytes, result, scratch);
}

IOStatus EncryptedRandomAccessFile::Prefetch(uint64_t offset, size_t count,
                                             const IOOptions& options, IODebugContext* debug) {
    return file_->Prefetch(offset + kHeaderBytes, count, options, debug);
}

size_t EncryptedRandomAccessFile::GetUniqueId(char* id, size_t max_size) const {
    return file_->GetUniqueId(id, max_size);
}

void EncryptedRandomAccessFile::Hint(AccessPattern pattern) { file_->Hint(pattern); }

IOStatus EncryptedRandomAccessFile::InvalidateCache(size_t offset, size_t length) {
    return file_->InvalidateCache(offset + kHeaderBytes, length);
}

// MARK: writable

EncryptedWritableFile::EncryptedWritableFile(std::unique_ptr<FSWritableFile> file,
                                             const FileKey& key, std::string header)
    : file_(std::move(file)),
      stream_(std::make_unique<CTRStream>(key)),
      header_(std::move(header)) {}

EncryptedWritableFile::EncryptedWritableFile(std::unique_ptr<FSWritableFile> file)
    : file_(std::move(file)), refusal_("an encrypted file is written once; this one exists") {}

IOStatus EncryptedWritableFile::Append(const Slice& data, const IOOptions& options,
                                       IODebugContext* debug) {
    if (data.empty()) return IOStatus::OK();
    if (!refusal_.empty()) return IOStatus::NotSupported(refusal_);
    if (!header_.empty()) {
        IOStatus status = file_->Append(header_, options, debug);
        if (!status.ok()) {
            // Part of it may be out; a second try would put it behind that part.
            refusal_ = "the header could not be written";
            return status;
        }
        header_.clear();
    }
    thread_local std::vector<uint8_t> piece(kPieceBytes);
    const uint8_t* next = reinterpret_cast<const uint8_t*>(data.data());
    size_t left = data.size();
    while (left > 0) {
        const size_t step = std::min(left, kPieceBytes);
        if (!stream_->Apply(offset_, next, piece.data(), step)) {
            refusal_ = "the cipher library failed";
            return CipherFailed();
        }
        // Counted before the write: after a failed one, those positions have seen key stream.
        offset_ += step;
        IOStatus status =
            file_->Append(Slice(reinterpret_cast<char*>(piece.data()), step), options, debug);
        if (!status.ok()) {
            refusal_ = "an earlier write failed";
            return status;
        }
        next += step;
        left -= step;
    }
    return IOStatus::OK();
}

IOStatus EncryptedWritableFile::Truncate(uint64_t size, const IOOptions& options,
                                         IODebugContext* debug) {
    if (!header_.empty()) {
        return size == 0 ? IOStatus::OK() : IOStatus::InvalidArgument("truncating upwards");
    }
    if (size + kHeaderBytes < offset_) refusal_ = "the file was cut: its end was used before";
    return file_->Truncate(size + kHeaderBytes, options, debug);
}

IOStatus EncryptedWritableFile::Close(const IOOptions& options, IODebugContext* debug) {
    return file_->Close(options, debug);
}
IOStatus EncryptedWritableFile::Flush(const IOOptions& options, IODebugContext* debug) {
    return file_->Flush(options, debug);
}
IOStatus EncryptedWritableFile::Sync(const IOOptions& options, IODebugContext* debug) {
    return file_->Sync(options, debug);
}
IOStatus EncryptedWritableFile::Fsync(const IOOptions& options, IODebugContext* debug) {
    return file_->Fsync(options, debug);
}
bool EncryptedWritableFile::IsSyncThreadSafe() const { return file_->IsSyncThreadSafe(); }
void EncryptedWritableFile::SetWriteLifeTimeHint(rocksdb::Env::WriteLifeTimeHint hint) {
    file_->SetWriteLifeTimeHint(hint);
}
void EncryptedWritableFile::SetIOPriority(rocksdb::Env::IOPriority priority) {
    file_->SetIOPriority(priority);
}
rocksdb::Env::IOPriority EncryptedWritableFile::GetIOPriority() { return file_->GetIOPriority(); }
rocksdb::Env::WriteLifeTimeHint EncryptedWritableFile::GetWriteLifeTimeHint() {
    return file_->GetWriteLifeTimeHint();
}

uint64_t EncryptedWritableFile::GetFileSize(const IOOptions& options, IODebugContext* debug) {
    const uint64_t raw = file_->GetFileSize(options, debug);
    return raw < kHeaderBytes ? 0 : raw - kHeaderBytes;
}

void EncryptedWritableFile::SetPreallocationBlockSize(size_t size) {
    file_->SetPreallocationBlockSize(size);
}
void EncryptedWritableFile::GetPreallocationStatus(size_t* block_size,
                                                   size_t* last_allocated_block) {
    file_->GetPreallocationStatus(block_size, last_allocated_block);
}
size_t EncryptedWritableFile::GetUniqueId(char* id, size_t max_size) const {
    return file_->GetUniqueId(id, max_size);
}
IOStatus EncryptedWritableFile::InvalidateCache(size_t offset, size_t length) {
    return file_->InvalidateCache(offset + kHeaderBytes, length);
}
IOStatus EncryptedWritableFile::RangeSync(uint64_t offset, uint64_t count,
                                          const IOOptions& options, IODebugContext* debug) {
    // The header goes with the first range.
    return offset == 0 ? file_->RangeSync(0, count + kHeaderBytes, options, debug)
                       : file_->RangeSync(offset + kHeaderBytes, count, options, debug);
}
void EncryptedWritableFile::PrepareWrite(size_t offset, size_t length, const IOOptions& options,
                                         IODebugContext* debug) {
    file_->PrepareWrite(offset + kHeaderBytes, length, options, debug);
}
IOStatus EncryptedWritableFile::Allocate(uint64_t offset, uint64_t length,
                                         const IOOptions& options, IODebugContext* debug) {
    return file_->Allocate(offset + kHeaderBytes, length, options, debug);
}

}  // namespace warbler
