#pragma once

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/status.h>

#include <atomic>
#include <string>

#include "include/CRocksDB.h"

namespace warbler {

// Cuts whatever may be a key or a value: quoted text and long runs of hex digits. File names,
// sizes and counts stay.
std::string WithoutKeys(const std::string& text);

// Which of the face's codes a status is.
int32_t CodeOf(const rocksdb::Status& status);

// The caller's closures, alive as long as RocksDB may call one of them.
struct Callbacks {
    void* context = nullptr;
    void (*log)(void*, uint8_t, const char*, size_t) = nullptr;
    void (*background_error)(void*, int32_t, const char*) = nullptr;
    void (*release)(void*) = nullptr;

    Callbacks() = default;
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    ~Callbacks() {
        if (release) release(context);
    }
};

// Takes RocksDB's info log. RocksDB's own would be a plaintext file with keys in it.
class InfoLog : public rocksdb::Logger {
 public:
    InfoLog(std::shared_ptr<Callbacks> callbacks, rocksdb::InfoLogLevel level);
    ~InfoLog() override;
    using rocksdb::Logger::Logv;
    void Logv(const char* format, va_list arguments) override;
    void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;
    void LogHeader(const char* format, va_list arguments) override;

 protected:
    rocksdb::Status CloseImpl() override { return rocksdb::Status::OK(); }

 private:
    std::shared_ptr<Callbacks> callbacks_;
};

// Counts and reports what goes wrong behind the caller's back.
class BackgroundWatch : public rocksdb::EventListener {
 public:
    explicit BackgroundWatch(std::shared_ptr<Callbacks> callbacks);
    void OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                           rocksdb::Status* status) override;
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status status,
                              bool* auto_recovery) override;
    uint64_t errors() const { return errors_.load(); }

 private:
    std::shared_ptr<Callbacks> callbacks_;
    std::atomic<uint64_t> errors_{0};
};

}  // namespace warbler
