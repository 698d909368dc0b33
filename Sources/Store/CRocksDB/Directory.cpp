#include "Directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "EncryptedFileSystem.h"
#include "include/CRocksDB.h"

namespace warbler {

using rocksdb::Status;

namespace {

bool HasPrefix(const std::string& text, const char* prefix) {
    return text.compare(0, strlen(prefix), prefix) == 0;
}

bool HasSuffix(const std::string& text, const char* suffix) {
    const size_t count = strlen(suffix);
    return text.size() >= count && text.compare(text.size() - count, count, suffix) == 0;
}

bool IsDatabaseFile(const std::string& name) {
    return name == "CURRENT" || name == "IDENTITY" || name == "LOG" || HasPrefix(name, "LOG.old") ||
           HasPrefix(name, "MANIFEST-") || HasPrefix(name, "OPTIONS-") || HasSuffix(name, ".sst") ||
           HasSuffix(name, ".log") || HasSuffix(name, ".blob") || HasSuffix(name, ".dbtmp");
}

Status SystemError(const std::string& what) {
    const int error = errno;
    const std::string text = what + ": " + strerror(error);
    if (error == ENOSPC || error == EDQUOT) return Status::NoSpace(text);
    return Status::IOError(text);
}

Status ReadStart(const std::string& path, StoredFile* file) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return SystemError(path);
    struct stat facts;
    if (fstat(fd, &facts) != 0) {
        Status status = SystemError(path);
        close(fd);
        return status;
    }
    file->bytes = static_cast<uint64_t>(facts.st_size);
    uint8_t start[kHeaderBytes];
    size_t filled = 0;
    while (filled < sizeof start) {
        const ssize_t count = pread(fd, start + filled, sizeof start - filled, filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            Status status = SystemError(path);
            close(fd);
            return status;
        }
        if (count == 0) break;
        filled += static_cast<size_t>(count);
    }
    close(fd);
    file->header_bytes = filled;
    file->encrypted = PeekHeader(start, filled, &file->header);
    file->is_zero = std::all_of(start, start + filled, [](uint8_t byte) { return byte == 0; });
    file->has_magic_so_far = memcmp(start, "WBLENC1\0", std::min<size_t>(filled, 8)) == 0;
    return Status::OK();
}

Status Quarantine(const std::string& directory, const std::string& name) {
    const std::string place = directory + "/quarantine";
    if (mkdir(place.c_str(), 0700) != 0 && errno != EEXIST) return SystemError(place);
    for (int copy = 0; copy < 10000; copy++) {
        const std::string to = place + "/" + name + "." + std::to_string(copy);
        if (access(to.c_str(), F_OK) == 0) continue;
        if (rename((directory + "/" + name).c_str(), to.c_str()) != 0) return SystemError(to);
        return Status::OK();
    }
    return Status::IOError("the quarantine is full: " + place);
}

}  // namespace

Status ListDatabaseFiles(const std::string& directory, std::vector<StoredFile>* out) {
    out->clear();
    DIR* entries = opendir(directory.c_str());
    if (entries == nullptr) {
        if (errno == ENOENT) return Status::OK();
        return SystemError(directory);
    }
    std::vector<std::string> names;
    while (const dirent* entry = readdir(entries)) {
        if (IsDatabaseFile(entry->d_name)) names.emplace_back(entry->d_name);
    }
    closedir(entries);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        StoredFile file;
        file.name = name;
        Status status = ReadStart(directory + "/" + name, &file);
        if (!status.ok()) {
            // RocksDB deletes obsolete files at any time.
            if (access((directory + "/" + name).c_str(), F_OK) != 0) continue;
            return status;
        }
        out->push_back(std::move(file));
    }
    return Status::OK();
}

Status PrepareEncryptedDirectory(const std::string& directory, const Keyring& keyring,
                                 bool read_only) {
    std::vector<StoredFile> files;
    Status status = ListDatabaseFiles(directory, &files);
    if (!status.ok()) return status;
    // Look at everything before touching anything: a store that is not ours stays as it is.
    for (const StoredFile& file : files) {
        if (file.bytes == 0) continue;
        const std::string path = directory + "/" + file.name;
        if (file.encrypted) {
            if (file.header_bytes == kHeaderBytes && !keyring.Holds(file.header.epoch)) {
                return Status::IOError(std::string(kTroubleUnknownEpoch) +
                                       " no data key of epoch " +
                                       std::to_string(file.header.epoch) + ": " + path);
            }
        } else if (!file.is_zero && !file.has_magic_so_far) {
            return Status::IOError(std::string(kTroublePlaintext) +
                                   " a plaintext file in an encrypted store: " + path);
        }
        if (file.name == "CURRENT" && (file.bytes < kHeaderBytes || file.is_zero)) {
            return Status::Corruption("torn: " + path);
        }
    }
    if (read_only) return Status::OK();
    for (const StoredFile& file : files) {
        if (file.bytes > 0 && file.bytes < kHeaderBytes) {
            status = Quarantine(directory, file.name);
            if (!status.ok()) return status;
        } else if ((file.name == "IDENTITY" || HasPrefix(file.name, "OPTIONS-")) &&
                   file.encrypted && file.header.epoch != keyring.Current()) {
            // RocksDB writes new ones (the identity is in the MANIFEST too) and reads neither;
            // left alone, they would need their old key for ever.
            if (unlink((directory + "/" + file.name).c_str()) != 0) {
                return SystemError(directory + "/" + file.name);
            }
        }
    }
    return Status::OK();
}

}  // namespace warbler
