// Whole files outside RocksDB: the same header, then AES-256-GCM frames in order, so that
// altering, dropping, reordering or cutting any of them is noticed.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "FileCipher.h"
#include "Result.h"
#include "include/CRocksDB.h"

using warbler::FileHeader;
using warbler::FileKey;
using warbler::HeaderState;
using warbler::kHeaderBytes;
using warbler::MakeResult;

struct wdb_frames {
    uint8_t key[warbler::kKeyBytes];
    uint8_t file_id[warbler::kFileIDBytes];
    uint64_t next = 0;   // the lowest frame number that may still be sealed
    bool writes = false;
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    ~wdb_frames() {
        OPENSSL_cleanse(key, sizeof key);
        EVP_CIPHER_CTX_free(context);
    }
};

namespace {

const EVP_CIPHER* AES256GCM() {
    static EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return cipher;
}

constexpr uint64_t kFrameBytes = WDB_FRAME_BYTES;
constexpr uint64_t kTagBytes = WDB_FRAME_TAG_BYTES;

// An empty file has one empty frame: its end is sealed like any other.
uint64_t FrameCount(uint64_t plain) {
    return plain == 0 ? 1 : (plain + kFrameBytes - 1) / kFrameBytes;
}

void NumberInto(uint64_t number, uint8_t* at) {
    for (int i = 0; i < 8; i++) at[i] = static_cast<uint8_t>(number >> (56 - 8 * i));
}

std::unique_ptr<wdb_frames> FramesFor(const FileKey& key, const FileHeader& fields, bool writes) {
    auto frames = std::make_unique<wdb_frames>();
    if (frames->context == nullptr || AES256GCM() == nullptr) return nullptr;
    warbler::HKDF(key.key.data(), key.key.size(), nullptr, 0, "frame", frames->key,
                  sizeof frames->key);
    memcpy(frames->file_id, fields.file_id.data(), fields.file_id.size());
    frames->writes = writes;
    return frames;
}

// Loads key, nonce and associated data for one frame.
bool Begin(wdb_frames* frames, uint64_t number, bool final, bool encrypt) {
    uint8_t nonce[12] = {0};
    NumberInto(number, nonce + 4);
    uint8_t associated[warbler::kFileIDBytes + 9];
    memcpy(associated, frames->file_id, warbler::kFileIDBytes);
    NumberInto(number, associated + warbler::kFileIDBytes);
    associated[sizeof associated - 1] = final ? 1 : 0;
    int written = 0;
    return EVP_CipherInit_ex2(frames->context, AES256GCM(), frames->key, nonce, encrypt ? 1 : 0,
                              nullptr) == 1 &&
           EVP_CipherUpdate(frames->context, nullptr, &written, associated, sizeof associated) == 1;
}

bool RightSize(uint64_t count, bool final) {
    return final ? count <= kFrameBytes : count == kFrameBytes;
}

}  // namespace

wdb_result wdb_frames_create(const wdb_keyring* ring, uint8_t file_class, uint8_t header[4096],
                             wdb_frames** out) {
    *out = nullptr;
    return warbler::Guarded([&] {
        FileKey key;
        FileHeader fields;
        if (!warbler::KeyringOf(ring)->NewFile(file_class, header, &key, &fields)) {
            return MakeResult(WDB_INVALID, "no current data key");
        }
        auto frames = FramesFor(key, fields, true);
        if (!frames) return MakeResult(WDB_IO_ERROR, "the cipher library failed");
        *out = frames.release();
        return MakeResult(WDB_OK, "");
    });
}

wdb_result wdb_frames_open(const wdb_keyring* ring, uint8_t file_class,
                           const uint8_t header[4096], wdb_frames** out) {
    *out = nullptr;
    return warbler::Guarded([&] {
        FileKey key;
        FileHeader fields;
        switch (warbler::KeyringOf(ring)->OpenFile(header, &key, &fields)) {
            case HeaderState::kValid: break;
            case HeaderState::kZero: return MakeResult(WDB_CORRUPTION, "the header is zero");
            case HeaderState::kPlaintext: return MakeResult(WDB_PLAINTEXT, "E-KEY-021 plaintext");
            case HeaderState::kUnknownEpoch:
                return MakeResult(WDB_UNKNOWN_EPOCH, "E-KEY-020 no data key of epoch " +
                                                         std::to_string(fields.epoch));
            case HeaderState::kWrongKey:
                return MakeResult(WDB_WRONG_KEY, "header authentication failed");
            case HeaderState::kUnsupported:
                return MakeResult(WDB_INVALID, "the file is from a later release");
        }
        // A file of one kind must not pass for another, whoever moved it.
        if (fields.file_class != file_class) {
            return MakeResult(WDB_CORRUPTION, "the file is of another class");
        }
        auto frames = FramesFor(key, fields, false);
        if (!frames) return MakeResult(WDB_IO_ERROR, "the cipher library failed");
        *out = frames.release();
        return MakeResult(WDB_OK, "");
    });
}

wdb_result wdb_frames_seal(wdb_frames* frames, uint64_t number, bool final, const uint8_t* plain,
                           size_t count, uint8_t* out) {
    if (!frames->writes || number < frames->next || number == UINT64_MAX) {
        return MakeResult(WDB_INVALID, "a frame is sealed once");
    }
    if (!RightSize(count, final)) return MakeResult(WDB_INVALID, "a frame of the wrong size");
    frames->next = final ? UINT64_MAX : number + 1;
    const uint8_t none = 0;
    int written = 0;
    if (!Begin(frames, number, final, true) ||
        EVP_CipherUpdate(frames->context, out, &written, count ? plain : &none,
                         static_cast<int>(count)) != 1 ||
        EVP_CipherFinal_ex(frames->context, out + count, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(frames->context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out + count) != 1) {
        return MakeResult(WDB_IO_ERROR, "the cipher library failed");
    }
    return MakeResult(WDB_OK, "");
}

wdb_result wdb_frames_unseal(wdb_frames* frames, uint64_t number, bool final,
                             const uint8_t* sealed, size_t count, uint8_t* out) {
    if (count < kTagBytes || !RightSize(count - kTagBytes, final)) {
        return MakeResult(WDB_CORRUPTION, "a frame of the wrong size");
    }
    const size_t plain = count - kTagBytes;
    uint8_t tag[kTagBytes];
    memcpy(tag, sealed + plain, kTagBytes);
    uint8_t none = 0;
    int written = 0;
    if (!Begin(frames, number, final, false) ||
        EVP_CipherUpdate(frames->context, plain ? out : &none, &written, sealed,
                         static_cast<int>(plain)) != 1 ||
        EVP_CIPHER_CTX_ctrl(frames->context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) != 1) {
        OPENSSL_cleanse(out, plain);
        return MakeResult(WDB_IO_ERROR, "the cipher library failed");
    }
    if (EVP_CipherFinal_ex(frames->context, &none, &written) != 1) {
        OPENSSL_cleanse(out, plain);
        return MakeResult(WDB_CORRUPTION, "frame " + std::to_string(number) + " was altered");
    }
    return MakeResult(WDB_OK, "");
}

void wdb_frames_free(wdb_frames* frames) { delete frames; }

uint64_t wdb_sealed_size(uint64_t plain) {
    return kHeaderBytes + plain + FrameCount(plain) * kTagBytes;
}

wdb_result wdb_seal(const wdb_keyring* ring, uint8_t file_class, const uint8_t* plain,
                    size_t count, uint8_t* out) {
    wdb_frames* frames = nullptr;
    wdb_result result = wdb_frames_create(ring, file_class, out, &frames);
    if (result.code != WDB_OK) return result;
    std::unique_ptr<wdb_frames> owned(frames);
    out += kHeaderBytes;
    const uint64_t last = FrameCount(count) - 1;
    for (uint64_t number = 0; number <= last; number++) {
        const size_t take = number == last ? count - number * kFrameBytes : kFrameBytes;
        result = wdb_frames_seal(frames, number, number == last, plain + number * kFrameBytes,
                                 take, out);
        if (result.code != WDB_OK) return result;
        out += take + kTagBytes;
    }
    return result;
}

wdb_result wdb_unseal(const wdb_keyring* ring, uint8_t file_class, const uint8_t* sealed,
                      size_t count, uint8_t* out, size_t* opened) {
    *opened = 0;
    if (count < kHeaderBytes + kTagBytes) {
        return MakeResult(WDB_CORRUPTION, "shorter than an empty sealed file");
    }
    wdb_frames* frames = nullptr;
    wdb_result result = wdb_frames_open(ring, file_class, sealed, &frames);
    if (result.code != WDB_OK) return result;
    std::unique_ptr<wdb_frames> owned(frames);
    size_t left = count - kHeaderBytes;
    const uint8_t* next = sealed + kHeaderBytes;
    for (uint64_t number = 0; left > 0; number++) {
        const size_t take = left < kFrameBytes + kTagBytes ? left : kFrameBytes + kTagBytes;
        result = wdb_frames_unseal(frames, number, take == left, next, take, out + *opened);
        if (result.code != WDB_OK) {
            OPENSSL_cleanse(out, *opened);
            *opened = 0;
            return result;
        }
        *opened += take - kTagBytes;
        next += take;
        left -= take;
    }
    return result;
}
