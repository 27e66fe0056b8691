// What Swift cannot import from Linux's headers: macros, unions, errno, variadic calls and relaxed atomics.
// No logic: every function is one expression or one system call.
#ifndef APUS_CLINUX_H
#define APUS_CLINUX_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "ByteVectors.h"

int apus_errno(void);
void apus_set_errno(int e);
// Clocks, in nanoseconds.
int64_t apus_monotonic(void);
int64_t apus_realtime(void);
// Processor time of the calling thread.
int64_t apus_thread_cpu(void);
// epoll: the data union as a plain 64-bit number.
int apus_epoll_create(void);
int apus_epoll_add(int ep, int fd, uint32_t events, uint64_t data);
int apus_epoll_del(int ep, int fd);
uint64_t apus_epoll_data(const struct epoll_event *e);
uint32_t apus_epoll_events(const struct epoll_event *e);
int apus_epoll_wait(int ep, struct epoll_event *events, int max, int64_t nanoseconds);
int apus_eventfd(void);
int apus_pidfd_open(pid_t pid);
int apus_pidfd_signal(int pidfd, int sig);
// waitid on a pidfd; returns 0 and fills code (exit status, or 128 + signal) once the child has ended.
int apus_pidfd_wait(int pidfd, int *code);
// Sockets.
int apus_bind_inet(int fd, uint32_t address, uint16_t port);
int apus_connect_inet(int fd, uint32_t address, uint16_t port);
// The port a socket is bound to, in host order, or -1.
int apus_local_port(int fd);
// The IPv4 address at the other end, in host order; 0 where there is none.
uint32_t apus_peer_address(int fd);
// The port at the other end, in host order; -1 where there is none.
int apus_peer_port(int fd);
int apus_bind_unix(int fd, const char *path);
int apus_connect_unix(int fd, const char *path);
int apus_socket(int family, int type);
int apus_accept(int fd);
ssize_t apus_send(int fd, const void *bytes, size_t count);
ssize_t apus_send_more(int fd, const void *bytes, size_t count);
ssize_t apus_recv(int fd, void *bytes, size_t count);
ssize_t apus_peek(int fd, void *bytes, size_t count);
// Bytes that have arrived and were not read yet, or -1.
int apus_bytes_waiting(int fd);
int apus_set_int_option(int fd, int level, int name, int value);
int apus_get_int_option(int fd, int level, int name, int *value);
// The uid at the other end of a Unix socket, or -1.
int64_t apus_peer_uid(int fd);
// Files.
int apus_open(const char *path, int flags, mode_t mode);
// Opens a name in an open folder, without following a link and without waiting.
int apus_open_in(int folder, const char *name, int flags);
int apus_fcntl_int(int fd, int command, int value);
// An exclusive whole-file lock owned by the open file description: released when its last descriptor closes.
int apus_lock_file(int fd, int wait);
// Any number of holders that only read; nobody has the other lock meanwhile. Does not wait.
int apus_share_file(int fd);
int apus_unlock_file(int fd);
int apus_stderr(void);
ssize_t apus_random(void *bytes, size_t count);
int apus_mkdir(const char *path, mode_t mode);
int apus_stat(const char *path, struct stat *out);
int apus_fstat(int fd, struct stat *out);
// Starts a program in its own process group. fds[i] becomes descriptor i of the child; returns the pid or -errno.
// With parent_death set the child gets that signal when the thread that started it ends.
int apus_spawn(const char *path, char *const argv[], char *const envp[], const int *fds, int fd_count, const char *directory, int parent_death);
int apus_signalfd(const int *signals, int count);
int apus_signalfd_read(int fd);
void apus_ignore_sigpipe(void);
// A file that may not grow (RLIMIT_FSIZE) is then an error of the write, EFBIG, as on a full disk, not the process's end.
void apus_ignore_sigxfsz(void);
int apus_prctl_parent_death(int sig);
int apus_set_thread_name(const char *name);
// The program's table of distributed methods (Swift's swift5_accessible_functions section): where it starts and ends.
const char *apus_accessible_functions_start(void);
const char *apus_accessible_functions_end(void);

static const uint32_t APUS_EPOLLIN = EPOLLIN;
static const uint32_t APUS_EPOLLOUT = EPOLLOUT;
static const uint32_t APUS_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t APUS_EPOLLHUP = EPOLLHUP;
static const uint32_t APUS_EPOLLERR = EPOLLERR;
static const uint32_t APUS_EPOLLET = EPOLLET;

// Two pointers a thread: the loop that runs here, and where it keeps the time at which its turn began.
extern _Thread_local void *apus_current_loop;
extern _Thread_local const int64_t *apus_turn_time;
// One small number a thread, for ApusObserve: which cells are its own; 0 until it asked.
extern _Thread_local uint32_t apus_thread_slot;

// Counters with one writer and many readers: a plain add that never tears.
static inline void apus_relaxed_add(uint64_t *cell, uint64_t delta) {
    __atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + delta, __ATOMIC_RELAXED);
}
static inline void apus_relaxed_store(uint64_t *cell, uint64_t value) {
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}
static inline uint64_t apus_relaxed_load(const uint64_t *cell) { return __atomic_load_n(cell, __ATOMIC_RELAXED); }
static inline void apus_atomic_add(uint64_t *cell, uint64_t delta) {
    __atomic_fetch_add(cell, delta, __ATOMIC_RELAXED);
}
static inline uint64_t apus_acquire_load(const uint64_t *cell) { return __atomic_load_n(cell, __ATOMIC_ACQUIRE); }
static inline void apus_release_store(uint64_t *cell, uint64_t value) {
    __atomic_store_n(cell, value, __ATOMIC_RELEASE);
}
static inline uint64_t apus_exchange(uint64_t *cell, uint64_t value) {
    return __atomic_exchange_n(cell, value, __ATOMIC_SEQ_CST);
}
// Has the processor fetch a line of memory that will be needed soon; any address will do.
static inline void apus_prefetch(const void *place) { __builtin_prefetch(place); }
// Tells the processor that this thread looks at memory until another one writes to it.
static inline void apus_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
// Accesses in the one order that all threads agree on.
static inline uint64_t apus_ordered_load(const uint64_t *cell) { return __atomic_load_n(cell, __ATOMIC_SEQ_CST); }
static inline void apus_ordered_store(uint64_t *cell, uint64_t value) {
    __atomic_store_n(cell, value, __ATOMIC_SEQ_CST);
}
static inline uint64_t apus_ordered_add(uint64_t *cell, uint64_t delta) {
    return __atomic_add_fetch(cell, delta, __ATOMIC_SEQ_CST);
}
static inline void apus_relaxed_store32(uint32_t *cell, uint32_t value) {
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}
static inline uint32_t apus_relaxed_load32(const uint32_t *cell) { return __atomic_load_n(cell, __ATOMIC_RELAXED); }
static inline void *apus_get_current_loop(void) { return apus_current_loop; }
static inline uint32_t apus_get_thread_slot(void) { return apus_thread_slot; }
static inline void apus_set_thread_slot(uint32_t slot) { apus_thread_slot = slot; }
static inline const int64_t *apus_get_turn_time(void) { return apus_turn_time; }
static inline void apus_set_current_loop(void *loop, const int64_t *time) {
    apus_current_loop = loop;
    apus_turn_time = time;
}

#endif
