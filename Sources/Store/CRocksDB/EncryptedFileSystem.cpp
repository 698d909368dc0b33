#include "EncryptedFileSystem.h"

#include <algorithm>

#include "EncryptedFiles.h"
#include "include/CRocksDB.h"

namespace warbler {

using rocksdb::FileOptions;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

const char* const kTroubleWrongKey = "header authentication failed";
const char* const kTroubleUnknownEpoch = "E-KEY-020";
const char* const kTroublePlaintext = "E-KEY-021";

namespace {

std::string BaseName(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

bool EndsWith(const std::string& text, const std::string& end) {
    return text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Pages read without going through a buffer could not be decrypted in place.
IOStatus RefuseMapped(const FileOptions& options) {
    if (options.use_mmap_reads || options.use_mmap_writes || options.use_direct_reads ||
        options.use_direct_writes) {
        return IOStatus::InvalidArgument("no mapped or direct I/O in an encrypted store");
    }
    return IOStatus::OK();
}

FileOptions Buffered(const FileOptions& options) {
    FileOptions buffered(options);
    // The struct's own default; RocksDB's database options set it to false before any file.
    buffered.use_mmap_writes = false;
    return buffered;
}

}  // namespace

uint8_t ClassOfFile(const std::string& path) {
    if (EndsWith(path, ".sst")) return WDB_CLASS_TABLE;
    if (EndsWith(path, ".log")) return WDB_CLASS_LOG;
    return WDB_CLASS_MANIFEST;
}

EncryptedFileSystem::EncryptedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                                         std::shared_ptr<Keyring> keyring)
    : FileSystemWrapper(base), keyring_(std::move(keyring)) {}

std::string EncryptedFileSystem::KeyTrouble() const {
    std::lock_guard lock(mutex_);
    return trouble_;
}

IOStatus EncryptedFileSystem::Trouble(const std::string& message) {
    {
        std::lock_guard lock(mutex_);
        if (trouble_.empty()) trouble_ = message;
    }
    return IOStatus::IOError(message);
}

IOStatus EncryptedFileSystem::OpenHeader(const std::string& path,
                                         std::unique_ptr<CTRStream>* stream) {
    stream->reset();
    FileOptions options;
    options.use_mmap_reads = false;
    options.use_mmap_writes = false;
    std::unique_ptr<FSSequentialFile> file;
    IOStatus status = target()->NewSequentialFile(path, options, &file, nullptr);
    if (!status.ok()) return status;

    std::string header(kHeaderBytes, '\0');
    size_t filled = 0;
    while (filled < kHeaderBytes) {
        Slice part;
        status = file->Read(kHeaderBytes - filled, IOOptions(), &part, &header[filled], nullptr);
        if (!status.ok()) return status;
        if (part.empty()) break;
        if (part.data() != &header[filled]) {
            std::copy(part.data(), part.data() + part.size(), &header[filled]);
        }
        filled += part.size();
    }
    if (filled == 0) return IOStatus::OK();
    const bool is_log = ClassOfFile(path) == WDB_CLASS_LOG;
    if (filled < kHeaderBytes) {
        // A log torn while it was being created holds no record anybody was promised.
        if (is_log) return IOStatus::OK();
        return IOStatus::Corruption("shorter than its header: " + path);
    }

    FileKey key;
    FileHeader fields;
    switch (keyring_->OpenFile(reinterpret_cast<const uint8_t*>(header.data()), &key, &fields)) {
        case HeaderState::kValid:
            *stream = std::make_unique<CTRStream>(key);
            return IOStatus::OK();
        case HeaderState::kZero:
            // Some file systems keep the length of an unsynced file and lose its bytes.
            if (is_log) return IOStatus::OK();
            return IOStatus::Corruption("the header is zero: " + path);
        case HeaderState::kPlaintext:
            return Trouble(std::string(kTroublePlaintext) +
                           " a plaintext file in an encrypted store: " + path);
        case HeaderState::kUnknownEpoch:
            return Trouble(std::string(kTroubleUnknownEpoch) + " no data key of epoch " +
                           std::to_string(fields.epoch) + ": " + path);
        case HeaderState::kWrongKey:
            return Trouble(std::string(kTroubleWrongKey) + " (wrong key or altered): " + path);
        case HeaderState::kUnsupported:
            return IOStatus::NotSupported("the file is from a later release: " + path);
    }
    return IOStatus::Corruption("unreachable");
}

IOStatus EncryptedFileSystem::NewSequentialFile(const std::string& path,
                                                const FileOptions& options,
                                                std::unique_ptr<FSSequentialFile>* result,
                                                IODebugContext* debug) {
    result->reset();
    if (IOStatus refused = RefuseMapped(Buffered(options)); !refused.ok()) return refused;
    std::unique_ptr<CTRStream> stream;
    IOStatus status = OpenHeader(path, &stream);
    if (!status.ok()) return status;
    std::unique_ptr<FSSequentialFile> file;
    status = target()->NewSequentialFile(path, Buffered(options), &file, debug);
    if (!status.ok()) return status;
    if (stream) {
        status = file->Skip(kHeaderBytes);
        if (!status.ok()) return status;
    }
    result->reset(new EncryptedSequentialFile(std::move(file), std::move(stream)));
    return IOStatus::OK();
}

IOStatus EncryptedFileSystem::NewRandomAccessFile(const std::string& path,
                                                  const FileOptions& options,
                                                  std::unique_ptr<FSRandomAccessFile>* result,
                                                  IODebugContext* debug) {
    result->reset();
    if (IOStatus refused = RefuseMapped(Buffered(options)); !refused.ok()) return refused;
    std::unique_ptr<CTRStream> stream;
    IOStatus status = OpenHeader(path, &stream);
    if (!status.ok()) return status;
    std::unique_ptr<FSRandomAccessFile> file;
    status = target()->NewRandomAccessFile(path, Buffered(options), &file, debug);
    if (!status.ok()) return status;
    result->reset(new EncryptedRandomAccessFile(std::move(file), std::move(stream)));
    return IOStatus::OK();
}

IOStatus EncryptedFileSystem::NewWritableFile(const std::string& path, const FileOptions& options,
                                              std::unique_ptr<FSWritableFile>* result,
                                              IODebugContext* debug) {
    result->reset();
    if (IOStatus refused = RefuseMapped(Buffered(options)); !refused.ok()) return refused;
    std::string header(kHeaderBytes, '\0');
    FileKey key;
    if (!keyring_->NewFile(ClassOfFile(path), reinterpret_cast<uint8_t*>(&header[0]), &key,
                           nullptr)) {
        return IOStatus::IOError("no current data key or no randomness for " + path);
    }
    std::unique_ptr<FSWritableFile> file;
    IOStatus status = target()->NewWritableFile(path, Buffered(options), &file, debug);
    if (!status.ok()) return status;
    result->reset(new EncryptedWritableFile(std::move(file), key, std::move(header)));
    return IOStatus::OK();
}

IOStatus EncryptedFileSystem::ReopenWritableFile(const std::string& path,
                                                 const FileOptions& options,
                                                 std::unique_ptr<FSWritableFile>* result,
                                                 IODebugContext* debug) {
    result->reset();
    if (!target()->FileExists(path, IOOptions(), debug).ok()) {
        return NewWritableFile(path, options, result, debug);
    }
    std::unique_ptr<CTRStream> stream;
    IOStatus status = OpenHeader(path, &stream);
    if (!status.ok()) return status;
    std::unique_ptr<FSWritableFile> file;
    status = target()->ReopenWritableFile(path, Buffered(options), &file, debug);
    if (!status.ok()) return status;
    result->reset(new EncryptedWritableFile(std::move(file)));
    return IOStatus::OK();
}

IOStatus EncryptedFileSystem::ReuseWritableFile(const std::string&, const std::string&,
                                                const FileOptions&,
                                                std::unique_ptr<FSWritableFile>* result,
                                                IODebugContext*) {
    result->reset();
    return IOStatus::NotSupported("an encrypted file is written once and not reused");
}

IOStatus EncryptedFileSystem::NewRandomRWFile(const std::string&, const FileOptions&,
                                              std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                              IODebugContext*) {
    result->reset();
    return IOStatus::NotSupported("an encrypted file is not written in place");
}

IOStatus EncryptedFileSystem::NewMemoryMappedFileBuffer(
    const std::string&, std::unique_ptr<rocksdb::MemoryMappedFileBuffer>* result) {
    result->reset();
    return IOStatus::NotSupported("an encrypted file cannot be mapped");
}

IOStatus EncryptedFileSystem::GetFileSize(const std::string& path, const IOOptions& options,
                                          uint64_t* size, IODebugContext* debug) {
    IOStatus status = target()->GetFileSize(path, options, size, debug);
    if (status.ok()) *size = *size < kHeaderBytes ? 0 : *size - kHeaderBytes;
    return status;
}

IOStatus EncryptedFileSystem::GetChildrenFileAttributes(
    const std::string& directory, const IOOptions& options,
    std::vector<rocksdb::FileAttributes>* result, IODebugContext* debug) {
    IOStatus status = target()->GetChildrenFileAttributes(directory, options, result, debug);
    if (!status.ok()) return status;
    for (rocksdb::FileAttributes& file : *result) {
        file.size_bytes = file.size_bytes < kHeaderBytes ? 0 : file.size_bytes - kHeaderBytes;
    }
    return status;
}

}  // namespace warbler
