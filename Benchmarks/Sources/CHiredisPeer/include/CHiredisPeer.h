// A client of Redis as one writes it in C: hiredis' asynchronous interface over epoll, on one thread.
#pragma once
#include <stddef.h>

// Asks for `commands` keys by GET, `depth` of them at any time, on one connection to a port of loopback; keys are
// taken in turn. Returns the nanoseconds of this thread's CPU that a command took, connecting not counted, or a negative
// number where something went wrong. The sum of the values' lengths goes to `bytes`.
double hiredis_peer_run(int port, const char *const *keys, size_t key_count, long commands, int depth, long *bytes);
