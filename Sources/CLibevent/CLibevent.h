// What Swift sees of libevent: the event loop, its buffers and evhttp.
#ifndef RELEVO_CLIBEVENT_H
#define RELEVO_CLIBEVENT_H

// First: event-config.h defines feature macros, and with them glibc's types would differ from those that
// Swift's Glibc module has.
#include <features.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <stdlib.h>
#include <sys/socket.h>

// Linux calls that glibc declares only beside feature macros which Swift's Glibc module does not set.
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(pthread_t thread, const char *name);

#endif
