// One open database behind the C face.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "EncryptedFileSystem.h"
#include "FileCipher.h"
#include "InfoLog.h"
#include "InsertHint.h"
#include "Result.h"
#include "include/CRocksDB.h"

struct wdb_snapshot {
    const rocksdb::Snapshot* snapshot;   // null once the store is closed
};

struct wdb {
    std::string path;
    bool use_wal = true;
    bool atomic_flush = false;
    std::shared_ptr<warbler::Callbacks> callbacks;
    std::shared_ptr<warbler::Keyring> keyring;
    std::shared_ptr<warbler::EncryptedFileSystem> file_system;
    // Outlives the database, as every file it opened came from here.
    std::unique_ptr<rocksdb::Env> owned_env;
    rocksdb::Env* env = nullptr;
    std::shared_ptr<rocksdb::Cache> cache;
    std::shared_ptr<rocksdb::Statistics> statistics;
    std::shared_ptr<warbler::BackgroundWatch> watch;

    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> families;   // by number; null in a hole
    // Above zero while a range deletion may reach a memtable (InsertHint.h).
    std::shared_ptr<std::atomic<int>> hints_paused = std::make_shared<std::atomic<int>>(0);

    // The first failed write, flush or sync. RocksDB aborts when a log that failed is written
    // again, and what such a log holds is not to be trusted anyway.
    std::atomic<bool> failed{false};
    std::mutex failure_mutex;
    rocksdb::Status failure;

    // Every call holds the gate shared; closing holds it alone.
    std::shared_mutex gate;
    std::atomic<bool> closed{false};
    std::mutex snapshot_mutex;
    std::unordered_set<wdb_snapshot*> snapshots;

    ~wdb();
    rocksdb::ColumnFamilyHandle* Family(uint32_t id) const {
        return id < families.size() ? families[id] : nullptr;
    }
    std::vector<rocksdb::ColumnFamilyHandle*> LiveFamilies() const;
    rocksdb::Status Flush(bool wait);
};

namespace warbler {

rocksdb::Status OpenStore(const wdb_options& options, wdb* store);
rocksdb::Status CloseStore(wdb* store, bool flush);

struct BatchRow;

// Whether a batch parses, counts right, and names only families that are open. RocksDB checks
// too, but after it has written the batch to its log. Says whether it deletes a range, and of
// what rows it is made where `rows` is not NULL.
rocksdb::Status CheckBatch(const uint8_t* rep, size_t count, const wdb& store, bool* has_range,
                           std::vector<BatchRow>* rows);

inline rocksdb::Slice SliceOf(const uint8_t* bytes, size_t count) {
    return count == 0 ? rocksdb::Slice()
                      : rocksdb::Slice(reinterpret_cast<const char*>(bytes), count);
}

// Keeps the first failure, and hands back what it was given.
rocksdb::Status Remember(wdb* store, const rocksdb::Status& status);

// Runs a call against an open store, or answers that it is closed.
template <typename Body>
wdb_result Entered(wdb* store, Body body) {
    return Guarded([&]() -> wdb_result {
        if (store->closed.load(std::memory_order_acquire)) {
            return MakeResult(WDB_CLOSED, "the store is closed");
        }
        std::shared_lock lock(store->gate);
        if (store->db == nullptr) return MakeResult(WDB_CLOSED, "the store is closed");
        return MakeResult(body());
    });
}

// The same for a call that may write: not after one that failed.
template <typename Body>
wdb_result EnteredToWrite(wdb* store, Body body) {
    return Entered(store, [&]() -> rocksdb::Status {
        if (store->failed.load(std::memory_order_acquire)) {
            std::lock_guard lock(store->failure_mutex);
            return store->failure;
        }
        return body();
    });
}

}  // namespace warbler
