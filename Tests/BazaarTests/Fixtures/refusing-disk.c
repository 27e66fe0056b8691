// A disk that refuses to be written: preloaded, it answers the calls that would change a file below $REFUSING_DISK with
// the error that the file $REFUSING_DISK.errno names, as the kernel does on a disk that is full (28) or read-only (30).
// Without that file every call is the kernel's own.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refusal(const char *path) {
    const char *folder = getenv("REFUSING_DISK");
    if (!folder || strncmp(path, folder, strlen(folder)) != 0) return 0;
    char name[4096], text[16] = {0};
    snprintf(name, sizeof name, "%s.errno", folder);
    int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
    syscall(SYS_close, fd);
    return atoi(text);
}

static int refusal_of(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count <= 0) return 0;
    path[count] = 0;
    return refusal(path);
}

#define REFUSE(number) do { int refused = (number); if (refused) { errno = refused; return -1; } } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    REFUSE(refusal_of(fd));
    return syscall(SYS_write, fd, bytes, count);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    REFUSE(refusal_of(fd));
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }
int ftruncate64(int fd, off64_t size) {
    REFUSE(refusal_of(fd));
    return syscall(SYS_ftruncate, fd, size);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int opened(int at, const char *path, int flags, mode_t mode) {
    // On a read-only disk nothing is opened for writing; on a full one only no file is made.
    int number = refusal(path);
    int is_writing = (flags & O_ACCMODE) != O_RDONLY;
    int makes = (flags & O_CREAT) && faccessat(at, path, F_OK, 0) != 0;
    if (number == EROFS ? is_writing || makes : number && makes) REFUSE(number);
    return syscall(SYS_openat, at, path, flags, mode);
}
#define MODE_OF(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); }
int open(const char *path, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return opened(at, path, flags, mode); }

int mkdir(const char *path, mode_t mode) {
    REFUSE(refusal(path));
    return syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}
int rename(const char *from, const char *to) {
    REFUSE(refusal(to));
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char *path) {
    int number = refusal(path);
    if (number == EROFS) REFUSE(number);
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}
