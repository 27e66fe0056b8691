// A disk that refuses to be written: preloaded, it answers the calls that would change a file below $REFUSING_DISK with
// the error that the file $REFUSING_DISK.errno names, as the kernel does on a disk that is full (28) or read-only (30).
// With the word "grow" behind the number only what needs room is refused: what makes a file, or makes one longer.
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
#include <sys/uio.h>
#include <unistd.h>

// The number, and in `grows` whether it holds only for what needs room.
static int refusal_with(const char *path, int *grows) {
    const char *folder = getenv("REFUSING_DISK");
    if (!folder || strncmp(path, folder, strlen(folder)) != 0) return 0;
    char name[4096], text[16] = {0};
    snprintf(name, sizeof name, "%s.errno", folder);
    int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
    syscall(SYS_close, fd);
    *grows = strstr(text, "grow") != NULL;
    return atoi(text);
}

static int refusal(const char *path) {
    int grows;
    return refusal_with(path, &grows);
}

// For a call that leaves the file at least `end` bytes long; -1 for one that writes where the file stands.
static int refusal_of(int fd, off64_t end, size_t count) {
    char link[64], path[4096];
    int grows = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    int number = refusal_with(path, &grows);
    if (!number || !grows) return number;
    struct stat status;
    if (syscall(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH) != 0) return number;
    if (end < 0) {
        int is_appending = fcntl(fd, F_GETFL) & O_APPEND;
        end = (is_appending ? status.st_size : (off64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR)) + (off64_t)count;
    }
    return end > status.st_size ? number : 0;
}

static size_t bytes_of(const struct iovec *parts, int count) {
    size_t bytes = 0;
    for (int index = 0; index < count; index++) bytes += parts[index].iov_len;
    return bytes;
}

#define REFUSE(number) do { int refused = (number); if (refused) { errno = refused; return -1; } } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    REFUSE(refusal_of(fd, -1, count));
    return syscall(SYS_write, fd, bytes, count);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    REFUSE(refusal_of(fd, offset + (off64_t)count, 0));
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REFUSE(refusal_of(fd, -1, bytes_of(parts, count)));
    return syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    REFUSE(refusal_of(fd, offset + (off64_t)bytes_of(parts, count), 0));
    // The offset's upper half is for machines of 32 bits.
    return syscall(SYS_pwritev, fd, parts, (long)count, (long)offset, 0L);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(fd, parts, count, offset);
}
int ftruncate64(int fd, off64_t size) {
    REFUSE(refusal_of(fd, size, 0));
    return syscall(SYS_ftruncate, fd, size);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
    REFUSE(refusal_of(fd, offset + size, 0));
    return syscall(SYS_fallocate, fd, mode, offset, size);
}
int fallocate(int fd, int mode, off_t offset, off_t size) { return fallocate64(fd, mode, offset, size); }
// Answers with the error's number. What is allocated already needs no room.
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    struct stat status;
    int is_there = syscall(SYS_newfstatat, fd, "", &status, AT_EMPTY_PATH) == 0 && offset + size <= status.st_size;
    int number = is_there ? 0 : refusal_of(fd, offset + size, 0);
    if (number) return number;
    if (is_there || syscall(SYS_fallocate, fd, 0, offset, size) == 0) return 0;
    // Where the file system knows no such thing the file is made as long all the same.
    return errno == EOPNOTSUPP && syscall(SYS_ftruncate, fd, offset + size) == 0 ? 0 : errno;
}
int posix_fallocate(int fd, off_t offset, off_t size) { return posix_fallocate64(fd, offset, size); }

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
