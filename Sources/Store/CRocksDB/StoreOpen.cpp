// Opening and closing: options, family numbers, the encrypting environment.
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <set>

#include "Directory.h"
#include "Store.h"
#include "TableMAC.h"

using rocksdb::ColumnFamilyDescriptor;
using rocksdb::ColumnFamilyHandle;
using rocksdb::ColumnFamilyOptions;
using rocksdb::DB;
using rocksdb::Status;

wdb::~wdb() {
    // Whoever drops an open store abandons it like a crash would; nothing may dangle.
    warbler::CloseStore(this, false).PermitUncheckedError();
    for (wdb_snapshot* snapshot : snapshots) delete snapshot;
}

std::vector<ColumnFamilyHandle*> wdb::LiveFamilies() const {
    std::vector<ColumnFamilyHandle*> live;
    for (ColumnFamilyHandle* family : families) {
        if (family != nullptr) live.push_back(family);
    }
    return live;
}

rocksdb::Status wdb::Flush(bool wait) {
    rocksdb::FlushOptions options;
    options.wait = wait;
    options.allow_write_stall = true;
    return db->Flush(options, LiveFamilies());
}

namespace warbler {

namespace {

// A number nobody asked for is used up by a family of this name, which is then dropped.
const char* const kBurnedPrefix = "warbler-unused-";
constexpr uint32_t kFamilyNumberMax = 255;
// RocksDB's own default.
constexpr int kLevels = 7;
// Of the write buffer: some 40 bits for each row of 250 bytes.
constexpr double kMemtableFilterShare = 0.02;

bool IsBurned(const std::string& name) {
    return name.compare(0, strlen(kBurnedPrefix), kBurnedPrefix) == 0;
}

Status CheckOptions(const wdb_options& options) {
    if (options.path == nullptr || options.path[0] == 0) {
        return Status::InvalidArgument("no path");
    }
    if (options.family_count == 0) return Status::InvalidArgument("no column family");
    std::set<uint32_t> numbers;
    std::set<std::string> names;
    for (size_t i = 0; i < options.family_count; i++) {
        const wdb_family& family = options.families[i];
        const std::string name = family.name == nullptr ? "" : family.name;
        if (name.empty() || IsBurned(name) || (family.id == 0) != (name == "default")) {
            return Status::InvalidArgument("a refused family name: " + name);
        }
        if (family.id > kFamilyNumberMax) {
            return Status::InvalidArgument("family numbers end at 255: " + name);
        }
        if (!numbers.insert(family.id).second || !names.insert(name).second) {
            return Status::InvalidArgument("a family twice: " + name);
        }
    }
    if (numbers.count(0) == 0) return Status::InvalidArgument("the family default is missing");
    if (options.keyring != nullptr && !options.keyring->ring->HasCurrent()) {
        return Status::InvalidArgument("the key ring has no current key");
    }
    return Status::OK();
}

rocksdb::CompressionType CompressionOf(uint8_t face) {
    switch (face) {
        case WDB_COMPRESS_LZ4: return rocksdb::kLZ4Compression;
        case WDB_COMPRESS_ZSTD: return rocksdb::kZSTD;
        default: return rocksdb::kNoCompression;
    }
}

ColumnFamilyOptions FamilyOptions(const wdb_options& options, const wdb_family& family,
                                  const wdb& store) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = store.cache;
    table.block_size =
        family.block_bytes == 0 ? 8 * 1024 : std::max<uint32_t>(family.block_bytes, 1024);
    table.format_version = 5;
    // Counted against the cache, so that many files cannot grow the process.
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    if (family.bloom_bits_per_key > 0) {
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(family.bloom_bits_per_key));
    }

    ColumnFamilyOptions result;
    result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    result.compression = CompressionOf(family.compression);
    // What was just flushed is merged soon: packing it is for what stays.
    result.compression_per_level.assign(kLevels, result.compression);
    result.compression_per_level[0] = rocksdb::kNoCompression;
    result.write_buffer_size =
        family.write_buffer_bytes != 0 ? family.write_buffer_bytes : options.write_buffer_bytes;
    result.write_buffer_size = std::max<size_t>(result.write_buffer_size, 64 * 1024);
    // A family that gets three rows must not hold a megabyte for them.
    result.arena_block_size = 64 * 1024;
    result.max_write_buffer_number = 3;
    result.level_compaction_dynamic_level_bytes = true;
    if (family.memtable_filter) {
        result.memtable_prefix_bloom_size_ratio = kMemtableFilterShare;
        result.memtable_whole_key_filtering = true;
    }
    // A merge costs the files of level 0 and all of level 1: rare large ones write less in all.
    const int files = static_cast<int>(
        family.level_zero_files == 0 ? 4 : std::min<uint32_t>(family.level_zero_files, 64));
    result.level0_file_num_compaction_trigger = files;
    result.level0_slowdown_writes_trigger = files + 16;
    result.level0_stop_writes_trigger = files + 32;
    result.max_bytes_for_level_base =
        family.level_one_bytes == 0 ? 64 << 20 : family.level_one_bytes;
    result.target_file_size_base = family.table_bytes == 0 ? 16 << 20 : family.table_bytes;
    result.disable_auto_compactions = family.disable_auto_compaction;
    if (family.disable_auto_compaction) {
        // Ingested files pile up in such a family by intent.
        result.level0_slowdown_writes_trigger = 1 << 30;
        result.level0_stop_writes_trigger = 1 << 30;
        result.soft_pending_compaction_bytes_limit = 0;
        result.hard_pending_compaction_bytes_limit = 0;
    }
    if (family.insert_hint_prefix_bytes > 0 && options.single_writer) {
        result.memtable_insert_with_hint_prefix_extractor.reset(
            new InsertHint(family.insert_hint_prefix_bytes, store.hints_paused));
    }
    return result;
}

rocksdb::DBOptions DatabaseOptions(const wdb_options& options, const wdb& store) {
    rocksdb::DBOptions result;
    result.env = store.env;
    result.create_if_missing = options.create_if_missing;
    result.paranoid_checks = true;
    result.info_log = std::make_shared<InfoLog>(
        store.callbacks,
        static_cast<rocksdb::InfoLogLevel>(std::min<uint8_t>(options.log_level, 3)));
    result.info_log_level = result.info_log->GetInfoLogLevel();
    result.statistics = store.statistics;
    result.listeners.push_back(store.watch);
    // A failed sync or a full disk is the caller's to decide on, and the answer is to stop.
    result.max_bgerror_resume_count = 0;
    result.max_open_files = std::max<int32_t>(options.max_open_files, 32);
    result.max_background_jobs = std::max<int32_t>(options.background_jobs, 2);
    result.db_write_buffer_size = options.write_buffer_bytes;
    result.max_total_wal_size = options.wal_bytes_max;
    result.atomic_flush = options.atomic_flush;
    result.allow_concurrent_memtable_write = !options.single_writer;
    result.recycle_log_file_num = 0;
    result.allow_mmap_reads = false;
    result.allow_mmap_writes = false;
    result.use_direct_reads = false;
    result.use_direct_io_for_flush_and_compaction = false;
    result.write_dbid_to_manifest = true;
    if (store.keyring) result.file_checksum_gen_factory = NewTableMACFactory(store.keyring);
    // CloseStore flushes itself when asked to; a close without must leave what a crash leaves.
    result.avoid_flush_during_shutdown = true;
    result.max_manifest_file_size = 8 << 20;
    result.stats_dump_period_sec = 0;
    result.stats_persist_period_sec = 0;
    result.keep_log_file_num = 1;
    switch (options.wal_recovery) {
        case WDB_RECOVER_TORN_TAIL:
            result.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
            break;
        case WDB_RECOVER_ABSOLUTE:
            result.wal_recovery_mode = rocksdb::WALRecoveryMode::kAbsoluteConsistency;
            break;
        default: result.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    }
    return result;
}

// Creates one family and puts it under its number.
Status CreateFamily(const ColumnFamilyOptions& options, const std::string& name, wdb* store,
                    uint32_t* id) {
    ColumnFamilyHandle* handle = nullptr;
    Status status = store->db->CreateColumnFamily(options, name, &handle);
    if (!status.ok()) return status;
    *id = handle->GetID();
    if (store->families.size() <= *id) store->families.resize(*id + 1, nullptr);
    store->families[*id] = handle;
    return status;
}

Status DropFamily(uint32_t id, wdb* store) {
    ColumnFamilyHandle* handle = store->families[id];
    store->families[id] = nullptr;
    Status status = store->db->DropColumnFamily(handle);
    store->db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    return status;
}

// Creates what is missing in the order of the numbers, which RocksDB hands out one by one and
// never twice; a hole in the numbers is used up by a family that goes at once.
Status CreateMissing(const wdb_options& options, std::vector<const wdb_family*> missing,
                     wdb* store) {
    std::sort(missing.begin(), missing.end(),
              [](const wdb_family* a, const wdb_family* b) { return a->id < b->id; });
    uint32_t next = static_cast<uint32_t>(store->families.size());
    for (const wdb_family* family : missing) {
        const ColumnFamilyOptions wanted = FamilyOptions(options, *family, *store);
        uint32_t id = 0;
        while (next < family->id) {
            Status status =
                CreateFamily(wanted, kBurnedPrefix + std::to_string(next), store, &id);
            if (status.ok()) status = DropFamily(id, store);
            if (!status.ok()) return status;
            next = id + 1;
        }
        Status status = CreateFamily(wanted, family->name, store, &id);
        if (!status.ok()) return status;
        if (id != family->id) {
            DropFamily(id, store).PermitUncheckedError();
            return Status::InvalidArgument("the number " + std::to_string(family->id) +
                                           " of family " + family->name + " was used before");
        }
        next = id + 1;
    }
    return Status::OK();
}

// Opens the database with exactly the families it holds, then mends the difference to the
// families asked for.
Status OpenFamilies(const wdb_options& options, const rocksdb::DBOptions& database, wdb* store) {
    std::vector<std::string> present;
    const bool exists = store->env->FileExists(store->path + "/CURRENT").ok();
    if (exists) {
        Status status = DB::ListColumnFamilies(database, store->path, &present);
        if (!status.ok()) return status;
    } else {
        present = {"default"};
    }
    std::vector<ColumnFamilyDescriptor> descriptors;
    std::vector<const wdb_family*> asked;
    std::vector<const wdb_family*> missing;
    for (size_t i = 0; i < options.family_count; i++) {
        const wdb_family* family = &options.families[i];
        if (std::find(present.begin(), present.end(), family->name) == present.end()) {
            missing.push_back(family);
        }
    }
    for (const std::string& name : present) {
        const wdb_family* match = nullptr;
        for (size_t i = 0; i < options.family_count; i++) {
            if (name == options.families[i].name) match = &options.families[i];
        }
        if (match == nullptr && !IsBurned(name)) {
            return Status::InvalidArgument("the database holds a family nobody asked for: " + name);
        }
        asked.push_back(match);
        descriptors.emplace_back(name, match == nullptr
                                           ? ColumnFamilyOptions()
                                           : FamilyOptions(options, *match, *store));
    }
    if (options.read_only && !missing.empty()) {
        return Status::InvalidArgument(std::string("no family ") + missing[0]->name);
    }

    // Recovery replays range deletions.
    const HintPause pause(store->hints_paused.get());
    std::vector<ColumnFamilyHandle*> handles;
    DB* opened = nullptr;
    Status status =
        options.read_only
            ? DB::OpenForReadOnly(database, store->path, descriptors, &handles, &opened)
            : DB::Open(database, store->path, descriptors, &handles, &opened);
    if (!status.ok()) return status;
    store->db.reset(opened);
    for (ColumnFamilyHandle* handle : handles) {
        const uint32_t id = handle->GetID();
        if (store->families.size() <= id) store->families.resize(id + 1, nullptr);
        store->families[id] = handle;
    }
    for (size_t i = 0; i < handles.size(); i++) {
        const uint32_t id = handles[i]->GetID();
        if (asked[i] == nullptr) {
            if (!options.read_only) status = DropFamily(id, store);
        } else if (asked[i]->id != id) {
            status = Status::InvalidArgument("family " + present[i] + " has number " +
                                             std::to_string(id) + " here");
        }
        if (!status.ok()) return status;
    }
    return CreateMissing(options, missing, store);
}

}  // namespace

Status OpenStore(const wdb_options& options, wdb* store) {
    Status status = CheckOptions(options);
    if (!status.ok()) return status;
    store->path = options.path;
    store->use_wal = options.use_wal;
    store->atomic_flush = options.atomic_flush;
    const auto base = rocksdb::FileSystem::Default();
    if (options.keyring != nullptr) {
        store->keyring = options.keyring->ring;
        status = PrepareEncryptedDirectory(store->path, *store->keyring, options.read_only);
        if (!status.ok()) return status;
        store->file_system = std::make_shared<EncryptedFileSystem>(base, store->keyring);
        store->owned_env = rocksdb::NewCompositeEnv(store->file_system);
        store->env = store->owned_env.get();
    } else {
        store->env = rocksdb::Env::Default();
    }
    // Two shards at 32 MiB: more of them would leave none large enough for one big block.
    store->cache = rocksdb::NewLRUCache(std::max<uint64_t>(options.cache_bytes, 1 << 20), 2);
    store->statistics = rocksdb::CreateDBStatistics();
    store->statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);
    store->watch = std::make_shared<BackgroundWatch>(store->callbacks);

    status = OpenFamilies(options, DatabaseOptions(options, *store), store);
    if (!status.ok()) {
        CloseStore(store, false).PermitUncheckedError();
        // RocksDB may have wrapped the cause into something vaguer.
        if (store->file_system) {
            const std::string trouble = store->file_system->KeyTrouble();
            if (!trouble.empty()) return Status::IOError(trouble);
        }
    }
    return status;
}

Status Remember(wdb* store, const Status& status) {
    if (!status.ok()) {
        std::lock_guard lock(store->failure_mutex);
        if (!store->failed.load(std::memory_order_relaxed)) {
            store->failure = status;
            store->failed.store(true, std::memory_order_release);
        }
    }
    return status;
}

Status CloseStore(wdb* store, bool flush) {
    store->closed.store(true, std::memory_order_release);
    std::unique_lock lock(store->gate);
    if (store->db == nullptr) return Status::OK();
    Status status;
    if (flush && store->failed.load()) {
        status = store->failure;
    } else if (flush) {
        status = store->use_wal ? store->db->FlushWAL(true) : store->Flush(true);
    }
    {
        std::lock_guard snapshots(store->snapshot_mutex);
        for (wdb_snapshot* snapshot : store->snapshots) {
            store->db->ReleaseSnapshot(snapshot->snapshot);
            snapshot->snapshot = nullptr;
        }
    }
    for (ColumnFamilyHandle* family : store->LiveFamilies()) {
        store->db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
    }
    store->families.clear();
    const Status closing = store->db->Close();
    store->db.reset();
    if (status.ok()) status = closing;
    return status;
}

}  // namespace warbler
