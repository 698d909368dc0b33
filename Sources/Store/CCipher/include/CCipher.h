// The few primitives the store needs from OpenSSL's libcrypto and from libargon2.
//
// Algorithms are fetched once per process and contexts once per thread: a lookup per call
// costs more than the work itself. Every function may be called from any thread.
// Unless said otherwise a function returns 1 on success and 0 when libcrypto failed.
#ifndef WARBLER_CCIPHER_H
#define WARBLER_CCIPHER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    warbler_digest_count = 32,
    warbler_key_count = 32,
    warbler_nonce_count = 12,
    warbler_tag_count = 16,
    warbler_secret_slot_count = 64,
};

// SHA-256 over two pieces, either of which may be empty.
int warbler_sha256(const void *first, size_t first_count, const void *second,
                   size_t second_count, uint8_t *digest);

// SHA-256 piece by piece. `finish` frees the state; so does `drop`.
typedef struct warbler_sha256_state warbler_sha256_state;
warbler_sha256_state *warbler_sha256_begin(void);
int warbler_sha256_update(warbler_sha256_state *state, const void *bytes, size_t count);
int warbler_sha256_finish(warbler_sha256_state *state, uint8_t *digest);
void warbler_sha256_drop(warbler_sha256_state *state);

// HMAC-SHA-256 (RFC 2104) over two pieces.
int warbler_hmac_sha256(const void *key, size_t key_count, const void *first,
                        size_t first_count, const void *second, size_t second_count,
                        uint8_t *mac);

// HKDF-Expand (RFC 5869) with SHA-256; `info` is the two pieces joined. At most 255 blocks.
int warbler_hkdf_expand(const uint8_t *prk, const void *first, size_t first_count,
                        const void *second, size_t second_count, uint8_t *out,
                        size_t out_count);

// AES-256-GCM. `out` holds `count` + 16 bytes: ciphertext, then tag.
int warbler_gcm_seal(const uint8_t *key, const uint8_t *nonce, const void *aad,
                     size_t aad_count, const void *plaintext, size_t count, uint8_t *out);

// Opens `count` bytes of ciphertext and tag into `count` - 16 bytes.
// Returns 1, or 0 when the tag does not fit (then `out` is zeroed), or -1 when libcrypto failed.
int warbler_gcm_open(const uint8_t *key, const uint8_t *nonce, const void *aad,
                     size_t aad_count, const void *sealed, size_t count, uint8_t *out);

// Argon2id, version 1.3. Returns 0, or libargon2's error code.
int warbler_argon2id(uint32_t passes, uint32_t memory_kib, uint32_t lanes,
                     const void *password, size_t password_count, const void *salt,
                     size_t salt_count, uint8_t *out, size_t out_count);

// 1 when both hold the same bytes, in a time that depends on the count only.
int warbler_equal(const void *a, const void *b, size_t count);

// Overwrites with zeros; the compiler may not leave it out.
void warbler_zero(void *bytes, size_t count);

// Bytes from the kernel. Returns 0 only where the kernel has no getrandom.
int warbler_getrandom(void *bytes, size_t count);

// A 64-byte slot for a key: on pages that are kept out of core dumps and, where the limit on
// locked memory allows it, out of swap. Aborts when the machine has no memory left.
void *warbler_secret_take(void);
// Zeroes the slot and gives it back.
void warbler_secret_give(void *slot);
// Nobody without the right to read all of this machine's memory reads this process's: no core
// dumps, no tracing by others of the same user. Returns whether that holds.
int warbler_forbid_dumps(void);
// How many bytes of slots could be locked, and how many could not.
void warbler_secret_usage(size_t *locked, size_t *unlocked);

#ifdef __cplusplus
}
#endif
#endif
