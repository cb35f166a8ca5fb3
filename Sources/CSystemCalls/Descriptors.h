// Descriptors that go from one process to another, and who that is. Results and errno are as those of sendmsg, recvmsg and
// getsockopt.
#ifndef RELEVO_DESCRIPTORS_H
#define RELEVO_DESCRIPTORS_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// What one message of a unix socket can carry; the kernel takes 253.
enum { relevo_descriptors_limit = 250 };

// A message with descriptors beside it, which both processes have from then on.
static inline long send_descriptors(
    int socket, const void *bytes, size_t count, const int *descriptors, size_t number) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(relevo_descriptors_limit * sizeof(int))];
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (number > relevo_descriptors_limit) {
    errno = EINVAL;
    return -1;
  }
  if (number > 0) {
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(number * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(number * sizeof(int));
    memcpy(CMSG_DATA(head), descriptors, number * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

// The next message. `descriptors` has room for relevo_descriptors_limit; those that came are the caller's. EMSGSIZE for a message
// that is longer than `size` or has more of them: nothing is left of it.
static inline long receive_descriptors(int socket, void *room, size_t size, int *descriptors, size_t *number) {
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(relevo_descriptors_limit * sizeof(int))];
  struct iovec part = {room, size};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *number = 0;
  long received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) return received;
  for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    size_t came = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(descriptors + *number, CMSG_DATA(head), came * sizeof(int));
    *number += came;
  }
  if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    for (size_t index = 0; index < *number; index++) close(descriptors[index]);
    *number = 0;
    errno = EMSGSIZE;
    return -1;
  }
  return received;
}

// Who is at the other end of a unix socket, as of its connect or listen.
static inline int peer_process(int socket, int *process, unsigned *user) {
  struct {
    int process;
    unsigned user, group;
  } peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
  *process = peer.process;
  *user = peer.user;
  return 0;
}

#endif
