#include "InfoLog.h"

#include <cstdarg>
#include <cstdio>

#include "EncryptedFileSystem.h"

namespace warbler {

namespace {

bool IsHex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

}  // namespace

std::string WithoutKeys(const std::string& text) {
    constexpr size_t kHexRunMax = 7;
    constexpr size_t kNameDigits = 6;  // 000123.sst: RocksDB pads file numbers to six digits
    std::string out;
    out.reserve(text.size());
    size_t i = 0;
    while (i < text.size()) {
        const char c = text[i];
        if (c == '\'') {
            const size_t end = text.find('\'', i + 1);
            out += "'…'";
            i = end == std::string::npos ? text.size() : end + 1;
            continue;
        }
        if (IsHex(c)) {
            size_t end = i;
            bool has_letter = false;
            while (end < text.size() && IsHex(text[end])) {
                has_letter = has_letter || text[end] > '9';
                end++;
            }
            // Decimal numbers stay unless they are longer than any 64-bit one.
            const size_t limit = has_letter ? kHexRunMax : 20;
            if (end - i > limit && end - i > kNameDigits) {
                out += "…";
            } else {
                out.append(text, i, end - i);
            }
            i = end;
            continue;
        }
        const unsigned char byte = static_cast<unsigned char>(c);
        out.push_back(byte < 0x20 || byte >= 0x7F ? '?' : c);
        i++;
    }
    return out;
}

int32_t CodeOf(const rocksdb::Status& status) {
    if (status.ok()) return WDB_OK;
    const std::string text = status.ToString();
    if (text.find(kTroubleWrongKey) != std::string::npos) return WDB_WRONG_KEY;
    if (text.find(kTroubleUnknownEpoch) != std::string::npos) return WDB_UNKNOWN_EPOCH;
    if (text.find(kTroublePlaintext) != std::string::npos) return WDB_PLAINTEXT;
    if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
        return WDB_NO_SPACE;
    }
    if (status.IsCorruption()) return WDB_CORRUPTION;
    if (status.IsNotFound() || status.IsPathNotFound()) return WDB_NOT_FOUND;
    if (status.IsInvalidArgument() || status.IsNotSupported()) return WDB_INVALID;
    if (status.IsBusy() || status.IsTimedOut() || status.IsTryAgain() || status.IsAborted() ||
        status.IsIncomplete()) {
        return WDB_BUSY;
    }
    if (status.IsShutdownInProgress()) return WDB_CLOSED;
    // A database another process holds says so only in words.
    if (status.IsIOError() && text.find("lock ") != std::string::npos &&
        text.find("LOCK") != std::string::npos) {
        return WDB_BUSY;
    }
    return WDB_IO_ERROR;
}

InfoLog::InfoLog(std::shared_ptr<Callbacks> callbacks, rocksdb::InfoLogLevel level)
    : Logger(level), callbacks_(std::move(callbacks)) {}

InfoLog::~InfoLog() { Close().PermitUncheckedError(); }

void InfoLog::Logv(const char* format, va_list arguments) {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

// Headers are the option dump of every start: known, long, and full of paths.
void InfoLog::LogHeader(const char*, va_list) {}

void InfoLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
    if (level < GetInfoLogLevel() || level >= rocksdb::InfoLogLevel::HEADER_LEVEL ||
        callbacks_->log == nullptr) {
        return;
    }
    char buffer[2048];
    const int length = vsnprintf(buffer, sizeof buffer, format, arguments);
    if (length < 0) return;
    std::string text(buffer, std::min(static_cast<size_t>(length), sizeof buffer - 1));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    text = WithoutKeys(text);
    // RocksDB: debug 0, info 1, warn 2, error 3, fatal 4.
    const uint8_t face_level = std::min<uint8_t>(static_cast<uint8_t>(level), 3);
    callbacks_->log(callbacks_->context, face_level, text.data(), text.size());
}

BackgroundWatch::BackgroundWatch(std::shared_ptr<Callbacks> callbacks)
    : callbacks_(std::move(callbacks)) {}

void BackgroundWatch::OnBackgroundError(rocksdb::BackgroundErrorReason,
                                        rocksdb::Status* status) {
    errors_.fetch_add(1);
    if (callbacks_->background_error && status != nullptr) {
        const std::string text = WithoutKeys(status->ToString());
        callbacks_->background_error(callbacks_->context, CodeOf(*status), text.c_str());
    }
}

// A failed write may have left the page cache lying: never carry on as if nothing happened.
void BackgroundWatch::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                                           bool* auto_recovery) {
    if (auto_recovery != nullptr) *auto_recovery = false;
}

}  // namespace warbler
