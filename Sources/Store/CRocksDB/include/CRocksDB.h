// A C face over RocksDB and its encrypting file system (Specs/Formats/EncryptedFile.md).
//
// Rules of this face:
// - No call throws, and no input makes it abort: Debian builds RocksDB with assertions on, so
//   whatever could trip one is refused here first.
// - A result's message is malloc'ed, names files and never keys; free it with wdb_free. It is
//   NULL when the code is WDB_OK.
// - Pointers handed to a callback are valid during that call only.
#ifndef WARBLER_CROCKSDB_H
#define WARBLER_CROCKSDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WDB_OK = 0,
    WDB_CORRUPTION = 1,
    WDB_IO_ERROR = 2,
    WDB_NO_SPACE = 3,
    WDB_WRONG_KEY = 4,
    WDB_UNKNOWN_EPOCH = 5,
    WDB_PLAINTEXT = 6,
    WDB_BUSY = 7,
    WDB_INVALID = 8,
    WDB_CLOSED = 9,
    WDB_NOT_FOUND = 10,
};

typedef struct {
    int32_t code;
    char *message;
} wdb_result;

void wdb_free(void *pointer);

// MARK: keys

enum { WDB_KEY_BYTES = 32, WDB_STORE_ID_BYTES = 16, WDB_HEADER_BYTES = 4096, WDB_EPOCHS_MAX = 256 };

// What a file holds; part of its key derivation.
enum {
    WDB_CLASS_TABLE = 1,
    WDB_CLASS_LOG = 2,
    WDB_CLASS_MANIFEST = 3,
    WDB_CLASS_RAFT = 4,
    WDB_CLASS_AUDIT = 5,
    WDB_CLASS_INFO_LOG = 6,
    WDB_CLASS_SPOOL = 7,
    WDB_CLASS_TEMPORARY = 8,
    WDB_CLASS_MEDIA = 9,
};

// The data keys of one store by epoch, in memory that is neither swapped nor dumped.
// Thread-safe; counted by every store opened with it.
typedef struct wdb_keyring wdb_keyring;

wdb_keyring *wdb_keyring_new(const uint8_t store_id[16]);
void wdb_keyring_free(wdb_keyring *ring);
// Adds or confirms a key. WDB_INVALID when the epoch already has another key or the ring is full.
wdb_result wdb_keyring_add(wdb_keyring *ring, uint32_t epoch, const uint8_t key[32]);
// New files are written under this epoch from now on.
wdb_result wdb_keyring_set_current(wdb_keyring *ring, uint32_t epoch);
// Forgets a key and wipes it. WDB_INVALID for the current one.
wdb_result wdb_keyring_remove(wdb_keyring *ring, uint32_t epoch);
uint32_t wdb_keyring_current(const wdb_keyring *ring);

// MARK: whole files that are not RocksDB's

// The size of a sealed file that holds `plain` bytes.
uint64_t wdb_sealed_size(uint64_t plain);
// Seals `count` bytes into `out`, which holds wdb_sealed_size(count) bytes.
wdb_result wdb_seal(const wdb_keyring *ring, uint8_t file_class, const uint8_t *plain, size_t count,
                    uint8_t *out);
// Opens a sealed file into `out`, which holds at least `count` bytes; *opened is the plain size.
wdb_result wdb_unseal(const wdb_keyring *ring, uint8_t file_class, const uint8_t *sealed,
                      size_t count, uint8_t *out, size_t *opened);

// One sealed file, frame by frame, for files too large to hold. A frame is 65,536 plain bytes.
enum { WDB_FRAME_BYTES = 65536, WDB_FRAME_TAG_BYTES = 16 };
typedef struct wdb_frames wdb_frames;
// Starts a new file: writes its header.
wdb_result wdb_frames_create(const wdb_keyring *ring, uint8_t file_class, uint8_t header[4096],
                             wdb_frames **out);
// Reads an existing file's header.
wdb_result wdb_frames_open(const wdb_keyring *ring, uint8_t file_class, const uint8_t header[4096],
                           wdb_frames **out);
// `out` holds count + 16 bytes. Every frame but the last holds 65,536 bytes. A frame number is
// sealed at most once: numbers must rise, else WDB_INVALID.
wdb_result wdb_frames_seal(wdb_frames *frames, uint64_t number, bool final, const uint8_t *plain,
                           size_t count, uint8_t *out);
// `out` holds count - 16 bytes.
wdb_result wdb_frames_unseal(wdb_frames *frames, uint64_t number, bool final,
                             const uint8_t *sealed, size_t count, uint8_t *out);
void wdb_frames_free(wdb_frames *frames);

// MARK: opening

typedef struct wdb wdb;

enum { WDB_COMPRESS_NONE = 0, WDB_COMPRESS_LZ4 = 1, WDB_COMPRESS_ZSTD = 2 };
enum { WDB_RECOVER_POINT_IN_TIME = 0, WDB_RECOVER_TORN_TAIL = 1, WDB_RECOVER_ABSOLUTE = 2 };

typedef struct {
    const char *name;
    uint32_t id;
    uint8_t compression;
    uint8_t bloom_bits_per_key;          // 0: no filter
    uint8_t insert_hint_prefix_bytes;    // 0: none; keys that share it are inserted in order
    bool disable_auto_compaction;
    uint32_t block_bytes;
    uint64_t write_buffer_bytes;         // 0: the store's default
    bool memtable_filter;                // absent keys are told without a search in memory
    uint32_t level_zero_files;           // flushes before they are merged; 0: 4, at most 64
    uint64_t level_one_bytes;            // 0: 64 MiB
    uint64_t table_bytes;                // of a merged file; 0: 16 MiB
} wdb_family;

typedef struct {
    const char *path;
    const wdb_family *families;          // all of them, `default` included
    size_t family_count;
    wdb_keyring *keyring;                // NULL: plain files, for benchmarks only
    bool create_if_missing;
    bool use_wal;
    bool atomic_flush;
    bool single_writer;
    bool read_only;
    uint8_t wal_recovery;
    int32_t max_open_files;
    int32_t background_jobs;
    uint64_t cache_bytes;
    uint64_t write_buffer_bytes;         // over all families
    uint64_t wal_bytes_max;
    uint8_t log_level;                   // 0 debug, 1 info, 2 warning, 3 error
    void *context;
    void (*log)(void *context, uint8_t level, const char *text, size_t count);
    // A flush, compaction or MANIFEST write failed in the background; the store refuses writes.
    void (*background_error)(void *context, int32_t code, const char *text);
    // Called once, when no more callback can come. Also when opening fails.
    void (*release)(void *context);
} wdb_options;

wdb_result wdb_open(const wdb_options *options, wdb **out);
// Waits for calls under way, then closes. With `flush` everything written is durable after it;
// without, only what a log sync or a flush made durable is: what a crash would leave.
// Calls after it answer WDB_CLOSED. The handle stays valid until wdb_release.
wdb_result wdb_close(wdb *db, bool flush);
void wdb_release(wdb *db);

// MARK: reading and writing

// `rep` is a RocksDB write batch. Checked whole before any of it is applied.
wdb_result wdb_write(wdb *db, const uint8_t *rep, size_t count, bool sync);

typedef struct wdb_snapshot wdb_snapshot;
// NULL when the store is closed. A snapshot may outlive wdb_close, not wdb_release.
wdb_snapshot *wdb_snapshot_new(wdb *db);
void wdb_snapshot_free(wdb *db, wdb_snapshot *snapshot);

typedef void (*wdb_value_fn)(void *context, size_t index, const uint8_t *value, size_t count);

// Calls `found` once when the key is there. A NULL snapshot reads the newest state.
wdb_result wdb_get(wdb *db, const wdb_snapshot *snapshot, uint32_t family, const uint8_t *key,
                   size_t count, void *context, wdb_value_fn found);
// `keys` are laid end to end. Calls `found` for each key that is there.
wdb_result wdb_multi_get(wdb *db, const wdb_snapshot *snapshot, uint32_t family,
                         const uint8_t *keys, const size_t *counts, size_t key_count,
                         void *context, wdb_value_fn found);

typedef bool (*wdb_row_fn)(void *context, const uint8_t *key, size_t key_count,
                           const uint8_t *value, size_t value_count);
// lower ≤ key < upper; an empty upper is the end. `row` returns false to stop.
wdb_result wdb_scan(wdb *db, const wdb_snapshot *snapshot, uint32_t family, const uint8_t *lower,
                    size_t lower_count, const uint8_t *upper, size_t upper_count, bool reverse,
                    void *context, wdb_row_fn row);

// MARK: maintenance

// All families together.
wdb_result wdb_flush(wdb *db, bool wait);
wdb_result wdb_sync_wal(wdb *db);
wdb_result wdb_compact_range(wdb *db, uint32_t family, const uint8_t *lower, size_t lower_count,
                             const uint8_t *upper, size_t upper_count, bool bottommost);
wdb_result wdb_checkpoint(wdb *db, const char *path);
// Reads every table whole and compares its keyed checksum; in a plain store, block checksums.
wdb_result wdb_verify_checksums(wdb *db);
wdb_result wdb_ingest(wdb *db, uint32_t family, const char *const *paths, size_t count);
// Flushes, then rewrites every table that is not under the key ring's current epoch.
wdb_result wdb_rewrite_old_epochs(wdb *db);

typedef struct wdb_table wdb_table;
wdb_result wdb_table_new(wdb *db, uint32_t family, const char *path, wdb_table **out);
wdb_result wdb_table_put(wdb_table *table, const uint8_t *key, size_t key_count,
                         const uint8_t *value, size_t value_count);
// Synced when it returns WDB_OK. Frees the writer in any case; `keep` false drops the file.
wdb_result wdb_table_finish(wdb_table *table, bool keep);

// MARK: looking

typedef struct {
    const char *name;
    uint32_t family;
    int32_t level;
    uint64_t bytes;
    uint64_t entries;
    uint64_t deletions;
    const uint8_t *smallest, *largest;
    size_t smallest_count, largest_count;
} wdb_live_file;
wdb_result wdb_live_files(wdb *db, void *context,
                          void (*file)(void *context, const wdb_live_file *file));

typedef struct {
    uint64_t wal_syncs;
    uint64_t wal_bytes;
    uint64_t bytes_written;
    uint64_t flushed_bytes;
    uint64_t compacted_bytes;
    uint64_t block_cache_hits;
    uint64_t block_cache_misses;
    uint64_t bloom_useful;
    uint64_t stall_micros;
    uint64_t memtable_bytes;
    uint64_t cache_bytes;
    uint64_t table_reader_bytes;
    uint64_t live_table_bytes;
    uint64_t pending_compaction_bytes;
    uint64_t background_errors;
    uint64_t keys_estimate;
} wdb_statistics;
wdb_result wdb_read_statistics(wdb *db, wdb_statistics *out);

typedef struct {
    const char *name;
    uint8_t file_class;                  // 0 when the file has no header
    bool encrypted;
    uint32_t epoch;
    uint64_t bytes;                      // on disk, header included
} wdb_stored_file;
// The database files of a directory with what their headers say, unauthenticated. No key needed.
wdb_result wdb_list_files(const char *path, void *context,
                          void (*file)(void *context, const wdb_stored_file *file));

#ifdef __cplusplus
}
#endif
#endif
