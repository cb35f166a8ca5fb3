/* The floor: the least that a proxy over libevent can do, for `Benchmarks/run` to compare proxies with.
 *
 *   floor PORT ORIGIN_PORT
 *
 * One loop, one thread, both ports on 127.0.0.1. Each connection is registered once, edge-triggered, for reading and
 * writing. What one side sends is received once and sent once to the other, as it is. Connections to the origin are kept.
 * Of a message no more is looked at than finds its end: the blank line, and Content-Length as clients and servers write it.
 *
 * It is no proxy: a head must come in one piece, there is no chunked coding, no pipelining and no time limit, and the
 * origin learns nothing of the client. What it cannot relay, it closes.
 *
 *   client ---- side ---- peer ---- origin
 *               a pair while an exchange is under way; before and after it the client waits alone, the origin's in `idle`
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { CLIENT, ORIGIN };

struct side {
  int fd;
  enum kind kind;
  bool answered;        /* an origin's: its answer has passed wholly */
  struct event event;
  struct side *peer;    /* the other side of the exchange under way */
  struct side *next;    /* in `idle` */
  size_t left;          /* bytes of its message that have not come yet; 0 before the next head */
  char *rest;           /* what its socket has not taken yet, owned; nothing is received from the peer meanwhile */
  size_t rest_length, rest_sent;
};

static struct event_base *base;
static struct sockaddr_in origin_address;
static struct side *idle;
static char room[65536]; /* what was received; it is sent, or copied to a `rest`, before the next receive */

static void receive(struct side *side);

static void drop(struct side *side) {
  event_del(&side->event);
  close(side->fd);
  free(side->rest);
  for (struct side **at = &idle; *at; at = &(*at)->next)
    if (*at == side) { *at = side->next; break; }
  free(side);
}

/* Ends an exchange in the middle, or a connection without one. */
static void drop_pair(struct side *side) {
  if (side->peer) drop(side->peer);
  drop(side);
}

static bool would_wait(void) { return errno == EAGAIN || errno == ENOTCONN; }

/* Sends, and keeps what the socket does not take. */
static bool pass_on(struct side *to, const char *bytes, size_t length) {
  ssize_t sent = to->rest ? 0 : send(to->fd, bytes, length, MSG_NOSIGNAL);
  if (sent < 0) {
    if (!would_wait()) return false;
    sent = 0;
  }
  if ((size_t)sent == length) return true;
  size_t more = length - (size_t)sent;
  char *rest = realloc(to->rest, to->rest_length + more);
  if (!rest) return false;
  memcpy(rest + to->rest_length, bytes + sent, more);
  to->rest = rest;
  to->rest_length += more;
  return true;
}

static bool send_rest(struct side *to) {
  ssize_t sent = send(to->fd, to->rest + to->rest_sent, to->rest_length - to->rest_sent, MSG_NOSIGNAL);
  if (sent < 0) return would_wait();
  to->rest_sent += (size_t)sent;
  if (to->rest_sent == to->rest_length) {
    free(to->rest);
    to->rest = NULL;
    to->rest_length = to->rest_sent = 0;
  }
  return true;
}

/* The length of the message that begins here, 0 when its head has no end. */
static size_t message_length(const char *bytes, size_t length) {
  const char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = (size_t)(end - bytes) + 4;
  const char *field = memmem(bytes, head, "\r\nContent-Length: ", 18);
  return head + (field ? strtoul(field + 18, NULL, 10) : 0);
}

/* Parts the two when the request and the answer have both passed. */
static void end_exchange(struct side *client) {
  struct side *origin = client->peer;
  if (client->left || !origin->answered || origin->rest) return;
  client->peer = origin->peer = NULL;
  origin->answered = false;
  origin->next = idle;
  idle = origin;
}

static void on_event(evutil_socket_t fd, short what, void *context) {
  struct side *side = context;
  (void)fd;
  if (!(what & EV_WRITE) || !side->rest) {
    if (what & EV_READ) receive(side);
    return;
  }
  if (!send_rest(side)) return drop_pair(side);
  if (what & EV_READ) event_active(&side->event, EV_READ, 0); /* later: what follows may drop this side */
  struct side *peer = side->peer;
  if (side->rest || !peer) return;
  if (side->kind == ORIGIN) end_exchange(peer);
  receive(peer); /* it was left alone while this side was full */
}

static struct side *open_side(int fd, enum kind kind) {
  struct side *side = calloc(1, sizeof *side);
  if (!side) { close(fd); return NULL; }
  side->fd = fd;
  side->kind = kind;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  event_assign(&side->event, base, fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_event, side);
  event_add(&side->event, NULL);
  return side;
}

static struct side *origin_for(struct side *client) {
  struct side *origin = idle;
  if (origin) {
    idle = origin->next;
  } else {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return NULL;
    if (connect(fd, (struct sockaddr *)&origin_address, sizeof origin_address) != 0 && errno != EINPROGRESS) {
      close(fd);
      return NULL;
    }
    origin = open_side(fd, ORIGIN);
    if (!origin) return NULL;
  }
  origin->peer = client;
  client->peer = origin;
  return origin;
}

/* Takes what has come from one side to the other; false when the exchange is beyond this relay. */
static bool relay(struct side *side, const char *bytes, size_t length) {
  if (side->left == 0) {
    if (side->kind == ORIGIN ? !side->peer || side->answered : side->peer != NULL) return false;
    side->left = message_length(bytes, length);
    if (side->left == 0 || (side->kind == CLIENT && !origin_for(side))) return false;
  }
  if (length > side->left || !pass_on(side->peer, bytes, length)) return false;
  side->left -= length;
  if (side->left == 0) {
    if (side->kind == ORIGIN) side->answered = true;
    end_exchange(side->kind == CLIENT ? side : side->peer);
  }
  return true;
}

static void receive(struct side *side) {
  for (;;) {
    if (side->peer && side->peer->rest) return; /* it comes back here when that has gone */
    ssize_t got = recv(side->fd, room, sizeof room, 0);
    if (got < 0 && would_wait()) return;
    if (got <= 0 || !relay(side, room, (size_t)got)) return drop_pair(side);
    if ((size_t)got < sizeof room) return; /* the socket is empty: the next edge tells of more */
  }
}

static void on_accept(evutil_socket_t listener, short what, void *context) {
  (void)what;
  (void)context;
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) open_side(fd, CLIENT);
}

static struct sockaddr_in local(const char *port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int main(int count, char **words) {
  if (count != 3) {
    fputs("floor: give two ports: its own and the origin's\n", stderr);
    return 64;
  }
  struct sockaddr_in address = local(words[1]);
  origin_address = local(words[2]);
  base = event_base_new();
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (!base || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
    perror("floor: cannot listen");
    return 71;
  }
  struct event *accepting = event_new(base, listener, EV_READ | EV_ET | EV_PERSIST, on_accept, NULL);
  event_add(accepting, NULL);
  return event_base_dispatch(base) == 0 ? 0 : 71;
}
