#include "FileCipher.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <new>

#include "include/CRocksDB.h"

namespace warbler {

namespace {

constexpr char kMagic[8] = {'W', 'B', 'L', 'E', 'N', 'C', '1', 0};
constexpr uint16_t kVersion = 1;
constexpr uint16_t kSuite = 1;
constexpr size_t kTagOffset = 96;
constexpr size_t kTagBytes = 32;

void Store(uint8_t* at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) {
        at[i] = static_cast<uint8_t>(value >> (8 * (width - 1 - i)));
    }
}

uint64_t Load(const uint8_t* at, size_t width) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value = value << 8 | at[i];
    return value;
}

// The tag covers the header without the tag itself.
Digest HeaderTag(const uint8_t* header_key, const uint8_t* header) {
    std::array<uint8_t, kHeaderBytes - kTagBytes> covered;
    memcpy(covered.data(), header, kTagOffset);
    memcpy(covered.data() + kTagOffset, header + kTagOffset + kTagBytes,
           kHeaderBytes - kTagOffset - kTagBytes);
    return HMACSHA256(header_key, kKeyBytes, covered.data(), covered.size());
}

// The machine's boot, so that a restored memory image alone cannot repeat an ID.
const std::string& BootID() {
    static const std::string id = [] {
        char text[64] = {0};
        if (FILE* file = fopen("/proc/sys/kernel/random/boot_id", "r")) {
            if (fgets(text, sizeof text, file) == nullptr) text[0] = 0;
            fclose(file);
        }
        return std::string(text);
    }();
    return id;
}

// 256 bits that no other file of any store carries. The kernel's generator alone would do on
// sound machines; the rest guards against a machine resumed twice from one memory image.
bool NewFileID(std::array<uint8_t, kFileIDBytes>* out) {
    static std::atomic<uint64_t> counter{0};
    struct {
        uint8_t kernel[32];
        uint8_t library[32];
        timespec wall, since_boot;
        uint64_t counter;
        pid_t process;
    } seed;
    memset(&seed, 0, sizeof seed);
    if (getrandom(seed.kernel, sizeof seed.kernel, 0) != sizeof seed.kernel) return false;
    if (RAND_bytes(seed.library, sizeof seed.library) != 1) return false;
    clock_gettime(CLOCK_REALTIME, &seed.wall);
    clock_gettime(CLOCK_BOOTTIME, &seed.since_boot);
    seed.counter = counter.fetch_add(1);
    seed.process = getpid();
    const std::string& boot = BootID();
    Digest id = HMACSHA256(reinterpret_cast<const uint8_t*>(boot.data()), boot.size(),
                           reinterpret_cast<const uint8_t*>(&seed), sizeof seed);
    memcpy(out->data(), id.data(), id.size());
    OPENSSL_cleanse(&seed, sizeof seed);
    return true;
}

}  // namespace

Digest HMACSHA256(const uint8_t* key, size_t key_count, const uint8_t* data, size_t count) {
    Digest digest{};
    unsigned int written = 0;
    const uint8_t none = 0;
    if (HMAC(EVP_sha256(), key_count ? key : &none, static_cast<int>(key_count), data, count,
             digest.data(), &written) == nullptr) {
        abort();  // out of memory inside OpenSSL: no answer would be a safe one
    }
    return digest;
}

void HKDF(const uint8_t* ikm, size_t ikm_count, const uint8_t* salt, size_t salt_count,
          const std::string& info, uint8_t* out, size_t count) {
    const Digest no_salt{};
    Digest prk = salt_count ? HMACSHA256(salt, salt_count, ikm, ikm_count)
                            : HMACSHA256(no_salt.data(), no_salt.size(), ikm, ikm_count);
    Digest block{};
    size_t done = 0;
    for (uint8_t number = 1; done < count; number++) {
        std::string input;
        if (number > 1) input.assign(reinterpret_cast<char*>(block.data()), block.size());
        input += info;
        input.push_back(static_cast<char>(number));
        block = HMACSHA256(prk.data(), prk.size(), reinterpret_cast<const uint8_t*>(input.data()),
                           input.size());
        const size_t take = std::min(block.size(), count - done);
        memcpy(out + done, block.data(), take);
        done += take;
        OPENSSL_cleanse(&input[0], input.size());
    }
    OPENSSL_cleanse(prk.data(), prk.size());
    OPENSSL_cleanse(block.data(), block.size());
}

FileKey::~FileKey() {
    OPENSSL_cleanse(key.data(), key.size());
    OPENSSL_cleanse(iv.data(), iv.size());
}

bool PeekHeader(const uint8_t* bytes, size_t count, FileHeader* out) {
    if (count < kTagOffset || memcmp(bytes, kMagic, sizeof kMagic) != 0) return false;
    out->epoch = static_cast<uint32_t>(Load(bytes + 12, 4));
    memcpy(out->store_id.data(), bytes + 16, kStoreIDBytes);
    memcpy(out->file_id.data(), bytes + 32, kFileIDBytes);
    out->file_class = bytes[72];
    return true;
}

// MARK: key ring

struct Keyring::Slot {
    uint8_t key[kKeyBytes];
    uint8_t header_key[kKeyBytes];
    uint32_t epoch;
    bool used;
};

Keyring::Keyring(const uint8_t* store_id) {
    memcpy(store_id_.data(), store_id, kStoreIDBytes);
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_bytes_ = (sizeof(Slot) * WDB_EPOCHS_MAX + page - 1) / page * page;
    void* memory =
        mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    // Best effort: a container may forbid locking, and the host's own limits then decide.
    (void)mlock(memory, mapped_bytes_);
    (void)madvise(memory, mapped_bytes_, MADV_DONTDUMP);
    slots_ = static_cast<Slot*>(memory);
}

Keyring::~Keyring() {
    OPENSSL_cleanse(slots_, mapped_bytes_);
    munmap(slots_, mapped_bytes_);
}

const Keyring::Slot* Keyring::Find(uint32_t epoch) const {
    for (size_t i = 0; i < WDB_EPOCHS_MAX; i++) {
        if (slots_[i].used && slots_[i].epoch == epoch) return &slots_[i];
    }
    return nullptr;
}

bool Keyring::Add(uint32_t epoch, const uint8_t* key) {
    std::unique_lock lock(mutex_);
    if (const Slot* known = Find(epoch)) return CRYPTO_memcmp(known->key, key, kKeyBytes) == 0;
    for (size_t i = 0; i < WDB_EPOCHS_MAX; i++) {
        Slot& slot = slots_[i];
        if (slot.used) continue;
        memcpy(slot.key, key, kKeyBytes);
        HKDF(key, kKeyBytes, nullptr, 0, "hdr", slot.header_key, kKeyBytes);
        slot.epoch = epoch;
        slot.used = true;
        return true;
    }
    return false;
}

bool Keyring::SetCurrent(uint32_t epoch) {
    std::unique_lock lock(mutex_);
    if (Find(epoch) == nullptr) return false;
    current_ = epoch;
    has_current_ = true;
    return true;
}

bool Keyring::Remove(uint32_t epoch) {
    std::unique_lock lock(mutex_);
    if (has_current_ && current_ == epoch) return false;
    if (const Slot* slot = Find(epoch)) OPENSSL_cleanse(const_cast<Slot*>(slot), sizeof(Slot));
    return true;
}

bool Keyring::Holds(uint32_t epoch) const {
    std::shared_lock lock(mutex_);
    return Find(epoch) != nullptr;
}

bool Keyring::HasCurrent() const {
    std::shared_lock lock(mutex_);
    return has_current_;
}

uint32_t Keyring::Current() const {
    std::shared_lock lock(mutex_);
    return current_;
}

bool Keyring::NewFile(uint8_t file_class, uint8_t* header, FileKey* key,
                      FileHeader* fields) const {
    FileHeader fresh;
    fresh.file_class = file_class;
    fresh.store_id = store_id_;
    if (!NewFileID(&fresh.file_id)) return false;
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t milliseconds = static_cast<uint64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;

    std::shared_lock lock(mutex_);
    const Slot* slot = has_current_ ? Find(current_) : nullptr;
    if (slot == nullptr) return false;
    fresh.epoch = slot->epoch;
    memset(header, 0, kHeaderBytes);
    memcpy(header, kMagic, sizeof kMagic);
    Store(header + 8, kVersion, 2);
    Store(header + 10, kSuite, 2);
    Store(header + 12, fresh.epoch, 4);
    memcpy(header + 16, fresh.store_id.data(), kStoreIDBytes);
    memcpy(header + 32, fresh.file_id.data(), kFileIDBytes);
    Store(header + 64, milliseconds, 8);
    header[72] = file_class;
    const Digest tag = HeaderTag(slot->header_key, header);
    memcpy(header + kTagOffset, tag.data(), kTagBytes);
    DeriveFileKey(*slot, fresh, key);
    if (fields) *fields = fresh;
    return true;
}

HeaderState Keyring::OpenFile(const uint8_t* header, FileKey* key, FileHeader* fields) const {
    FileHeader found;
    if (!PeekHeader(header, kHeaderBytes, &found)) {
        for (size_t i = 0; i < kHeaderBytes; i++) {
            if (header[i] != 0) return HeaderState::kPlaintext;
        }
        return HeaderState::kZero;
    }
    if (fields) *fields = found;
    std::shared_lock lock(mutex_);
    const Slot* slot = Find(found.epoch);
    if (slot == nullptr) return HeaderState::kUnknownEpoch;
    const Digest tag = HeaderTag(slot->header_key, header);
    if (CRYPTO_memcmp(tag.data(), header + kTagOffset, kTagBytes) != 0) {
        return HeaderState::kWrongKey;
    }
    // Only now is the version worth believing.
    if (Load(header + 8, 2) != kVersion || Load(header + 10, 2) != kSuite) {
        return HeaderState::kUnsupported;
    }
    // Two stores never share data keys by intent, yet a file carried over must not open.
    if (found.store_id != store_id_) return HeaderState::kWrongKey;
    DeriveFileKey(*slot, found, key);
    return HeaderState::kValid;
}

bool Keyring::TableMACKey(uint32_t epoch, Digest* key) const {
    std::shared_lock lock(mutex_);
    const Slot* slot = Find(epoch);
    if (slot == nullptr) return false;
    HKDF(slot->key, kKeyBytes, nullptr, 0, "warbler/table-mac/1", key->data(), key->size());
    return true;
}

void Keyring::DeriveFileKey(const Slot& slot, const FileHeader& fields, FileKey* out) const {
    std::string info = "warbler/file/1";
    info.append(reinterpret_cast<const char*>(fields.store_id.data()), kStoreIDBytes);
    info.push_back(static_cast<char>(fields.file_class));
    uint8_t material[kKeyBytes + 16];
    HKDF(slot.key, kKeyBytes, fields.file_id.data(), kFileIDBytes, info, material, sizeof material);
    memcpy(out->key.data(), material, kKeyBytes);
    memcpy(out->iv.data(), material + kKeyBytes, 16);
    OPENSSL_cleanse(material, sizeof material);
}

// MARK: key stream

namespace {

const EVP_CIPHER* AES256CTR() {
    static EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
    return cipher;
}

// The thread's only cipher context, and which stream's key it holds.
struct ThreadContext {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    uint64_t stream = 0;
    ~ThreadContext() { EVP_CIPHER_CTX_free(context); }
};

std::atomic<uint64_t> next_stream{1};

}  // namespace

CTRStream::CTRStream(const FileKey& key) : key_(key), number_(next_stream.fetch_add(1)) {}

bool CTRStream::Apply(uint64_t offset, const uint8_t* in, uint8_t* out, size_t count) const {
    if (count == 0) return true;
    thread_local ThreadContext thread;
    if (thread.context == nullptr || AES256CTR() == nullptr) return false;

    // iv + offset / 16, as one 128-bit big-endian number.
    uint8_t counter[16];
    memcpy(counter, key_.iv.data(), sizeof counter);
    uint64_t carry = offset / 16;
    for (int i = 15; i >= 0 && carry != 0; i--) {
        carry += counter[i];
        counter[i] = static_cast<uint8_t>(carry);
        carry >>= 8;
    }
    const bool keyed = thread.stream == number_;
    // Until both steps succeed the context belongs to nobody.
    thread.stream = 0;
    if (EVP_EncryptInit_ex2(thread.context, keyed ? nullptr : AES256CTR(),
                            keyed ? nullptr : key_.key.data(), counter, nullptr) != 1) {
        return false;
    }
    int written = 0;
    if (const int skip = static_cast<int>(offset % 16)) {
        uint8_t unused[16] = {0};
        if (EVP_EncryptUpdate(thread.context, unused, &written, unused, skip) != 1) return false;
    }
    while (count > 0) {
        const int step = static_cast<int>(std::min<size_t>(count, 1 << 30));
        if (EVP_EncryptUpdate(thread.context, out, &written, in, step) != 1 || written != step) {
            return false;
        }
        in += step;
        out += step;
        count -= static_cast<size_t>(step);
    }
    thread.stream = number_;
    return true;
}

}  // namespace warbler
