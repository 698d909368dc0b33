#include "TableMAC.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace warbler {

namespace {

// The epoch is part of the name, which RocksDB stores beside the checksum and asks for again.
const char* const kNamePrefix = "WarblerHMAC.";

EVP_MAC* HMACAlgorithm() {
    static EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return algorithm;
}

// HMAC-SHA-256 over a table's bytes as RocksDB wrote them, before encryption.
class TableMAC : public rocksdb::FileChecksumGenerator {
 public:
    TableMAC(uint32_t epoch, const Digest& key)
        : name_(kNamePrefix + std::to_string(epoch)),
          context_(HMACAlgorithm() ? EVP_MAC_CTX_new(HMACAlgorithm()) : nullptr) {
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_end()};
        ok_ = context_ && EVP_MAC_init(context_, key.data(), key.size(), parameters) == 1;
    }
    ~TableMAC() override { EVP_MAC_CTX_free(context_); }

    void Update(const char* data, size_t count) override {
        ok_ = ok_ && EVP_MAC_update(context_, reinterpret_cast<const uint8_t*>(data), count) == 1;
    }
    void Finalize() override {
        uint8_t tag[32];
        size_t written = 0;
        if (ok_ && EVP_MAC_final(context_, tag, &written, sizeof tag) == 1) {
            tag_.assign(reinterpret_cast<char*>(tag), written);
        } else {
            // Matches nothing: a table that could not be measured does not verify.
            tag_ = "failed";
        }
    }
    std::string GetChecksum() const override { return tag_; }
    const char* Name() const override { return name_.c_str(); }

 private:
    const std::string name_;
    EVP_MAC_CTX* context_;
    bool ok_ = false;
    std::string tag_;
};

class TableMACFactory : public rocksdb::FileChecksumGenFactory {
 public:
    explicit TableMACFactory(std::shared_ptr<Keyring> keyring) : keyring_(std::move(keyring)) {}

    const char* Name() const override { return "WarblerTableMAC"; }

    std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
        const rocksdb::FileChecksumGenContext& context) override {
        uint32_t epoch = keyring_->Current();
        const std::string& asked = context.requested_checksum_func_name;
        if (asked.compare(0, strlen(kNamePrefix), kNamePrefix) == 0) {
            const char* number = asked.c_str() + strlen(kNamePrefix);
            epoch = static_cast<uint32_t>(strtoul(number, nullptr, 10));
        }
        Digest key;
        if (!keyring_->TableMACKey(epoch, &key)) return nullptr;
        std::unique_ptr<rocksdb::FileChecksumGenerator> mac(new TableMAC(epoch, key));
        OPENSSL_cleanse(key.data(), key.size());
        return mac;
    }

 private:
    const std::shared_ptr<Keyring> keyring_;
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> NewTableMACFactory(
    std::shared_ptr<Keyring> keyring) {
    return std::make_shared<TableMACFactory>(std::move(keyring));
}

}  // namespace warbler
