// The system calls of the data path, without the C library's cancellation points: in a process with several threads, its own
// recv and send tell pthread_cancel, which nothing here uses, before and after each call, by atomic operations that cost a
// proxied page 2 % of its processor time. Results and errno are as those of the functions of these names.
#ifndef RELEVO_CSYSTEMCALLS_H
#define RELEVO_CSYSTEMCALLS_H

#include <fcntl.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static inline long receive_bytes(int descriptor, void *room, size_t size) {
  return syscall(SYS_recvfrom, descriptor, room, size, 0, NULL, NULL);
}

static inline long send_bytes(int descriptor, const void *bytes, size_t count) {
  return syscall(SYS_sendto, descriptor, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

static inline long send_message(int descriptor, const struct msghdr *message) {
  return syscall(SYS_sendmsg, descriptor, message, MSG_NOSIGNAL);
}

// What <fcntl.h> shows with _GNU_SOURCE alone.
enum { relevo_splice_move = 1, relevo_splice_nonblock = 2, relevo_set_pipe_size = 1031 };

// A pipe that no call waits for, with room for `bytes`, or for less where the user has many.
static inline int make_pipe(int *read_end, int *write_end, int bytes) {
  int ends[2];
  if (syscall(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  *read_end = ends[0];
  *write_end = ends[1];
  fcntl(ends[1], relevo_set_pipe_size, bytes);
  return 0;
}

// Between a pipe and a socket, in either direction, as much as can be moved at once.
static inline long splice_bytes(int from, int to, size_t count) {
  return syscall(SYS_splice, from, NULL, to, NULL, count, relevo_splice_move | relevo_splice_nonblock);
}

// From now on the kernel drops what is sent to this socket, unanswered. Whom a listening socket accepts inherits that.
static inline int drop_packets(int descriptor) {
  struct sock_filter drop = {BPF_RET | BPF_K, 0, 0, 0};
  struct sock_fprog program = {1, &drop};
  return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static inline void keep_packets(int descriptor) {
  int unused = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

// The calling thread's, as `ps -L` shows it: 15 bytes of it.
static inline void name_thread(const char *name) { prctl(PR_SET_NAME, name); }

// A timer of the monotonic clock that does not run yet.
static inline int make_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

// Due at `first` and every `every` from then on, in microseconds of that clock; 0 and 0 stop it.
static inline int set_timer(int descriptor, uint64_t first, uint64_t every) {
  struct itimerspec times = {
      .it_interval = {every / 1000000, every % 1000000 * 1000}, .it_value = {first / 1000000, first % 1000000 * 1000}};
  return timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &times, NULL);
}

// How often it has been due since the last call; 0 when it has not.
static inline uint64_t take_expirations(int descriptor) {
  uint64_t count = 0;
  return read(descriptor, &count, sizeof count) == sizeof count ? count : 0;
}

#endif
