// Keys, headers and the key stream of encrypted files. Layout: Specs/Formats/EncryptedFile.md.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>

namespace warbler {

constexpr size_t kHeaderBytes = 4096;
constexpr size_t kKeyBytes = 32;
constexpr size_t kFileIDBytes = 32;
constexpr size_t kStoreIDBytes = 16;

using Digest = std::array<uint8_t, 32>;

Digest HMACSHA256(const uint8_t* key, size_t key_count, const uint8_t* data, size_t count);
// RFC 5869. `count` at most 255 * 32.
void HKDF(const uint8_t* ikm, size_t ikm_count, const uint8_t* salt, size_t salt_count,
          const std::string& info, uint8_t* out, size_t count);

// The key and counter block one file is encrypted with. Wiped when it goes.
struct FileKey {
    std::array<uint8_t, kKeyBytes> key{};
    std::array<uint8_t, 16> iv{};
    FileKey() = default;
    FileKey(const FileKey&) = default;
    FileKey& operator=(const FileKey&) = default;
    ~FileKey();
};

// What a file's first 4,096 bytes turned out to be.
enum class HeaderState {
    kValid,
    kZero,          // never reached the disk: the file holds nothing
    kPlaintext,     // no magic
    kUnsupported,   // a version or suite from a later release
    kUnknownEpoch,
    kWrongKey,      // does not authenticate
};

struct FileHeader {
    uint32_t epoch = 0;
    uint8_t file_class = 0;
    std::array<uint8_t, kStoreIDBytes> store_id{};
    std::array<uint8_t, kFileIDBytes> file_id{};
};

// Reads the fields without a key. False when there is no magic.
bool PeekHeader(const uint8_t* bytes, size_t count, FileHeader* out);

class Keyring {
 public:
    explicit Keyring(const uint8_t* store_id);
    ~Keyring();
    Keyring(const Keyring&) = delete;
    Keyring& operator=(const Keyring&) = delete;

    // False: another key under this epoch, or the ring is full.
    bool Add(uint32_t epoch, const uint8_t* key);
    bool SetCurrent(uint32_t epoch);
    bool Remove(uint32_t epoch);
    bool Holds(uint32_t epoch) const;
    bool HasCurrent() const;
    uint32_t Current() const;

    // Writes a fresh header under the current epoch; its file ID was never used before.
    // False when there is no current key or no randomness.
    bool NewFile(uint8_t file_class, uint8_t* header, FileKey* key, FileHeader* fields) const;
    // Authenticates a header before anything is derived from it.
    HeaderState OpenFile(const uint8_t* header, FileKey* key, FileHeader* fields) const;
    // The key of the tables' checksums in this epoch.
    bool TableMACKey(uint32_t epoch, Digest* key) const;

 private:
    struct Slot;
    const Slot* Find(uint32_t epoch) const;
    void DeriveFileKey(const Slot& slot, const FileHeader& fields, FileKey* out) const;

    mutable std::shared_mutex mutex_;
    std::array<uint8_t, kStoreIDBytes> store_id_;
    Slot* slots_ = nullptr;      // WDB_EPOCHS_MAX of them, locked in memory
    size_t mapped_bytes_ = 0;
    uint32_t current_ = 0;
    bool has_current_ = false;
};

// AES-256-CTR over one file, addressed by absolute offset (the header counts). Any thread may
// use it at any time: each keeps one cipher context and re-keys it when the file changes.
class CTRStream {
 public:
    explicit CTRStream(const FileKey& key);
    // Encrypts or decrypts, which is the same; `out` may equal `in`.
    bool Apply(uint64_t offset, const uint8_t* in, uint8_t* out, size_t count) const;

 private:
    FileKey key_;
    uint64_t number_;
};

}  // namespace warbler
