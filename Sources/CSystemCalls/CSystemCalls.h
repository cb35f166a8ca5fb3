// The system calls of the data path, without the C library's cancellation points: in a process with several threads, its own
// recv and send tell pthread_cancel, which nothing here uses, before and after each call, by atomic operations that cost a
// proxied page 2 % of its processor time. Results and errno are as those of the functions of these names.
#ifndef RELEVO_CSYSTEMCALLS_H
#define RELEVO_CSYSTEMCALLS_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

#endif
