#include "CCipher.h"

#include <argon2.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <errno.h>

// Fetched once: EVP_sha256() and EVP_aes_256_gcm() would be looked up again on every use.
static EVP_MD *sha256_algorithm;
static EVP_CIPHER *gcm_algorithm;
static pthread_key_t contexts_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

typedef struct {
    EVP_MD_CTX *digest;
    EVP_CIPHER_CTX *seal;
    EVP_CIPHER_CTX *open;
} contexts;

static _Thread_local contexts *mine;

static void free_contexts(void *value) {
    contexts *those = value;
    EVP_MD_CTX_free(those->digest);
    EVP_CIPHER_CTX_free(those->seal);
    EVP_CIPHER_CTX_free(those->open);
    free(those);
    mine = NULL;
}

static void fetch_algorithms(void) {
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    gcm_algorithm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    pthread_key_create(&contexts_key, free_contexts);
}

static contexts *make_contexts(void) {
    pthread_once(&once, fetch_algorithms);
    if (!sha256_algorithm || !gcm_algorithm) return NULL;
    contexts *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    made->digest = EVP_MD_CTX_new();
    made->seal = EVP_CIPHER_CTX_new();
    made->open = EVP_CIPHER_CTX_new();
    if (!made->digest || !made->seal || !made->open
        || !EVP_EncryptInit_ex2(made->seal, gcm_algorithm, NULL, NULL, NULL)
        || !EVP_DecryptInit_ex2(made->open, gcm_algorithm, NULL, NULL, NULL)) {
        free_contexts(made);
        return NULL;
    }
    pthread_setspecific(contexts_key, made);
    mine = made;
    return made;
}

static inline contexts *current(void) { return mine ? mine : make_contexts(); }

static int sha256_parts(EVP_MD_CTX *digest, const void *block, size_t block_count,
                        const void *first, size_t first_count, const void *second,
                        size_t second_count, const void *third, size_t third_count,
                        uint8_t *out) {
    return EVP_DigestInit_ex2(digest, sha256_algorithm, NULL)
        && (!block_count || EVP_DigestUpdate(digest, block, block_count))
        && (!first_count || EVP_DigestUpdate(digest, first, first_count))
        && (!second_count || EVP_DigestUpdate(digest, second, second_count))
        && (!third_count || EVP_DigestUpdate(digest, third, third_count))
        && EVP_DigestFinal_ex(digest, out, NULL);
}

int warbler_sha256(const void *first, size_t first_count, const void *second,
                   size_t second_count, uint8_t *digest) {
    contexts *own = current();
    return own
        && sha256_parts(own->digest, NULL, 0, first, first_count, second, second_count, NULL, 0,
                        digest);
}

struct warbler_sha256_state {
    EVP_MD_CTX *digest;
};

warbler_sha256_state *warbler_sha256_begin(void) {
    if (!current()) return NULL;
    warbler_sha256_state *state = malloc(sizeof *state);
    if (!state) return NULL;
    state->digest = EVP_MD_CTX_new();
    if (!state->digest || !EVP_DigestInit_ex2(state->digest, sha256_algorithm, NULL)) {
        warbler_sha256_drop(state);
        return NULL;
    }
    return state;
}

int warbler_sha256_update(warbler_sha256_state *state, const void *bytes, size_t count) {
    return count == 0 || EVP_DigestUpdate(state->digest, bytes, count);
}

int warbler_sha256_finish(warbler_sha256_state *state, uint8_t *digest) {
    int done = EVP_DigestFinal_ex(state->digest, digest, NULL);
    warbler_sha256_drop(state);
    return done;
}

void warbler_sha256_drop(warbler_sha256_state *state) {
    EVP_MD_CTX_free(state->digest);
    free(state);
}

enum { hmac_block_count = 64 };

static int hmac_parts(const void *key, size_t key_count, const void *first, size_t first_count,
                      const void *second, size_t second_count, const void *third,
                      size_t third_count, uint8_t *mac) {
    contexts *own = current();
    if (!own) return 0;
    uint8_t padded[hmac_block_count] = {0};
    uint8_t inner[warbler_digest_count];
    if (key_count > hmac_block_count) {
        if (!sha256_parts(own->digest, NULL, 0, key, key_count, NULL, 0, NULL, 0, padded))
            return 0;
    } else if (key_count) {
        memcpy(padded, key, key_count);
    }
    for (int i = 0; i < hmac_block_count; i++) padded[i] ^= 0x36;
    int done = sha256_parts(own->digest, padded, hmac_block_count, first, first_count, second,
                            second_count, third, third_count, inner);
    for (int i = 0; i < hmac_block_count; i++) padded[i] ^= 0x36 ^ 0x5c;
    done = done
        && sha256_parts(own->digest, padded, hmac_block_count, inner, sizeof inner, NULL, 0, NULL, 0,
                        mac);
    OPENSSL_cleanse(padded, sizeof padded);
    OPENSSL_cleanse(inner, sizeof inner);
    return done;
}

int warbler_hmac_sha256(const void *key, size_t key_count, const void *first,
                        size_t first_count, const void *second, size_t second_count,
                        uint8_t *mac) {
    return hmac_parts(key, key_count, first, first_count, second, second_count, NULL, 0, mac);
}

// Joins previous block, info and counter through the three pieces of one HMAC. The info comes
// in two pieces, so a block after the first hashes previous ‖ first as one piece.
int warbler_hkdf_expand(const uint8_t *prk, const void *first, size_t first_count,
                        const void *second, size_t second_count, uint8_t *out,
                        size_t out_count) {
    if (out_count > 255 * (size_t)warbler_digest_count) return 0;
    uint8_t block[warbler_digest_count];
    uint8_t *joined = NULL;
    size_t info_count = first_count + second_count;
    int done = 1;
    for (uint8_t counter = 1; out_count > 0 && done; counter++) {
        if (counter == 1) {
            done = hmac_parts(prk, warbler_digest_count, first, first_count, second,
                              second_count, &counter, 1, block);
        } else {
            if (!joined) {
                joined = malloc(info_count + 1);
                if (!joined) { done = 0; break; }
                if (first_count) memcpy(joined, first, first_count);
                if (second_count) memcpy(joined + first_count, second, second_count);
            }
            done = hmac_parts(prk, warbler_digest_count, block, sizeof block, joined,
                              info_count, &counter, 1, block);
        }
        size_t taken = out_count < sizeof block ? out_count : sizeof block;
        memcpy(out, block, taken);
        out += taken;
        out_count -= taken;
    }
    free(joined);
    OPENSSL_cleanse(block, sizeof block);
    return done;
}

int warbler_gcm_seal(const uint8_t *key, const uint8_t *nonce, const void *aad,
                     size_t aad_count, const void *plaintext, size_t count, uint8_t *out) {
    contexts *own = current();
    int written = 0;
    if (!own || count > INT_MAX - 32 || aad_count > INT_MAX) return 0;
    if (!EVP_EncryptInit_ex2(own->seal, NULL, key, nonce, NULL)) return 0;
    if (aad_count && !EVP_EncryptUpdate(own->seal, NULL, &written, aad, (int)aad_count)) return 0;
    if (count && !EVP_EncryptUpdate(own->seal, out, &written, plaintext, (int)count)) return 0;
    return EVP_EncryptFinal_ex(own->seal, out + count, &written)
        && EVP_CIPHER_CTX_ctrl(own->seal, EVP_CTRL_AEAD_GET_TAG, warbler_tag_count, out + count);
}

int warbler_gcm_open(const uint8_t *key, const uint8_t *nonce, const void *aad,
                     size_t aad_count, const void *sealed, size_t count, uint8_t *out) {
    contexts *own = current();
    int written = 0;
    if (!own || count > INT_MAX - 32 || aad_count > INT_MAX) return -1;
    if (count < warbler_tag_count) return 0;
    size_t body = count - warbler_tag_count;
    if (!EVP_DecryptInit_ex2(own->open, NULL, key, nonce, NULL)) return -1;
    if (aad_count && !EVP_DecryptUpdate(own->open, NULL, &written, aad, (int)aad_count)) return -1;
    if (body && !EVP_DecryptUpdate(own->open, out, &written, sealed, (int)body)) return -1;
    uint8_t tag[warbler_tag_count];
    memcpy(tag, (const uint8_t *)sealed + body, sizeof tag);
    if (!EVP_CIPHER_CTX_ctrl(own->open, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag)) return -1;
    if (EVP_DecryptFinal_ex(own->open, tag, &written) > 0) return 1;
    // Bytes whose tag does not fit must not reach the caller, not even by accident.
    OPENSSL_cleanse(out, body);
    return 0;
}

int warbler_argon2id(uint32_t passes, uint32_t memory_kib, uint32_t lanes,
                     const void *password, size_t password_count, const void *salt,
                     size_t salt_count, uint8_t *out, size_t out_count) {
    return argon2id_hash_raw(passes, memory_kib, lanes, password, password_count, salt,
                             salt_count, out, out_count);
}

int warbler_equal(const void *a, const void *b, size_t count) {
    return CRYPTO_memcmp(a, b, count) == 0;
}

void warbler_zero(void *bytes, size_t count) { OPENSSL_cleanse(bytes, count); }

int warbler_getrandom(void *bytes, size_t count) {
    uint8_t *next = bytes;
    while (count > 0) {
        ssize_t taken = getrandom(next, count, 0);
        if (taken < 0) {
            if (errno == EINTR) continue;
            return 0;
        }
        next += taken;
        count -= (size_t)taken;
    }
    return 1;
}
