// Which of sixteen bytes are of a kind, as sixteen bits, the lowest for the first: what parsers and escapers scan with.
// In C because Swift 6.3 compiles comparisons of SIMD16 to loops, and has no way to make bits of their result.
#ifndef APUS_BYTE_VECTORS_H
#define APUS_BYTE_VECTORS_H

#include <stdint.h>
#include <string.h>

typedef uint8_t apus_bytes16 __attribute__((ext_vector_type(16)));

static inline apus_bytes16 apus_load16(const void *place) {
    apus_bytes16 bytes;
    memcpy(&bytes, place, 16);
    return bytes;
}

// The clang idiom for "one bit for each lane": a vector of booleans.
#define APUS_BITS(condition)                                                                                    \
    typedef _Bool apus_lanes __attribute__((ext_vector_type(16)));                                              \
    apus_lanes lanes = __builtin_convertvector(condition, apus_lanes);                                          \
    uint16_t bits;                                                                                              \
    memcpy(&bits, &lanes, 2);                                                                                   \
    return bits

static inline uint32_t apus_equal16(const void *place, uint8_t byte) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS(v == byte);
}
// What may not be in a field's value: control characters other than HTAB.
static inline uint32_t apus_control16(const void *place) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS(((v < 0x20) & (v != 0x09)) | (v == 0x7F));
}
// What ends a request target or begins its query: anything but visible ASCII, '#' and '?'.
static inline uint32_t apus_target_end16(const void *place) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS((v < 0x21) | (v > 0x7E) | (v == '#') | (v == '?'));
}
// What a path is looked at for: '%', '.', '\' and control characters.
static inline uint32_t apus_path16(const void *place) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS((v < 0x20) | (v == 0x7F) | (v == '%') | (v == '.') | (v == '\\'));
}
// What is escaped in a JSON string that may stand in HTML: control characters, '"', '\' and '<'.
static inline uint32_t apus_json16(const void *place) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS((v < 0x20) | (v == '"') | (v == '\\') | (v == '<'));
}
// What a line of the log looks at before it copies: what JSON escapes, and everything beyond ASCII.
static inline uint32_t apus_log16(const void *place) {
    apus_bytes16 v = apus_load16(place);
    APUS_BITS((v < 0x20) | (v > 0x7F) | (v == '"') | (v == '\\'));
}

#undef APUS_BITS
#endif
