#include "CHiredisPeer.h"
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

// The loop's side of hiredis. Its adapters change epoll's interest with every batch of commands; this one notes that
// there is something to write and writes it before it waits, which saves two system calls a batch.
struct peer {
    redisAsyncContext *context;
    int epoll;
    int wants_write;
    int is_blocked;
    int is_broken;
    const char *const *keys;
    size_t *lengths;
    size_t key_count;
    size_t next_key;
    long to_send;
    long to_come;
    long bytes;
};

static void interest(struct peer *peer, uint32_t events) {
    struct epoll_event event = {.events = events};
    epoll_ctl(peer->epoll, EPOLL_CTL_MOD, peer->context->c.fd, &event);
}

static void add_write(void *data) { ((struct peer *)data)->wants_write = 1; }
static void ignore(void *data) { (void)data; }

static void answered(redisAsyncContext *context, void *data, void *private);

static void ask(struct peer *peer) {
    const char *words[2] = {"GET", peer->keys[peer->next_key]};
    size_t lengths[2] = {3, peer->lengths[peer->next_key]};
    if (++peer->next_key == peer->key_count) peer->next_key = 0;
    peer->to_send--;
    if (redisAsyncCommandArgv(peer->context, answered, peer, 2, words, lengths) != REDIS_OK) peer->is_broken = 1;
}

static void answered(redisAsyncContext *context, void *data, void *private) {
    struct peer *peer = private;
    redisReply *reply = data;
    (void)context;
    if (!reply || reply->type != REDIS_REPLY_STRING) {
        peer->is_broken = 1;
        return;
    }
    peer->bytes += (long)reply->len;
    peer->to_come--;
    if (peer->to_send > 0) ask(peer);
}

static double cpu(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void run(struct peer *peer, long commands, int depth) {
    struct epoll_event event;
    peer->to_send = commands;
    peer->to_come = commands;
    for (int index = 0; index < depth && peer->to_send > 0; index++) ask(peer);
    while (peer->to_come > 0 && !peer->is_broken) {
        if (peer->wants_write && !peer->is_blocked) {
            peer->wants_write = 0;
            redisAsyncHandleWrite(peer->context);
            if (peer->wants_write) {
                peer->is_blocked = 1;
                interest(peer, EPOLLIN | EPOLLOUT);
            }
        }
        if (epoll_wait(peer->epoll, &event, 1, 10000) != 1) {
            peer->is_broken = 1;
            return;
        }
        if (event.events & EPOLLOUT && peer->is_blocked) {
            peer->is_blocked = 0;
            interest(peer, EPOLLIN);
        }
        if (event.events & EPOLLIN) redisAsyncHandleRead(peer->context);
    }
}

double hiredis_peer_run(int port, const char *const *keys, size_t key_count, long commands, int depth, long *bytes) {
    size_t lengths[key_count];
    for (size_t index = 0; index < key_count; index++) lengths[index] = strlen(keys[index]);
    struct peer peer = {.keys = keys, .lengths = lengths, .key_count = key_count};
    double nanoseconds = -1;
    peer.epoll = epoll_create1(EPOLL_CLOEXEC);
    peer.context = redisAsyncConnect("127.0.0.1", port);
    if (peer.epoll < 0 || !peer.context || peer.context->err) return -1;
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(peer.epoll, EPOLL_CTL_ADD, peer.context->c.fd, &event);
    peer.context->ev.data = &peer;
    peer.context->ev.addRead = ignore;
    peer.context->ev.delRead = ignore;
    peer.context->ev.addWrite = add_write;
    peer.context->ev.delWrite = ignore;
    peer.context->ev.cleanup = ignore;
    // The connection is made, and everything warm.
    peer.wants_write = 1;
    run(&peer, depth, depth);
    if (!peer.is_broken) {
        peer.bytes = 0;
        double began = cpu();
        run(&peer, commands, depth);
        nanoseconds = (cpu() - began) / (double)commands;
    }
    *bytes = peer.bytes;
    int is_broken = peer.is_broken;
    redisAsyncFree(peer.context);
    close(peer.epoll);
    return is_broken ? -1 : nanoseconds;
}
