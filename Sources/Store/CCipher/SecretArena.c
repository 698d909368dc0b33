#define _GNU_SOURCE
#include "CCipher.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// Slots come from chunks with a page without access on either side, so that running past the
// end of a neighbour stops the process instead of reading keys. A free slot holds the address
// of the next free one.
enum { chunk_count = 64 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *free_slots;
static size_t locked_count, unlocked_count;

static void add_chunk(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *whole = mmap(NULL, chunk_count + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    if (whole == MAP_FAILED || mprotect(whole + page, chunk_count, PROT_READ | PROT_WRITE) != 0) {
        fputs("no memory left for keys\n", stderr);
        abort();
    }
    uint8_t *chunk = whole + page;
    // Best effort: the limit on locked memory may be small. `doctor` reports what is not.
    if (mlock(chunk, chunk_count) == 0)
        locked_count += chunk_count;
    else
        unlocked_count += chunk_count;
#ifdef MADV_DONTDUMP
    madvise(chunk, chunk_count, MADV_DONTDUMP);
#endif
#ifdef MADV_WIPEONFORK
    // A child process has no use for keys.
    madvise(chunk, chunk_count, MADV_WIPEONFORK);
#endif
    for (size_t at = chunk_count; at >= warbler_secret_slot_count;
         at -= warbler_secret_slot_count) {
        void *slot = chunk + at - warbler_secret_slot_count;
        *(void **)slot = free_slots;
        free_slots = slot;
    }
}

void *warbler_secret_take(void) {
    pthread_mutex_lock(&lock);
    if (!free_slots) add_chunk();
    void *slot = free_slots;
    free_slots = *(void **)slot;
    *(void **)slot = NULL;
    pthread_mutex_unlock(&lock);
    return slot;
}

void warbler_secret_give(void *slot) {
    OPENSSL_cleanse(slot, warbler_secret_slot_count);
    pthread_mutex_lock(&lock);
    *(void **)slot = free_slots;
    free_slots = slot;
    pthread_mutex_unlock(&lock);
}

void warbler_secret_usage(size_t *locked, size_t *unlocked) {
    pthread_mutex_lock(&lock);
    *locked = locked_count;
    *unlocked = unlocked_count;
    pthread_mutex_unlock(&lock);
}

int warbler_forbid_dumps(void) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
}
