/*
 * What a process asks of its disk, written down and, on request, refused. Loaded into it with LD_PRELOAD.
 *
 * Only calls on paths below ATTACK_FOLDER count. Each becomes one entry of the file ATTACK_TRACE, in the order in
 * which the disk saw them: one call at a time is let through, so that no write is under way while another is synced.
 * The page ATTACK_CONTROL says which calls fail, and how; with it the process can also be killed before its n-th call.
 *
 * Real calls go straight to the kernel: whatever libc spells differently (open, open64, openat, …) ends in one place.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What an entry of the trace is. shim.rs and trace.rs know the same numbers. */
enum entry { CREATE = 1, WRITE, RESIZE, FSYNC, FDATASYNC, MKDIR, UNLINK, RMDIR, RENAME };

/* Kinds of calls that can fail: a set of bits. */
enum kind { OPENING = 1, OPENING_TO_WRITE = 2, WRITING = 4, SYNCING = 8, NAMING = 16 };

struct control {
    uint64_t kinds;  /* which calls are counted; 0: none */
    uint64_t first;  /* the first counted call that fails, from 1 */
    uint64_t last;   /* the last one */
    uint64_t error;  /* errno; 0: the process is killed instead */
    uint64_t calls;  /* counted so far */
    uint64_t failed; /* failed so far */
    char below[PATH_MAX]; /* only calls below this path are counted */
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static int trace = -1;
static struct control *control;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("ATTACK_FOLDER");
    if (name)
        snprintf(folder, sizeof folder, "%s", name);
    if ((name = getenv("ATTACK_TRACE")))
        trace = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if ((name = getenv("ATTACK_CONTROL"))) {
        int fd = syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC);
        void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            abort();
        control = page;
        syscall(SYS_close, fd);
    }
}

static int is_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    return length && !strncmp(path, top, length) && (path[length] == '/' || !path[length]);
}

/* The path of a descriptor; a file that has lost its name keeps the one it had. */
static int path_of(int fd, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    char *gone = strstr(path, " (deleted)");
    if (gone)
        *gone = 0;
    return is_below(path, folder);
}

static int path_at(int dir, const char *name, char *path)
{
    char base[PATH_MAX];
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        if (dir == AT_FDCWD) {
            if (!getcwd(base, sizeof base))
                return 0;
        } else if (!path_of(dir, base)) {
            return 0;
        }
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX)
            return 0;
    }
    return is_below(path, folder);
}

static uint64_t inode(int fd)
{
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

static void note(enum entry entry, uint64_t file, uint64_t at, const char *path, const char *to, const void *data,
                 size_t length)
{
    if (trace < 0)
        return;
    path = path ? path + strlen(folder) : "";
    to = to ? to + strlen(folder) : "";
    uint64_t head[6] = {entry, file, at, strlen(path), strlen(to), length};
    struct iovec parts[] = {
        {head, sizeof head}, {(void *)path, strlen(path)}, {(void *)to, strlen(to)}, {(void *)data, length}};
    for (int part = 0; part < 4; part++) {
        while (parts[part].iov_len) {
            long wrote = syscall(SYS_write, trace, parts[part].iov_base, parts[part].iov_len);
            if (wrote <= 0)
                abort(); /* a trace with a hole proves nothing */
            parts[part].iov_base = (char *)parts[part].iov_base + wrote;
            parts[part].iov_len -= wrote;
        }
    }
}

/* Takes the turn; says whether the call shall fail, with errno set. */
static int refuses(unsigned kinds, const char *path)
{
    pthread_mutex_lock(&turn);
    if (!control || !(control->kinds & kinds) || !is_below(path, control->below))
        return 0;
    uint64_t call = ++control->calls;
    if (call < control->first || call > control->last)
        return 0;
    control->failed++;
    if (!control->error)
        syscall(SYS_kill, getpid(), SIGKILL);
    errno = control->error;
    return 1;
}

static long done(long result)
{
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}

static void not_foreseen(const char *what)
{
    fprintf(stderr, "disk.c does not foresee %s\n", what);
    abort();
}

static int do_open(int dir, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    if (!path_at(dir, name, path))
        return syscall(SYS_openat, dir, name, flags, mode);
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
    if (refuses(writes ? OPENING | OPENING_TO_WRITE : OPENING, path))
        return done(-1);
    int missing = flags & O_CREAT && syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
    int fd = syscall(SYS_openat, dir, name, flags, mode);
    if (fd >= 0 && missing)
        note(CREATE, inode(fd), 0, path, NULL, NULL, 0);
    else if (fd >= 0 && flags & O_TRUNC)
        note(RESIZE, inode(fd), 0, NULL, NULL, NULL, 0);
    return done(fd);
}

static ssize_t do_write(int fd, const struct iovec *parts, int count, off_t at)
{
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return at < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, at, 0);
    if (refuses(WRITING, path))
        return done(-1);
    ssize_t all = 0;
    for (int part = 0; part < count && all >= 0; part++) {
        off_t place = at < 0 ? lseek(fd, 0, SEEK_CUR) : at + all;
        struct stat status;
        if (at < 0 && fcntl(fd, F_GETFL) & O_APPEND)
            place = fstat(fd, &status) ? 0 : status.st_size;
        const struct iovec *one = &parts[part];
        ssize_t wrote = at < 0 ? syscall(SYS_write, fd, one->iov_base, one->iov_len)
                               : syscall(SYS_pwrite64, fd, one->iov_base, one->iov_len, place);
        if (wrote < 0)
            return done(all ? all : -1);
        note(WRITE, inode(fd), place, NULL, NULL, one->iov_base, wrote);
        all += wrote;
        if ((size_t)wrote < one->iov_len)
            break;
    }
    return done(all);
}

static int do_resize(int fd, off_t length)
{
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return syscall(SYS_ftruncate, fd, length);
    if (refuses(WRITING, path))
        return done(-1);
    int result = syscall(SYS_ftruncate, fd, length);
    if (!result)
        note(RESIZE, inode(fd), length, NULL, NULL, NULL, 0);
    return done(result);
}

static int do_sync(int fd, enum entry entry)
{
    long call = entry == FSYNC ? SYS_fsync : SYS_fdatasync;
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return syscall(call, fd);
    if (refuses(SYNCING, path))
        return done(-1);
    int result = syscall(call, fd);
    if (!result)
        note(entry, inode(fd), 0, path, NULL, NULL, 0);
    return done(result);
}

static int do_mkdir(int dir, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!path_at(dir, name, path))
        return syscall(SYS_mkdirat, dir, name, mode);
    if (refuses(NAMING, path))
        return done(-1);
    int result = syscall(SYS_mkdirat, dir, name, mode);
    struct stat status;
    if (!result && !stat(path, &status))
        note(MKDIR, status.st_ino, 0, path, NULL, NULL, 0);
    return done(result);
}

static int do_unlink(int dir, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!path_at(dir, name, path))
        return syscall(SYS_unlinkat, dir, name, flags);
    if (refuses(NAMING, path))
        return done(-1);
    int result = syscall(SYS_unlinkat, dir, name, flags);
    if (!result)
        note(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, 0, path, NULL, NULL, 0);
    return done(result);
}

static int do_rename(int old_dir, const char *old_name, int new_dir, const char *new_name, unsigned flags)
{
    char old_path[PATH_MAX], new_path[PATH_MAX];
    int from = path_at(old_dir, old_name, old_path), to = path_at(new_dir, new_name, new_path);
    if (!from && !to)
        return syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, flags);
    if (!from || !to || flags)
        not_foreseen("this rename");
    if (refuses(NAMING, old_path))
        return done(-1);
    int result = syscall(SYS_renameat2, old_dir, old_name, new_dir, new_name, 0);
    if (!result)
        note(RENAME, 0, 0, old_path, new_path, NULL, 0);
    return done(result);
}

/* The names that libc gives them. */

#define OPEN(name)                                                                                                    \
    int name(const char *path, int flags, ...)                                                                        \
    {                                                                                                                 \
        va_list more;                                                                                                 \
        va_start(more, flags);                                                                                        \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                                                     \
        va_end(more);                                                                                                 \
        return do_open(AT_FDCWD, path, flags, mode);                                                                  \
    }
#define OPENAT(name)                                                                                                  \
    int name(int dir, const char *path, int flags, ...)                                                               \
    {                                                                                                                 \
        va_list more;                                                                                                 \
        va_start(more, flags);                                                                                        \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                                                     \
        va_end(more);                                                                                                 \
        return do_open(dir, path, flags, mode);                                                                       \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode) { return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

#define ONE(data, length) &(struct iovec){(void *)(data), (length)}, 1
ssize_t write(int fd, const void *data, size_t length) { return do_write(fd, ONE(data, length), -1); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return do_write(fd, parts, count, -1); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return do_write(fd, ONE(data, length), at); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) { return do_write(fd, ONE(data, length), at); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return do_write(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) { return do_write(fd, parts, count, at); }

int ftruncate(int fd, off_t length) { return do_resize(fd, length); }
int ftruncate64(int fd, off_t length) { return do_resize(fd, length); }

int fsync(int fd) { return do_sync(fd, FSYNC); }
int fdatasync(int fd) { return do_sync(fd, FDATASYNC); }
/* Neither the disk's cache nor the file's growth: it makes nothing durable, and is not noted. */
int sync_file_range(int fd, off_t from, off_t count, unsigned flags)
{
    char path[PATH_MAX];
    if (path_of(fd, path)) {
        if (refuses(SYNCING, path))
            return done(-1);
        done(0);
    }
    return syscall(SYS_sync_file_range, fd, from, count, flags);
}

int mkdir(const char *path, mode_t mode) { return do_mkdir(AT_FDCWD, path, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { return do_mkdir(dir, path, mode); }
int unlink(const char *path) { return do_unlink(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return do_unlink(dir, path, flags); }
int rmdir(const char *path) { return do_unlink(AT_FDCWD, path, AT_REMOVEDIR); }
int rename(const char *from, const char *to) { return do_rename(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return do_rename(from_dir, from, to_dir, to, 0);
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return do_rename(from_dir, from, to_dir, to, flags);
}

/* Other ways to change a file. Nothing here takes them; whatever did would be missing in the trace. */
int fallocate(int fd, int mode, off_t at, off_t length)
{
    char path[PATH_MAX];
    if (path_of(fd, path))
        not_foreseen("fallocate");
    return syscall(SYS_fallocate, fd, mode, at, length);
}
int fallocate64(int fd, int mode, off_t at, off_t length) { return fallocate(fd, mode, at, length); }
ssize_t copy_file_range(int from, off_t *at, int fd, off_t *to, size_t length, unsigned flags)
{
    char path[PATH_MAX];
    if (path_of(fd, path))
        not_foreseen("copy_file_range");
    return syscall(SYS_copy_file_range, from, at, fd, to, length, flags);
}
