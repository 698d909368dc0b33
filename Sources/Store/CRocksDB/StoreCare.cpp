// The C face: maintenance and looking around.
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>

#include <map>
#include <set>

#include "Directory.h"
#include "Store.h"

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;
using rocksdb::Status;
using warbler::Entered;
using warbler::EnteredToWrite;
using warbler::Guarded;
using warbler::MakeResult;
using warbler::SliceOf;

namespace {

Status NoFamily(uint32_t family) {
    return Status::InvalidArgument("no family " + std::to_string(family));
}

Status Compact(wdb* store, ColumnFamilyHandle* family, const Slice* from, const Slice* to,
               bool bottommost) {
    rocksdb::CompactRangeOptions options;
    options.allow_write_stall = true;
    options.exclusive_manual_compaction = false;
    // Closing waits for calls under way; this one would keep it waiting for minutes.
    options.canceled = &store->closed;
    options.bottommost_level_compaction =
        bottommost ? rocksdb::BottommostLevelCompaction::kForce
                   : rocksdb::BottommostLevelCompaction::kIfHaveCompactionFilter;
    return store->db->CompactRange(options, family, from, to);
}

}  // namespace

wdb_result wdb_flush(wdb* store, bool wait) {
    return EnteredToWrite(store, [&] { return warbler::Remember(store, store->Flush(wait)); });
}

wdb_result wdb_sync_wal(wdb* store) {
    return EnteredToWrite(store, [&] {
        if (!store->use_wal) return Status::OK();
        return warbler::Remember(store, store->db->FlushWAL(true));
    });
}

wdb_result wdb_compact_range(wdb* store, uint32_t family, const uint8_t* lower,
                             size_t lower_count, const uint8_t* upper, size_t upper_count,
                             bool bottommost) {
    return EnteredToWrite(store, [&] {
        ColumnFamilyHandle* handle = store->Family(family);
        if (handle == nullptr) return NoFamily(family);
        const Slice from = SliceOf(lower, lower_count);
        const Slice to = SliceOf(upper, upper_count);
        if (upper_count > 0 && from.compare(to) >= 0) return Status::OK();
        return Compact(store, handle, lower_count > 0 ? &from : nullptr,
                       upper_count > 0 ? &to : nullptr, bottommost);
    });
}

wdb_result wdb_checkpoint(wdb* store, const char* path) {
    return EnteredToWrite(store, [&] {
        if (path == nullptr || path[0] == 0) return Status::InvalidArgument("no path");
        if (store->env->FileExists(path).ok()) {
            return Status::InvalidArgument(std::string("it exists: ") + path);
        }
        rocksdb::Checkpoint* raw = nullptr;
        Status status = rocksdb::Checkpoint::Create(store->db.get(), &raw);
        if (!status.ok()) return status;
        std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
        // Flushed first: a checkpoint then needs no log of its own, and has one atomic cut.
        return checkpoint->CreateCheckpoint(path, 0);
    });
}

wdb_result wdb_verify_checksums(wdb* store) {
    return Entered(store, [&] {
        // The keyed checksum covers every byte of a table, block checksums included.
        if (store->keyring) return store->db->VerifyFileChecksums(rocksdb::ReadOptions());
        return store->db->VerifyChecksum();
    });
}

wdb_result wdb_ingest(wdb* store, uint32_t family, const char* const* paths, size_t count) {
    return EnteredToWrite(store, [&] {
        ColumnFamilyHandle* handle = store->Family(family);
        if (handle == nullptr) return NoFamily(family);
        if (count == 0) return Status::OK();
        std::vector<std::string> files;
        for (size_t i = 0; i < count; i++) {
            files.emplace_back(paths[i]);
            Status found = store->env->FileExists(files.back());
            if (!found.ok()) return Status::NotFound("no table at " + files.back());
        }
        rocksdb::IngestExternalFileOptions options;
        // A copy gets a file ID of its own, and a number in the database without a write in
        // place, which an encrypted file could not take.
        options.move_files = false;
        options.write_global_seqno = false;
        options.verify_checksums_before_ingest = true;
        return store->db->IngestExternalFile(handle, files, options);
    });
}

namespace {

// The live tables that are not under the current epoch.
Status OldTables(wdb* store, std::vector<rocksdb::LiveFileMetaData>* out) {
    std::vector<warbler::StoredFile> files;
    Status status = warbler::ListDatabaseFiles(store->path, &files);
    if (!status.ok()) return status;
    const uint32_t current = store->keyring->Current();
    std::set<std::string> old;
    for (const warbler::StoredFile& file : files) {
        if (file.encrypted && file.header.epoch != current) old.insert(file.name);
    }
    std::vector<rocksdb::LiveFileMetaData> live;
    store->db->GetLiveFilesMetaData(&live);
    out->clear();
    for (rocksdb::LiveFileMetaData& file : live) {
        const size_t start = file.name.find_first_not_of('/');
        if (start != std::string::npos && old.count(file.name.substr(start)) > 0) {
            out->push_back(std::move(file));
        }
    }
    return status;
}

}  // namespace

wdb_result wdb_rewrite_old_epochs(wdb* store) {
    return EnteredToWrite(store, [&] {
        if (!store->keyring) return Status::InvalidArgument("the store is not encrypted");
        Status status = warbler::Remember(store, store->Flush(true));
        std::map<std::string, ColumnFamilyHandle*> families;
        for (ColumnFamilyHandle* family : store->LiveFamilies()) {
            families[family->GetName()] = family;
        }
        // A compaction RocksDB started by itself may move a file to another level, unread, just
        // as this looks for it in the first; so look again.
        constexpr int kRoundsMax = 10;
        for (int round = 0; status.ok() && round < kRoundsMax; round++) {
            std::vector<rocksdb::LiveFileMetaData> old;
            status = OldTables(store, &old);
            if (!status.ok() || old.empty()) return status;
            for (const rocksdb::LiveFileMetaData& file : old) {
                const auto family = families.find(file.column_family_name);
                if (family == families.end()) continue;
                const Slice from(file.smallestkey);
                const Slice to(file.largestkey);
                status = Compact(store, family->second, &from, &to, true);
                if (!status.ok()) return status;
            }
        }
        return status.ok() ? Status::Busy("tables of an older epoch are left; try again") : status;
    });
}

// MARK: table files

struct wdb_table {
    wdb* store = nullptr;
    std::string path;
    std::unique_ptr<rocksdb::SstFileWriter> writer;
    std::string last;
    uint64_t rows = 0;
};

wdb_result wdb_table_new(wdb* store, uint32_t family, const char* path, wdb_table** out) {
    *out = nullptr;
    return Entered(store, [&] {
        ColumnFamilyHandle* handle = store->Family(family);
        if (handle == nullptr) return NoFamily(family);
        if (path == nullptr || path[0] == 0) return Status::InvalidArgument("no path");
        auto table = std::make_unique<wdb_table>();
        table->store = store;
        table->path = path;
        const rocksdb::Options options = store->db->GetOptions(handle);
        rocksdb::EnvOptions env_options;
        env_options.use_mmap_writes = false;
        table->writer =
            std::make_unique<rocksdb::SstFileWriter>(env_options, options, handle);
        Status status = table->writer->Open(path);
        if (status.ok()) *out = table.release();
        return status;
    });
}

wdb_result wdb_table_put(wdb_table* table, const uint8_t* key, size_t key_count,
                         const uint8_t* value, size_t value_count) {
    return Entered(table->store, [&] {
        const Slice next = SliceOf(key, key_count);
        if (table->rows > 0 && Slice(table->last).compare(next) >= 0) {
            return Status::InvalidArgument("the rows of a table must rise");
        }
        table->last.assign(next.data(), next.size());
        table->rows++;
        return table->writer->Put(next, SliceOf(value, value_count));
    });
}

wdb_result wdb_table_finish(wdb_table* table, bool keep) {
    std::unique_ptr<wdb_table> owned(table);
    return Entered(table->store, [&] {
        Status status;
        if (keep && table->rows == 0) {
            status = Status::InvalidArgument("a table needs a row");
            keep = false;
        } else if (keep) {
            status = table->writer->Finish();
        }
        table->writer.reset();
        if (!keep || !status.ok()) {
            table->store->env->DeleteFile(table->path).PermitUncheckedError();
        }
        return status;
    });
}

// MARK: looking

wdb_result wdb_live_files(wdb* store, void* context,
                          void (*report)(void* context, const wdb_live_file* file)) {
    return Entered(store, [&] {
        std::map<std::string, uint32_t> numbers;
        for (ColumnFamilyHandle* family : store->LiveFamilies()) {
            numbers[family->GetName()] = family->GetID();
        }
        std::vector<rocksdb::LiveFileMetaData> files;
        store->db->GetLiveFilesMetaData(&files);
        for (const rocksdb::LiveFileMetaData& file : files) {
            wdb_live_file out = {};
            const std::string name = file.name.substr(file.name.find_first_not_of('/'));
            out.name = name.c_str();
            out.family = numbers[file.column_family_name];
            out.level = file.level;
            out.bytes = file.size;
            out.entries = file.num_entries;
            out.deletions = file.num_deletions;
            out.smallest = reinterpret_cast<const uint8_t*>(file.smallestkey.data());
            out.smallest_count = file.smallestkey.size();
            out.largest = reinterpret_cast<const uint8_t*>(file.largestkey.data());
            out.largest_count = file.largestkey.size();
            report(context, &out);
        }
        return Status::OK();
    });
}

wdb_result wdb_read_statistics(wdb* store, wdb_statistics* out) {
    *out = {};
    return Entered(store, [&] {
        const rocksdb::Statistics& counted = *store->statistics;
        out->wal_syncs = counted.getTickerCount(rocksdb::WAL_FILE_SYNCED);
        out->wal_bytes = counted.getTickerCount(rocksdb::WAL_FILE_BYTES);
        out->bytes_written = counted.getTickerCount(rocksdb::BYTES_WRITTEN);
        out->flushed_bytes = counted.getTickerCount(rocksdb::FLUSH_WRITE_BYTES);
        out->compacted_bytes = counted.getTickerCount(rocksdb::COMPACT_WRITE_BYTES);
        out->block_cache_hits = counted.getTickerCount(rocksdb::BLOCK_CACHE_HIT);
        out->block_cache_misses = counted.getTickerCount(rocksdb::BLOCK_CACHE_MISS);
        out->bloom_useful = counted.getTickerCount(rocksdb::BLOOM_FILTER_USEFUL);
        out->stall_micros = counted.getTickerCount(rocksdb::STALL_MICROS);
        out->background_errors = store->watch->errors();
        out->cache_bytes = store->cache->GetUsage();
        auto total = [&](const std::string& name) {
            uint64_t sum = 0;
            for (ColumnFamilyHandle* family : store->LiveFamilies()) {
                uint64_t value = 0;
                if (store->db->GetIntProperty(family, name, &value)) sum += value;
            }
            return sum;
        };
        out->memtable_bytes = total(rocksdb::DB::Properties::kSizeAllMemTables);
        out->table_reader_bytes = total(rocksdb::DB::Properties::kEstimateTableReadersMem);
        out->live_table_bytes = total(rocksdb::DB::Properties::kLiveSstFilesSize);
        out->pending_compaction_bytes =
            total(rocksdb::DB::Properties::kEstimatePendingCompactionBytes);
        out->keys_estimate = total(rocksdb::DB::Properties::kEstimateNumKeys);
        return Status::OK();
    });
}

wdb_result wdb_list_files(const char* path, void* context,
                          void (*report)(void* context, const wdb_stored_file* file)) {
    return Guarded([&] {
        std::vector<warbler::StoredFile> files;
        const Status status = warbler::ListDatabaseFiles(path, &files);
        for (const warbler::StoredFile& file : files) {
            wdb_stored_file out = {};
            out.name = file.name.c_str();
            out.file_class = file.encrypted ? file.header.file_class : 0;
            out.encrypted = file.encrypted;
            out.epoch = file.encrypted ? file.header.epoch : 0;
            out.bytes = file.bytes;
            report(context, &out);
        }
        return MakeResult(status);
    });
}
