// The C face: opening, reading, writing.
#include <algorithm>
#include <memory>

#include "Store.h"

using rocksdb::ColumnFamilyHandle;
using rocksdb::PinnableSlice;
using rocksdb::ReadOptions;
using rocksdb::Slice;
using rocksdb::Status;
using warbler::Entered;
using warbler::EnteredToWrite;
using warbler::Guarded;
using warbler::MakeResult;
using warbler::SliceOf;

namespace warbler {

namespace {

// RocksDB's tags, `db/dbformat.h`.
enum Tag : uint8_t {
    kDelete = 0x0,
    kPut = 0x1,
    kFamilyDelete = 0x4,
    kFamilyPut = 0x5,
    kFamilyDeleteRange = 0xE,
    kDeleteRange = 0xF,
};

constexpr size_t kBatchHeaderBytes = 12;
constexpr size_t kBatchKeyMax = 1 << 20;

struct Cursor {
    const uint8_t* next;
    const uint8_t* end;

    bool Varint(uint32_t* value) {
        *value = 0;
        for (int shift = 0; shift <= 28; shift += 7) {
            if (next == end) return false;
            const uint8_t byte = *next++;
            if (shift == 28 && byte > 0x0F) return false;
            *value |= static_cast<uint32_t>(byte & 0x7F) << shift;
            if ((byte & 0x80) == 0) return true;
        }
        return false;
    }

    bool Blob(Slice* out) {
        uint32_t count = 0;
        if (!Varint(&count) || static_cast<size_t>(end - next) < count) return false;
        *out = Slice(reinterpret_cast<const char*>(next), count);
        next += count;
        return true;
    }
};

}  // namespace

// One operation of a batch: its key, and all of its bytes.
struct BatchRow {
    uint32_t family;
    Slice key;
    Slice bytes;
};

// The same batch with its rows in the order of their keys; rows of one key keep theirs. A row that
// goes in next to the one before it is found a place for with fewer comparisons.
std::string InKeyOrder(const uint8_t* rep, size_t count, std::vector<BatchRow>* rows) {
    std::sort(rows->begin(), rows->end(), [](const BatchRow& a, const BatchRow& b) {
        if (a.family != b.family) return a.family < b.family;
        const int order = a.key.compare(b.key);
        return order != 0 ? order < 0 : a.bytes.data() < b.bytes.data();
    });
    std::string ordered;
    ordered.reserve(count);
    ordered.append(reinterpret_cast<const char*>(rep), kBatchHeaderBytes);
    for (const BatchRow& row : *rows) ordered.append(row.bytes.data(), row.bytes.size());
    return ordered;
}

Status CheckBatch(const uint8_t* rep, size_t count, const wdb& store, bool* has_range,
                  std::vector<BatchRow>* rows) {
    *has_range = false;
    const Status broken = Status::InvalidArgument("a write batch does not parse");
    if (count < kBatchHeaderBytes) return broken;
    uint32_t declared = 0;
    for (int i = 3; i >= 0; i--) declared = declared << 8 | rep[8 + i];
    uint32_t found = 0;
    Cursor cursor{rep + kBatchHeaderBytes, rep + count};
    while (cursor.next != cursor.end) {
        const uint8_t* const begin = cursor.next;
        const uint8_t tag = *cursor.next++;
        uint32_t family = 0;
        if (tag == kFamilyPut || tag == kFamilyDelete || tag == kFamilyDeleteRange) {
            if (!cursor.Varint(&family)) return broken;
        }
        if (store.Family(family) == nullptr) {
            return Status::InvalidArgument("no family " + std::to_string(family));
        }
        Slice key, value;
        if (!cursor.Blob(&key)) return broken;
        if (key.size() > kBatchKeyMax) return Status::InvalidArgument("a key over 1 MiB");
        switch (tag) {
            case kPut:
            case kFamilyPut:
                if (!cursor.Blob(&value)) return broken;
                break;
            case kDelete:
            case kFamilyDelete: break;
            case kDeleteRange:
            case kFamilyDeleteRange:
                if (!cursor.Blob(&value)) return broken;
                *has_range = true;
                if (key.compare(value) >= 0) return Status::InvalidArgument("a range without room");
                break;
            default: return broken;
        }
        if (rows != nullptr) {
            rows->push_back({family, key, SliceOf(begin, cursor.next - begin)});
        }
        found++;
    }
    return found == declared ? Status::OK() : broken;
}

namespace {

// What a read starts from; a closed view answers like a closed store.
Status Prepare(const wdb& store, const wdb_snapshot* snapshot, uint32_t family,
               ReadOptions* options, ColumnFamilyHandle** handle) {
    *handle = store.Family(family);
    if (*handle == nullptr) {
        return Status::InvalidArgument("no family " + std::to_string(family));
    }
    if (snapshot != nullptr) options->snapshot = snapshot->snapshot;
    return Status::OK();
}

const uint8_t* BytesOf(const Slice& slice) {
    return reinterpret_cast<const uint8_t*>(slice.data());
}

}  // namespace
}  // namespace warbler

void wdb_free(void* pointer) { free(pointer); }

// MARK: key ring

wdb_keyring* wdb_keyring_new(const uint8_t store_id[16]) {
    try {
        return new wdb_keyring{std::make_shared<warbler::Keyring>(store_id)};
    } catch (...) {
        return nullptr;
    }
}

void wdb_keyring_free(wdb_keyring* ring) { delete ring; }

wdb_result wdb_keyring_add(wdb_keyring* ring, uint32_t epoch, const uint8_t key[32]) {
    return Guarded([&] {
        return ring->ring->Add(epoch, key)
                   ? MakeResult(WDB_OK, "")
                   : MakeResult(WDB_INVALID, "the key ring is full or has another key of epoch " +
                                                 std::to_string(epoch));
    });
}

wdb_result wdb_keyring_set_current(wdb_keyring* ring, uint32_t epoch) {
    return ring->ring->SetCurrent(epoch)
               ? MakeResult(WDB_OK, "")
               : MakeResult(WDB_UNKNOWN_EPOCH, "E-KEY-020 no data key of epoch " +
                                                   std::to_string(epoch));
}

wdb_result wdb_keyring_remove(wdb_keyring* ring, uint32_t epoch) {
    return ring->ring->Remove(epoch)
               ? MakeResult(WDB_OK, "")
               : MakeResult(WDB_INVALID, "the current key cannot go");
}

uint32_t wdb_keyring_current(const wdb_keyring* ring) { return ring->ring->Current(); }

// MARK: opening

wdb_result wdb_open(const wdb_options* options, wdb** out) {
    *out = nullptr;
    auto callbacks = std::make_shared<warbler::Callbacks>();
    callbacks->context = options->context;
    callbacks->log = options->log;
    callbacks->background_error = options->background_error;
    callbacks->release = options->release;
    return Guarded([&] {
        auto store = std::make_unique<wdb>();
        store->callbacks = callbacks;
        const Status status = warbler::OpenStore(*options, store.get());
        if (!status.ok()) return MakeResult(status);
        *out = store.release();
        return MakeResult(WDB_OK, "");
    });
}

wdb_result wdb_close(wdb* store, bool flush) {
    return Guarded([&] { return MakeResult(warbler::CloseStore(store, flush)); });
}

void wdb_release(wdb* store) { delete store; }

// MARK: writing

wdb_result wdb_write(wdb* store, const uint8_t* rep, size_t count, bool sync) {
    return EnteredToWrite(store, [&] {
        bool has_range = false;
        std::vector<warbler::BatchRow> rows;
        Status status = warbler::CheckBatch(rep, count, *store, &has_range,
                                            store->use_wal ? nullptr : &rows);
        if (!status.ok()) return status;
        const warbler::HintPause pause(has_range ? store->hints_paused.get() : nullptr);
        // A log's rows come in the order of their keys, but for the family.
        rocksdb::WriteBatch batch(store->use_wal || has_range
                                      ? std::string(reinterpret_cast<const char*>(rep), count)
                                      : warbler::InKeyOrder(rep, count, &rows));
        rocksdb::WriteOptions options;
        options.disableWAL = !store->use_wal;
        options.sync = sync && store->use_wal;
        return warbler::Remember(store, store->db->Write(options, &batch));
    });
}

// MARK: reading

wdb_snapshot* wdb_snapshot_new(wdb* store) {
    if (store->closed.load(std::memory_order_acquire)) return nullptr;
    std::shared_lock lock(store->gate);
    if (store->db == nullptr) return nullptr;
    auto* snapshot = new wdb_snapshot{store->db->GetSnapshot()};
    std::lock_guard guard(store->snapshot_mutex);
    store->snapshots.insert(snapshot);
    return snapshot;
}

void wdb_snapshot_free(wdb* store, wdb_snapshot* snapshot) {
    if (snapshot == nullptr) return;
    std::shared_lock lock(store->gate);
    {
        std::lock_guard guard(store->snapshot_mutex);
        store->snapshots.erase(snapshot);
    }
    if (store->db != nullptr && snapshot->snapshot != nullptr) {
        store->db->ReleaseSnapshot(snapshot->snapshot);
    }
    delete snapshot;
}

wdb_result wdb_get(wdb* store, const wdb_snapshot* snapshot, uint32_t family, const uint8_t* key,
                   size_t count, void* context, wdb_value_fn found) {
    return Entered(store, [&] {
        ReadOptions options;
        ColumnFamilyHandle* handle = nullptr;
        Status status = warbler::Prepare(*store, snapshot, family, &options, &handle);
        if (!status.ok()) return status;
        PinnableSlice value;
        status = store->db->Get(options, handle, SliceOf(key, count), &value);
        if (status.ok()) found(context, 0, warbler::BytesOf(value), value.size());
        return status.IsNotFound() ? Status::OK() : status;
    });
}

wdb_result wdb_multi_get(wdb* store, const wdb_snapshot* snapshot, uint32_t family,
                         const uint8_t* keys, const size_t* counts, size_t key_count,
                         void* context, wdb_value_fn found) {
    return Entered(store, [&] {
        if (key_count == 0) return Status::OK();
        ReadOptions options;
        ColumnFamilyHandle* handle = nullptr;
        Status status = warbler::Prepare(*store, snapshot, family, &options, &handle);
        if (!status.ok()) return status;
        std::vector<Slice> wanted;
        wanted.reserve(key_count);
        for (size_t i = 0; i < key_count; i++) {
            wanted.push_back(SliceOf(keys, counts[i]));
            keys += counts[i];
        }
        std::vector<PinnableSlice> values(key_count);
        std::vector<Status> statuses(key_count);
        store->db->MultiGet(options, handle, key_count, wanted.data(), values.data(),
                            statuses.data());
        for (size_t i = 0; i < key_count; i++) {
            if (statuses[i].ok()) {
                found(context, i, warbler::BytesOf(values[i]), values[i].size());
            } else if (!statuses[i].IsNotFound() && status.ok()) {
                status = statuses[i];
            }
        }
        return status;
    });
}

wdb_result wdb_scan(wdb* store, const wdb_snapshot* snapshot, uint32_t family,
                    const uint8_t* lower, size_t lower_count, const uint8_t* upper,
                    size_t upper_count, bool reverse, void* context, wdb_row_fn row) {
    return Entered(store, [&] {
        ReadOptions options;
        ColumnFamilyHandle* handle = nullptr;
        Status status = warbler::Prepare(*store, snapshot, family, &options, &handle);
        if (!status.ok()) return status;
        const Slice from = SliceOf(lower, lower_count);
        const Slice to = SliceOf(upper, upper_count);
        if (upper_count > 0 && from.compare(to) >= 0) return Status::OK();
        if (lower_count > 0) options.iterate_lower_bound = &from;
        if (upper_count > 0) options.iterate_upper_bound = &to;
        std::unique_ptr<rocksdb::Iterator> rows(store->db->NewIterator(options, handle));
        if (reverse) {
            rows->SeekToLast();
        } else {
            rows->SeekToFirst();
        }
        while (rows->Valid()) {
            const Slice key = rows->key();
            const Slice value = rows->value();
            if (!row(context, warbler::BytesOf(key), key.size(), warbler::BytesOf(value),
                     value.size())) {
                break;
            }
            if (reverse) {
                rows->Prev();
            } else {
                rows->Next();
            }
        }
        return rows->status();
    });
}
