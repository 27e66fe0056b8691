// System calls that Swift cannot make by itself; see the header.
#define _GNU_SOURCE 1
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <unistd.h>

_Thread_local void *apus_current_loop = 0;
_Thread_local const int64_t *apus_turn_time = 0;
_Thread_local uint32_t apus_thread_slot = 0;

int apus_errno(void) { return errno; }
void apus_set_errno(int e) { errno = e; }
int64_t apus_monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
int64_t apus_realtime(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
int64_t apus_thread_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
int apus_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
int apus_epoll_del(int ep, int fd) { return epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL); }
uint64_t apus_epoll_data(const struct epoll_event *e) { return e->data.u64; }
uint32_t apus_epoll_events(const struct epoll_event *e) { return e->events; }
int apus_epoll_wait(int ep, struct epoll_event *events, int max, int64_t nanoseconds) {
    // epoll_pwait2 came with Linux 5.11; some sandboxes and valgrind lack it still.
    static int has_nanoseconds = 1;
    if (__atomic_load_n(&has_nanoseconds, __ATOMIC_RELAXED)) {
        struct timespec t = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        int count = (int)syscall(SYS_epoll_pwait2, ep, events, max, nanoseconds < 0 ? NULL : &t, NULL, (size_t)8);
        if (count >= 0 || errno != ENOSYS) return count;
        __atomic_store_n(&has_nanoseconds, 0, __ATOMIC_RELAXED);
    }
    // Rounded up, so that a loop does not spin through the last part of a millisecond.
    int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
    return epoll_wait(ep, events, max, milliseconds > 1000000000 ? 1000000000 : (int)milliseconds);
}
int apus_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int apus_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
int apus_pidfd_signal(int pidfd, int sig) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}
int apus_pidfd_wait(int pidfd, int *code) {
    siginfo_t info;
    info.si_pid = 0;
    if (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) return -1;
    if (info.si_pid == 0) return 1;
    *code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return 0;
}
int apus_socket(int family, int type) {
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
int apus_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
// Sending, receiving and waiting go past glibc's wrappers, which pay two atomic operations a call to let a thread be
// cancelled there; none of ours ever is.
ssize_t apus_send(int fd, const void *bytes, size_t count) {
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL, NULL, 0);
}
ssize_t apus_send_more(int fd, const void *bytes, size_t count) {
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL | MSG_MORE, NULL, 0);
}
ssize_t apus_recv(int fd, void *bytes, size_t count) { return syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL); }
ssize_t apus_peek(int fd, void *bytes, size_t count) {
    return recv(fd, bytes, count, MSG_PEEK | MSG_DONTWAIT);
}
int apus_bytes_waiting(int fd) {
    int count = 0;
    return ioctl(fd, FIONREAD, &count) == 0 ? count : -1;
}
int apus_set_int_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value);
}
int apus_get_int_option(int fd, int level, int name, int *value) {
    socklen_t size = sizeof *value;
    return getsockopt(fd, level, name, value, &size);
}
int64_t apus_peer_uid(int fd) {
    struct ucred who;
    socklen_t size = sizeof who;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? (int64_t)who.uid : -1;
}
int apus_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }
int apus_open_in(int folder, const char *name, int flags) {
    return openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}
int apus_fcntl_int(int fd, int command, int value) { return fcntl(fd, command, value); }
int apus_lock_file(int fd, int wait) {
    struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    return fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &f);
}
int apus_share_file(int fd) {
    struct flock f = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    return fcntl(fd, F_OFD_SETLK, &f);
}
int apus_unlock_file(int fd) {
    struct flock f = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    return fcntl(fd, F_OFD_SETLK, &f);
}
int apus_stderr(void) { return 2; }
ssize_t apus_random(void *bytes, size_t count) { return getrandom(bytes, count, 0); }
int apus_mkdir(const char *path, mode_t mode) { return mkdir(path, mode); }
int apus_stat(const char *path, struct stat *out) { return stat(path, out); }
int apus_fstat(int fd, struct stat *out) { return fstat(fd, out); }
int apus_prctl_parent_death(int sig) { return prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0); }
int apus_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

int apus_epoll_add(int ep, int fd, uint32_t events, uint64_t data) {
    struct epoll_event e = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static struct sockaddr_in inet(uint32_t address, uint16_t port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
    return a;
}
int apus_bind_inet(int fd, uint32_t address, uint16_t port) {
    struct sockaddr_in a = inet(address, port);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}
int apus_connect_inet(int fd, uint32_t address, uint16_t port) {
    struct sockaddr_in a = inet(address, port);
    return connect(fd, (struct sockaddr *)&a, sizeof a);
}
int apus_local_port(int fd) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    return getsockname(fd, (struct sockaddr *)&a, &size) == 0 && a.sin_family == AF_INET ? ntohs(a.sin_port) : -1;
}
int apus_peer_port(int fd) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    return getpeername(fd, (struct sockaddr *)&a, &size) == 0 && a.sin_family == AF_INET ? ntohs(a.sin_port) : -1;
}
uint32_t apus_peer_address(int fd) {
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    return getpeername(fd, (struct sockaddr *)&a, &size) == 0 && a.sin_family == AF_INET ? ntohl(a.sin_addr.s_addr) : 0;
}
static int unix_address(const char *path, struct sockaddr_un *a) {
    if (strlen(path) >= sizeof a->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path, path);
    return 0;
}
int apus_bind_unix(int fd, const char *path) {
    struct sockaddr_un a;
    return unix_address(path, &a) == 0 ? bind(fd, (struct sockaddr *)&a, sizeof a) : -1;
}
int apus_connect_unix(int fd, const char *path) {
    struct sockaddr_un a;
    return unix_address(path, &a) == 0 ? connect(fd, (struct sockaddr *)&a, sizeof a) : -1;
}

int apus_spawn(const char *path, char *const argv[], char *const envp[], const int *fds, int fd_count,
               const char *directory, int parent_death) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        // Only async-signal-safe calls from here to execve.
        for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        if (parent_death) {
            prctl(PR_SET_PDEATHSIG, parent_death, 0, 0, 0);
            if (getppid() != parent) _exit(1);
        }
        int failed = directory && chdir(directory) != 0;
        // Out of the way first, so that no target overwrites a source.
        int high[16];
        int report_end = fcntl(report[1], F_DUPFD_CLOEXEC, 64);
        for (int i = 0; i < fd_count && i < 16; i++) high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 32);
        for (int i = 0; i < fd_count && i < 16; i++)
            if (dup2(high[i], i) < 0) failed = 1;
        if (!failed) {
            syscall(SYS_close_range, fd_count, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */);
            execve(path, argv, envp);
        }
        int error = errno;
        if (write(report_end, &error, sizeof error) < 0) _exit(126);
        _exit(127);
    }
    int forked = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    int error = 0;
    ssize_t got = 0;
    if (pid > 0) {
        setpgid(pid, pid);
        do got = read(report[0], &error, sizeof error);
        while (got < 0 && errno == EINTR);
    }
    close(report[0]);
    if (pid < 0) return -forked;
    if (got == sizeof error) {
        waitpid(pid, NULL, 0);
        return -(error ? error : ENOEXEC);
    }
    return pid;
}

int apus_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
int apus_signalfd_read(int fd) {
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
void apus_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
void apus_ignore_sigxfsz(void) { signal(SIGXFSZ, SIG_IGN); }

// The linker makes these for every section whose name is an identifier; weak, for programs that have none.
extern const char __start_swift5_accessible_functions[] __attribute__((weak, visibility("hidden")));
extern const char __stop_swift5_accessible_functions[] __attribute__((weak, visibility("hidden")));

const char *apus_accessible_functions_start(void) { return __start_swift5_accessible_functions; }
const char *apus_accessible_functions_end(void) { return __stop_swift5_accessible_functions; }
